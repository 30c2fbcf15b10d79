"""Order lines to `gold.customer_feature`: the as-of of the run, and the as-ofs that models learn from."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame

from personalake.common.persons import with_person
from personalake.models.folds import training_plan
from personalake.pipelines.consenting import Consenting, consenting, forget_others
from personalake.pipelines.feature_people import Newcomers, buyers, newcomers
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.treatment import treating
from personalake.profiles.features import customer_features, definition
from personalake.tables.features import FEATURE_PURPOSES
from personalake.tables.gold import CUSTOMER_FEATURE, FEATURE_SNAPSHOT
from personalake.tables.health import QUALITY_MARK
from personalake.tables.silver import ORDER_LINE, PERSON_LINK

Built = Mapping[date, Mapping[str, Any]]


def run(context: JobContext) -> JobResult:
    """Compute the snapshots that are due, all in one pass; in the others, only the persons who were not in them.

    A snapshot does not change while what was known before its as-of stays the same: an order line that comes late is known
    from the day on which it landed, and so belongs to later as-ofs only. It is built anew if there are other lines than
    before that were known by then, as after an import of history (`known_at: occurred_at`) or a replay.

    Who does not allow it is in no snapshot of any age. Who came to allow it, and who was merged or split since, is computed
    anew in all of them.
    """
    lake = context.lake
    if not lake.ledger.rows(ORDER_LINE):
        return JobResult(skipped=True, message="silver.order_line is empty: no purchase is known yet")
    links_version = lake.ledger.version(PERSON_LINK)  # before anything is read of them: links that move meanwhile are newer
    wanted = sorted({*training_plan(context.training_cut, context.settings.models.churn).as_ofs, context.as_of})
    built = _built(context)
    known = known_lines(context, sorted({*wanted, *built}))
    counted = {as_of: row["order_lines"] for as_of, row in built.items()}
    due = wanted if context.options.get("force") else stale({as_of: known[as_of] for as_of in wanted}, counted)
    standing = {as_of: row for as_of, row in built.items() if as_of not in due}
    allowed = consenting(context, FEATURE_PURPOSES)
    bought = buyers(context, max([*wanted, *standing]))
    withdrawn = forget_others(context, CUSTOMER_FEATURE, allowed, keep_merged=False)
    forget_others(context, QUALITY_MARK, allowed, {"subject": CUSTOMER_FEATURE.full_name}, keep_merged=False)
    late = newcomers(context, allowed.among(bought), standing)
    if late and context.settings.quality.columns.get(CUSTOMER_FEATURE.full_name):
        due, standing, late = sorted({*due, *standing}), {}, Newcomers()  # what suits a few would not suit the others
    words = allowed.told(bought.num_rows - allowed.among(bought).num_rows, withdrawn)
    if not due and not late:
        return JobResult(skipped=not withdrawn, message=f"every snapshot is there{words}")
    # First, since it takes these persons' rows away at every as-of: those that are due are written whole after it.
    added = _add(context, allowed, sorted(standing), late) if late else 0
    rows = _build(context, allowed, due) if due else 0
    lines = {as_of: known[as_of] for as_of in due} | ({as_of: counted[as_of] for as_of in standing} if late else {})
    _note(context, lines, links_version)
    return JobResult(
        rows_read=lake.ledger.rows(ORDER_LINE),
        message=_told(due, rows, added) + words,
        figures={"as_ofs": [as_of.isoformat() for as_of in due]},
    )


def known_lines(context: JobContext, as_ofs: Sequence[date]) -> dict[date, int]:
    """Order lines of customers, returns left out, that had happened and were known before each as-of."""
    zone = ZoneInfo(context.settings.business_timezone)
    midnights = [datetime.combine(as_of, time(), zone) for as_of in as_ofs]
    of_customers = [("is_return", "=", False), ("customer_id", "!=", None)]
    return dict(zip(as_ofs, context.lake.ledger.known_before(ORDER_LINE, midnights, of_customers), strict=True))


def stale(known: Mapping[date, int], built: Mapping[date, int]) -> list[date]:
    """As-ofs of which other lines are known than their snapshots were built from; without any line there is no snapshot.

    >>> stale({date(2017, 1, 1): 0, date(2017, 2, 1): 8, date(2017, 3, 1): 9}, {date(2017, 2, 1): 7, date(2017, 3, 1): 9})
    [datetime.date(2017, 2, 1)]
    """
    return sorted(as_of for as_of, lines in known.items() if lines != built.get(as_of, 0))


def _built(context: JobContext) -> Built:
    """The latest building of each as-of's snapshot."""
    if not context.lake.exists(CUSTOMER_FEATURE):
        return {}
    built = context.lake.ledger.read(FEATURE_SNAPSHOT, where=[("definition", "=", definition())])
    return {row["as_of"]: row for row in sorted(built, key=lambda row: row["built_at"])}


def _build(context: JobContext, allowed: Consenting, due: Sequence[date]) -> int:
    """Everyone who allows it, in the place of what the snapshots held."""
    with context.progress.step(f"features at {len(due)} as-ofs"):
        features = _features(context, allowed.links(context.lake), due)
        with treating(context, features, CUSTOMER_FEATURE, "build_features", due) as treated:
            return context.lake.replace_as_ofs(treated, CUSTOMER_FEATURE, due).rows


def _add(context: JobContext, allowed: Consenting, standing: Sequence[date], late: Newcomers) -> int:
    """Some persons in the place of what snapshots held of them."""
    with context.progress.step(f"features of {len(late.ids):,} people at {len(standing)} earlier as-ofs"):
        links = late.within(context.lake, allowed.links(context.lake))
        features = _features(context, links, standing)
        return context.lake.replace_ids(features, CUSTOMER_FEATURE, "person_id", late.ids).rows


def _features(context: JobContext, links: DataFrame, as_ofs: Sequence[date]) -> DataFrame:
    lines = context.lake.read(ORDER_LINE)
    lines = lines.select("namespace", "customer_id", "order_id", "is_return", "occurred_at", "known_at")
    return customer_features(lines.transform(with_person(links)), as_ofs, context.settings.spark.shuffle_partitions)


def _told(due: Sequence[date], rows: int, added: int) -> str:
    told = f"{rows:,} rows at {len(due)} as-ofs from {due[0]} to {due[-1]}" if due else "every snapshot is there"
    return told + (
        f"; {added:,} rows changed in earlier ones for people who were merged, split, or came to allow it" if added else ""
    )


def _note(context: JobContext, known: Mapping[date, int], links_version: int | None) -> None:
    """After the snapshots: if a run dies in between, they are built once more."""
    stamp = {"run_id": context.run_id, "built_at": context.run_started_at}
    common: dict[str, Any] = {"definition": definition(), "links_version": links_version, **stamp}
    if not context.dry_run:
        rows = [{**common, "as_of": as_of, "order_lines": lines} for as_of, lines in known.items()]
        context.lake.ledger.append(FEATURE_SNAPSHOT, rows)
