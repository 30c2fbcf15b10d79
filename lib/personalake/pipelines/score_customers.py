"""The champion's probability for each person, with reasons, to `gold.prediction`."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.models.portable import PortableModel, load
from personalake.models.scoring import score, score_on_driver
from personalake.pipelines.job import JobContext, JobResult
from personalake.profiles.features import definition
from personalake.tables.gold import CUSTOMER_FEATURE, PREDICTION
from personalake.tracking import Tracker

_ROWS_PER_TASK = 50_000


def run(context: JobContext) -> JobResult:
    """Score everyone at the as-of; without a champion nothing is made up."""
    name = str(context.options.get("model") or "churn")
    lake = context.lake
    champion = Tracker(context.settings, lake.locations.root).champion(name)
    if champion is None:
        return JobResult(skipped=True, message=f"no champion for {name}: train_model has not promoted one")
    if champion.tags.get("definition") != definition():
        return JobResult(
            skipped=True, message=f"{name} version {champion.version} knows other features: run train_model first"
        )
    with context.progress.step(f"scoring with {name} version {champion.version}"):
        predictions = _predictions(context, load(champion.folder()), name, champion.version)
        written = lake.replace_as_of(predictions, PREDICTION, context.as_of, f"model = '{name}'")
    if not written.rows:
        return JobResult(skipped=True, message=f"nobody had bought before {context.as_of}")
    return JobResult(
        rows_read=written.rows,
        message=f"{written.rows:,} people scored with {name} version {champion.version}",
        figures={"model_version": champion.version},
    )


def _predictions(context: JobContext, model: PortableModel, name: str, version: str) -> DataFrame:
    """Few rows are scored on the driver, many by Spark's workers."""
    lake, reasons = context.lake, context.settings.models.churn.reasons
    rows = lake.ledger.rows(CUSTOMER_FEATURE)
    if rows <= _ROWS_PER_TASK:
        current = [("as_of", "=", context.as_of), ("definition", "=", definition())]
        features = lake.ledger.arrow(CUSTOMER_FEATURE, ("person_id", "as_of", *model.features), current).to_pandas()
        return score_on_driver(features, model, name, version, reasons, lake.spark)
    is_current = (F.col("as_of") == F.lit(context.as_of)) & (F.col("definition") == definition())
    features = lake.read(CUSTOMER_FEATURE).where(is_current)
    return score(features.coalesce(rows // _ROWS_PER_TASK), model, name, version, reasons)
