"""The candidates: MLlib classifiers on the same inputs, with class weights."""

from collections.abc import Mapping
from typing import Any, cast

from pyspark.ml.classification import (
    GBTClassificationModel,
    GBTClassifier,
    LogisticRegression,
    LogisticRegressionModel,
    RandomForestClassificationModel,
    RandomForestClassifier,
)
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.models.portable import PortableModel
from personalake.models.trees import trees_of
from personalake.tables.features import FEATURE_NAMES

FittedModel = LogisticRegressionModel | RandomForestClassificationModel | GBTClassificationModel

_COMMON: dict[str, Any] = {"featuresCol": "inputs", "labelCol": "label", "weightCol": "weight"}
# 20 to 30 rows in a leaf and 7 of 10 rows per tree keep single households out of the trees.
_FOREST: dict[str, Any] = {"minInstancesPerNode": 20, "subsamplingRate": 0.7, "featureSubsetStrategy": "sqrt", "maxBins": 32}
_BOOSTED: dict[str, Any] = {
    "minInstancesPerNode": 30,
    "subsamplingRate": 0.7,
    "featureSubsetStrategy": "sqrt",
    "maxBins": 32,
}


def estimator(
    kind: str, params: Mapping[str, Any], seed: int
) -> LogisticRegression | RandomForestClassifier | GBTClassifier:
    """The unfitted candidate of a kind; `params` are MLlib's own."""
    if kind == "logistic_regression":
        return LogisticRegression(**{**_COMMON, "maxIter": 60, **params})
    if kind == "random_forest":
        return RandomForestClassifier(**{**_COMMON, **_FOREST, "seed": seed, **params})
    if kind == "gbt":
        return GBTClassifier(**{**_COMMON, **_BOOSTED, "seed": seed, **params})
    raise ValueError(f"{kind!r} is not a candidate; there are logistic_regression, random_forest, gbt")


def with_inputs(labelled: DataFrame, partitions: int) -> DataFrame:
    """Rows as the candidates read them: `inputs` is the vector of log1p of the features.

    Placed and sorted by person, since boosting changes with the order of rows.
    """
    logs = labelled.withColumns({f"log_{name}": F.log1p(F.col(name)) for name in FEATURE_NAMES})
    assembler = VectorAssembler(inputCols=[f"log_{name}" for name in FEATURE_NAMES], outputCol="inputs")
    columns = ["person_id", "as_of", "label", *FEATURE_NAMES, "inputs"]
    placed = assembler.transform(logs).select(*columns).repartition(partitions, "person_id")
    return placed.sortWithinPartitions("person_id", "as_of")


def with_class_weight(rows: DataFrame, churned_share: float) -> DataFrame:
    """Add `weight`, so that churned and staying people weigh the same in sum."""
    weight = F.when(F.col("label") == 1, F.lit(0.5 / churned_share)).otherwise(F.lit(0.5 / (1 - churned_share)))
    return rows.withColumn("weight", weight)


def fit_candidate(rows: DataFrame, kind: str, params: Mapping[str, Any], seed: int) -> FittedModel:
    """Fit one candidate on weighted rows."""
    return cast(FittedModel, estimator(kind, params, seed).fit(rows))


def scores(model: FittedModel, rows: DataFrame) -> DataFrame:
    """`person_id` and the model's own probability as `score`."""
    scored = model.transform(rows)
    return scored.select("person_id", vector_to_array(F.col("probability"))[1].alias("score"))


def portable(model: FittedModel, rows: DataFrame, scratch: str) -> PortableModel:
    """The fitted model as plain numbers.

    Args:
        model: The fitted MLlib model.
        rows: Rows that it was fitted on; they know the session.
        scratch: A path that every executor can write; trees pass through it.
    """
    if isinstance(model, LogisticRegressionModel):
        coefficients = tuple(float(value) for value in model.coefficients.toArray())
        return PortableModel("linear", FEATURE_NAMES, coefficients=coefficients, intercept=float(model.intercept))
    kind = "forest" if isinstance(model, RandomForestClassificationModel) else "boosted"
    return PortableModel(kind, FEATURE_NAMES, trees=trees_of(model, kind, rows.sparkSession, scratch))
