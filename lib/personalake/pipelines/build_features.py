"""Order lines to `gold.customer_feature`: the as-of of the run, and the as-ofs that models learn from."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from personalake.common.persons import with_person
from personalake.models.folds import training_plan
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.treatment import treating
from personalake.profiles.features import customer_features, definition
from personalake.tables.gold import CUSTOMER_FEATURE, FEATURE_SNAPSHOT
from personalake.tables.silver import ORDER_LINE, PERSON_LINK


def run(context: JobContext) -> JobResult:
    """Compute the snapshots that are due, all in one pass.

    A snapshot does not change while what was known before its as-of stays the same: an order line that comes late is known
    from the day on which it landed, and so belongs to later as-ofs only. It is built anew if there are other lines than
    before that were known by then, as after an import of history (`known_at: occurred_at`) or a replay.
    """
    lake = context.lake
    if not lake.ledger.rows(ORDER_LINE):
        return JobResult(skipped=True, message="silver.order_line is empty: no purchase is known yet")
    wanted = sorted({*training_plan(context.training_cut, context.settings.models.churn).as_ofs, context.as_of})
    known = known_lines(context, wanted)
    due = wanted if context.options.get("force") else stale(known, _built(context))
    if not due:
        return JobResult(skipped=True, message="every snapshot is there")
    with context.progress.step(f"features at {len(due)} as-ofs"):
        lines = lake.read(ORDER_LINE).select("namespace", "customer_id", "order_id", "is_return", "occurred_at", "known_at")
        rows = lines.transform(with_person(lake.read(PERSON_LINK)))
        features = customer_features(rows, due, context.settings.spark.shuffle_partitions)
        with treating(context, features, CUSTOMER_FEATURE, "build_features") as treated:
            written = lake.replace_as_ofs(treated, CUSTOMER_FEATURE, due)
        _note(context, {as_of: known[as_of] for as_of in due})
    return JobResult(
        rows_read=lake.ledger.rows(ORDER_LINE),
        message=f"{written.rows:,} rows at {len(due)} as-ofs from {due[0]} to {due[-1]}",
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


def _built(context: JobContext) -> dict[date, int]:
    """Known lines that the latest snapshot of each as-of was built from."""
    if not context.lake.exists(CUSTOMER_FEATURE):
        return {}
    built = context.lake.ledger.read(FEATURE_SNAPSHOT, where=[("definition", "=", definition())])
    return {row["as_of"]: row["order_lines"] for row in sorted(built, key=lambda row: row["built_at"])}


def _note(context: JobContext, known: Mapping[date, int]) -> None:
    """After the snapshots: if a run dies in between, they are built once more."""
    common = {"definition": definition(), "run_id": context.run_id, "built_at": context.run_started_at}
    if not context.dry_run:
        rows = [{**common, "as_of": as_of, "order_lines": lines} for as_of, lines in known.items()]
        context.lake.ledger.append(FEATURE_SNAPSHOT, rows)
