"""Who belongs into snapshots of features, and is not in them as the links of today have it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.lake import Lake, Ledger
from personalake.lake.conditions import Conditions
from personalake.lake.direct import frame_of
from personalake.pipelines.consents_now import LINKS
from personalake.pipelines.job import JobContext
from personalake.profiles.features import definition
from personalake.tables.gold import CUSTOMER_FEATURE
from personalake.tables.identity import PERSON_CHANGE
from personalake.tables.silver import ORDER_LINE, PERSON_LINK

_NARROW = 262_144  # rows of a few short columns that are read at once


@dataclass(frozen=True)
class Newcomers:
    """Persons whose rows in snapshots are missing, or of another time.

    Args:
        ids: Their ids, those whom a merge has ended included.
    """

    ids: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ids)

    def within(self, lake: Lake, rows: DataFrame) -> DataFrame:
        """The rows of these persons."""
        named = frame_of(lake.spark, pa.table({"person_id": pa.array(self.ids, pa.string())}))
        return rows.join(F.broadcast(named), "person_id", "left_semi")


def buyers(context: JobContext, before: date) -> pa.Table:
    """Persons with an order line that had happened and was known before a day, returns left out.

    Returns:
        `person_id`, and `since`: when the first of their lines could be seen.
    """
    ledger = context.lake.ledger
    midnight = datetime.combine(before, time(), ZoneInfo(context.settings.business_timezone))
    clocks = ("occurred_at", "known_at")
    visible = [("is_return", "=", False), ("customer_id", "!=", None), *((clock, "<", midnight) for clock in clocks)]
    with duckdb.connect() as opened:
        opened.register("link", ledger.scan(PERSON_LINK, ()).reader(LINKS, _NARROW))
        lines = ledger.scan(ORDER_LINE, visible).reader(("namespace", "customer_id", *clocks), _NARROW)
        opened.register("line", lines)
        return opened.sql(
            """
            SELECT person_id, min(since) AS since FROM link JOIN (
                SELECT namespace, customer_id AS value, min(greatest(occurred_at, known_at)) AS since
                FROM line GROUP BY ALL
            ) USING (namespace, value) GROUP BY person_id
            """
        ).to_arrow_table()


def newcomers(context: JobContext, wanted: pa.Table, standing: Mapping[date, Mapping[str, Any]]) -> Newcomers:
    """Who ought to be in snapshots that stand and is not, and who was merged or split since they were built.

    Args:
        context: What the job is given.
        wanted: Rows of `buyers` who may be in snapshots.
        standing: The latest building of each snapshot that stands.
    """
    if not standing:
        return Newcomers()
    ledger = context.lake.ledger
    zone = ZoneInfo(context.settings.business_timezone)
    midnights = [datetime.combine(as_of, time(), zone) for as_of in sorted(standing)]
    due = pa.table({"as_of": sorted(standing), "midnight": pa.array(midnights, wanted.schema.field("since").type)})
    of_snapshots = [("definition", "=", definition()), ("as_of", "in", sorted(standing))]
    with duckdb.connect() as opened:
        opened.register("held", ledger.scan(CUSTOMER_FEATURE, of_snapshots).reader(["person_id", "as_of"], _NARROW))
        opened.register("wanted", wanted)
        opened.register("due", due)
        absent = opened.sql(
            """
            SELECT DISTINCT person_id FROM (SELECT person_id, as_of FROM wanted JOIN due ON since < midnight)
            ANTI JOIN held USING (person_id, as_of)
            """
        ).to_arrow_table()["person_id"]
    moved = _moved_since(ledger, [row["links_version"] for row in standing.values()])
    return Newcomers(tuple(sorted({*absent.to_pylist(), *moved})))


def _moved_since(ledger: Ledger, versions: Collection[int | None]) -> Iterable[str]:
    """Persons whom identifiers left or came to since snapshots were built from some versions of the links.

    A move is logged before it is made, by a run that may have begun long before: only the version of the links tells
    whether a snapshot stands on the links before it. Where links were made anew, as their versions tell, all moves count.
    """
    current, known = ledger.version(PERSON_LINK), [version for version in versions if version is not None]
    is_comparable = current is not None and len(known) == len(versions) and max(known) <= current
    since: Conditions = [("links_version", ">=", min(known))] if is_comparable else ()
    changes = ledger.arrow(PERSON_CHANGE, ("old_person_id", "new_person_id"), since)
    return {*changes["old_person_id"].to_pylist(), *changes["new_person_id"].to_pylist()}
