"""Who comes by where and when, and under which sky."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.time_cuts import known_before
from personalake.common.transformation import Transformation
from personalake.tables.context import VISIT_CONTEXT

_PLACE = ("region", "hour")


def visit_context(interactions: DataFrame, weather: DataFrame, as_of: date) -> DataFrame:
    """Visits and purchases by region, hour and kind of device, beside the weather of the region in that hour.

    Hours of which only one of both is known are told, too. A step without a region belongs to no weather, and is left out.

    Args:
        interactions: Rows of `silver.interaction`.
        weather: Rows of `silver.weather`, in regions called as those of visits.
        as_of: Exclusive day.

    Returns:
        Rows of `gold.visit_context`.
    """
    came, sky = (rows.transform(known_before(as_of)).transform(_by_hour) for rows in (interactions, weather))
    counted = came.groupBy(*_PLACE, "device_type").agg(
        F.count_distinct(F.coalesce("session_id", "event_id")).alias("visits"),
        F.count_distinct(F.when(F.col("interaction_type") == "purchase", F.coalesce("order_id", "event_id"))).alias(
            "purchases"
        ),
    )
    return (
        counted.join(sky.transform(measured), list(_PLACE), "full")
        .withColumn("as_of", F.lit(as_of))
        .fillna(0, ["visits", "purchases"])
        .select(*VISIT_CONTEXT.columns)
    )


def measured(weather: DataFrame) -> DataFrame:
    """What is known of each region and hour: the latest word on each of sky and temperature.

    Args:
        weather: Rows of `silver.weather` with `hour`.

    Returns:
        One row per region and hour: `region`, `hour`, `sky`, `temperature_celsius`.
    """
    order = F.struct("known_at", "source", "record_id")
    told = {name: F.when(F.col(name).isNotNull(), order) for name in ("sky", "temperature_celsius")}
    return weather.groupBy(*_PLACE).agg(*(F.max_by(name, latest).alias(name) for name, latest in told.items()))


def _by_hour(rows: DataFrame) -> DataFrame:
    return rows.transform(_somewhere()).withColumn("hour", F.date_trunc("hour", "occurred_at"))


def _somewhere() -> Transformation:
    return lambda rows: rows.where(F.col("region").isNotNull())
