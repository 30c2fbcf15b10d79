"""Order lines to `gold.customer_feature`: the as-of of the run, and the as-ofs that models learn from."""

from datetime import date

from pyspark.sql import functions as F

from personalake.common.persons import with_person
from personalake.models.folds import training_plan
from personalake.pipelines.job import JobContext, JobResult
from personalake.profiles.features import customer_features, definition
from personalake.tables.gold import CUSTOMER_FEATURE
from personalake.tables.silver import ORDER_LINE, PERSON_LINK


def run(context: JobContext) -> JobResult:
    """Compute the snapshots that are missing for the current definition, all in one pass; snapshots never change."""
    lake = context.lake
    if not lake.ledger.rows(ORDER_LINE):
        return JobResult(skipped=True, message="silver.order_line is empty: no purchase is known yet")
    missing = _missing(context)
    if not missing:
        return JobResult(skipped=True, message="every snapshot is there")
    lines = lake.read(ORDER_LINE).select("namespace", "customer_id", "order_id", "is_return", "occurred_at", "known_at")
    with context.progress.step(f"features at {len(missing)} as-ofs"):
        rows = lines.transform(with_person(lake.read(PERSON_LINK)))
        features = customer_features(rows, missing, context.settings.spark.shuffle_partitions)
        written = lake.replace_as_ofs(features, CUSTOMER_FEATURE, missing)
    return JobResult(
        rows_read=lake.ledger.rows(ORDER_LINE),
        message=f"{written.rows:,} rows at {len(missing)} as-ofs from {missing[0]} to {missing[-1]}",
        figures={"as_ofs": [as_of.isoformat() for as_of in missing]},
    )


def _missing(context: JobContext) -> list[date]:
    wanted = {*training_plan(context.training_cut, context.settings.models.churn).as_ofs, context.as_of}
    if not context.options.get("force") and context.lake.exists(CUSTOMER_FEATURE):
        current = context.lake.read(CUSTOMER_FEATURE).where(F.col("definition") == definition())
        wanted -= {row.as_of for row in current.select("as_of").distinct().collect()}
    return sorted(wanted)
