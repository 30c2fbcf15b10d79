"""Scores with reasons, batch by batch, wherever the rows are."""

from collections.abc import Callable, Iterator

import pandas as pd
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.models.explanation import reasons
from personalake.models.portable import PortableModel
from personalake.tables.gold import PREDICTION

_REASONS = next(field.type for field in PREDICTION.fields if field.name == "reasons")
_SCORED = f"person_id string, as_of date, probability double, reasons {_REASONS}"


def score(features: DataFrame, model: PortableModel, name: str, version: str, count: int) -> DataFrame:
    """Predictions for rows of `gold.customer_feature`.

    Args:
        features: Rows of one as-of.
        model: The champion.
        name: What is predicted.
        version: The champion's version in the registry.
        count: Reasons per person.

    Returns:
        The columns of `gold.prediction`.
    """
    scored = features.select("person_id", "as_of", *model.features).mapInPandas(_batches(model, count), _SCORED)
    return scored.transform(_ranked(name, version))


def score_on_driver(
    features: pd.DataFrame, model: PortableModel, name: str, version: str, count: int, spark: SparkSession
) -> DataFrame:
    """The same for rows that are on the driver: a worker of Spark takes longer to start than few rows take to score."""
    rows = list(_batches(model, count)(iter([features])))
    scored = spark.createDataFrame(rows[0], _SCORED) if rows else spark.createDataFrame([], _SCORED)
    return scored.transform(_ranked(name, version))


def _ranked(name: str, version: str) -> Transformation:
    lower_or_equal = F.cume_dist().over(Window.partitionBy("as_of").orderBy("probability"))
    columns = {"model": F.lit(name), "percentile": lower_or_equal, "model_version": F.lit(version)}
    return lambda scored: scored.withColumns(columns).select(*PREDICTION.columns)


def _batches(model: PortableModel, count: int) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    def scored(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for rows in batches:
            if len(rows):
                yield rows[["person_id", "as_of"]].assign(
                    probability=model.predict(rows),
                    reasons=pd.Series(reasons(model, rows, count), index=rows.index, dtype=object),
                )

    return scored
