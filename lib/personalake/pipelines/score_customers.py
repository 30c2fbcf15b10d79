"""The champion's probability for each person, with reasons, to `gold.prediction`."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.models.portable import PortableModel, load
from personalake.models.scoring import score, score_on_driver
from personalake.pipelines.consenting import Consenting, consenting, forget_others
from personalake.pipelines.job import JobContext, JobResult
from personalake.profiles.features import definition
from personalake.tables.gold import CUSTOMER_FEATURE, PREDICTION
from personalake.tracking import Tracker

_ROWS_PER_TASK = 50_000


def run(context: JobContext) -> JobResult:
    """Score everyone at the as-of who allows it; without a champion nothing is made up."""
    name = str(context.options.get("model") or "churn")
    lake = context.lake
    allowed = consenting(context, [context.settings.models.churn.purpose])
    withdrawn = forget_others(context, PREDICTION, allowed, {"model": name})
    champion = Tracker(context.settings, lake.locations.root).champion(name)
    if champion is None:
        told = f"no champion for {name}: train_model has not promoted one{allowed.told(0, withdrawn)}"
        return JobResult(skipped=not withdrawn, message=told)
    if champion.tags.get("definition") != definition():
        told = f"{name} version {champion.version} knows other features: run train_model first{allowed.told(0, withdrawn)}"
        return JobResult(skipped=not withdrawn, message=told)
    with context.progress.step(f"scoring with {name} version {champion.version}"):
        predictions = _predictions(context, allowed, load(champion.folder()), name, champion.version)
        written = lake.replace_as_of(predictions, PREDICTION, context.as_of, f"model = '{name}'")
    known = lake.ledger.count(CUSTOMER_FEATURE, _current(context))
    left_out = known - written.rows
    words = allowed.told(left_out, withdrawn)
    if not written.rows:
        return JobResult(skipped=not withdrawn, message=f"nobody has features as of {context.as_of} and allows it{words}")
    return JobResult(
        rows_read=known,
        message=f"{written.rows:,} people scored with {name} version {champion.version}{words}",
        figures={"model_version": champion.version, "without_consent": left_out},
    )


def _current(context: JobContext) -> list[tuple[str, str, object]]:
    return [("as_of", "=", context.as_of), ("definition", "=", definition())]


def _predictions(context: JobContext, allowed: Consenting, model: PortableModel, name: str, version: str) -> DataFrame:
    """Few rows are scored on the driver, many by Spark's workers."""
    lake, reasons = context.lake, context.settings.models.churn.reasons
    rows = lake.ledger.rows(CUSTOMER_FEATURE)
    if rows <= _ROWS_PER_TASK:
        current = lake.ledger.arrow(CUSTOMER_FEATURE, ("person_id", "as_of", *model.features), _current(context))
        return score_on_driver(allowed.among(current).to_pandas(), model, name, version, reasons, lake.spark)
    is_current = (F.col("as_of") == F.lit(context.as_of)) & (F.col("definition") == definition())
    features = allowed.within(lake, lake.read(CUSTOMER_FEATURE).where(is_current))
    return score(features.coalesce(rows // _ROWS_PER_TASK), model, name, version, reasons)
