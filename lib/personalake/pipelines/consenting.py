"""Who allows models, segments and recommenders to look at them, at the moment of the run; silence is a no.

What a person granted when `silver.consent_current` was made counts, unless it has been refused, or has ended, since. Of
persons who were merged, the later answer of either half counts, as that table has it; who asks to be forgotten, or is being
forgotten, allows nothing. A suppressed address is no such answer: it bars a channel.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.lake import Ledger, WriteResult
from personalake.lake.conditions import Conditions
from personalake.lake.direct import frame_of
from personalake.lake.erasing import remove_rows
from personalake.lake.lake import Lake
from personalake.pipelines.consents_now import CONSENTS, persons_asking_now, persons_barred_now
from personalake.pipelines.job import JobContext
from personalake.pipelines.merged import merged_persons
from personalake.privacy.consent_now import lay_out_granted
from personalake.tables import Table
from personalake.tables.silver import PERSON_LINK

_TEXT = pa.string()
_AT_ONCE = 262_144  # rows of ids that are read at once


@dataclass(frozen=True)
class Consenting:
    """The persons who allow something.

    Args:
        purposes: What they allow, all of it.
        people: Their ids in order, in the one column `person_id`.
    """

    purposes: tuple[str, ...]
    people: pa.Table

    @property
    def ids(self) -> pa.Array:
        """The ids alone."""
        return self.people["person_id"].combine_chunks()

    def among(self, rows: pa.Table) -> pa.Table:
        """The rows of these persons."""
        return rows.filter(pc.is_in(rows["person_id"], self.ids))

    def others(self, ledger: Ledger, table: Table, where: Conditions = ()) -> list[str]:
        """Persons in rows of a table of any size who do not allow it."""
        with duckdb.connect() as opened:
            opened.register("held", ledger.scan(table, where).reader(["person_id"], _AT_ONCE))
            opened.register("allowed", self.people)
            found = opened.sql("SELECT DISTINCT person_id FROM held ANTI JOIN allowed USING (person_id)").to_arrow_table()
        return [person for person in found["person_id"].to_pylist() if person is not None]

    def frame(self, lake: Lake) -> DataFrame:
        """The ids in Spark, of which no plan shows any."""
        return F.broadcast(frame_of(lake.spark, self.people))

    def within(self, lake: Lake, rows: DataFrame) -> DataFrame:
        """The rows of these persons."""
        return rows.join(self.frame(lake), "person_id", "left_semi")

    def links(self, lake: Lake) -> DataFrame:
        """Links of these persons: what is joined with them is theirs."""
        return self.within(lake, lake.read(PERSON_LINK))

    def told(self, left_out: int, withdrawn: int = 0) -> str:
        """Who was left out, for the last line of a job; nothing if that was nobody."""
        words = []
        if left_out:
            words.append(f"{left_out:,} left out without consent to {' and '.join(self.purposes)}")
        if withdrawn:
            words.append(f"rows of {withdrawn:,} who allow it no longer are gone")
        return "".join(f"; {part}" for part in words)


def consenting(context: JobContext, purposes: Iterable[str]) -> Consenting:
    """Who grants all of some purposes."""
    ledger, wanted = context.lake.ledger, tuple(sorted(set(purposes)))
    with duckdb.connect() as opened:
        for table, columns in CONSENTS.items():
            opened.register(f"given_{table.name}", ledger.scan(table, ()).reader(columns))
        privacy = context.settings.privacy
        lay_out_granted(opened, privacy.signals, context.run_started_at, purposes=privacy.purposes)
        leaving = persons_asking_now(ledger, context.settings) | persons_barred_now(ledger, context.run_started_at)
        asking = pa.table({"person_id": pa.array(sorted(leaving), _TEXT)})
        opened.register("asking", asking)
        people = opened.sql(
            """
            SELECT person_id FROM granted ANTI JOIN asking USING (person_id) WHERE list_contains($1, purpose)
            GROUP BY person_id HAVING count(DISTINCT purpose) = len($1) ORDER BY person_id
            """,
            params=[list(wanted)],
        ).to_arrow_table()
    return Consenting(wanted, people.cast(pa.schema([("person_id", _TEXT)])))


def forget_others(
    context: JobContext, table: Table, allowed: Consenting, of: Mapping[str, str] | None = None, keep_merged: bool = True
) -> int:
    """Remove the rows, at any as-of, of persons who are not, or no longer, among those who allow it.

    Args:
        context: What the job is given.
        table: A table with `person_id`.
        allowed: Who may be in it.
        of: Columns with the values of the rows that are meant, e.g. `model`; all rows by default.
        keep_merged: Whether rows of a person who was merged into one of those who allow it may stay under the old id.

    Returns:
        Persons who allow it no longer and whose rows are gone, or would be in a dry run; merged ones do not count.
    """
    lake, named = context.lake, dict(of or {})
    others = allowed.others(lake.ledger, table, [(name, "=", value) for name, value in named.items()])
    became, may = (merged_persons(lake.ledger), set(allowed.ids.to_pylist())) if others else ({}, set())
    withdrawn = [person for person in others if became.get(person) not in may]
    gone = withdrawn if keep_merged else others
    keys = {"person_id": pa.array(gone, _TEXT), **{name: pa.array([it] * len(gone), _TEXT) for name, it in named.items()}}
    before = lake.ledger.version(table)
    remove_rows(lake, table, pa.table(keys))
    after = lake.ledger.version(table)
    if after is not None and after != before:
        lake.writes.append(WriteResult(table.full_name, 0, after))
    return len(withdrawn)
