"""Which beginnings of journeys many people share, and where they end."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.time_cuts import as_of_instant
from personalake.config.profiles import JourneySettings
from personalake.profiles.journeys import STEP, is_purchase
from personalake.tables.journeys import JOURNEY_PATH

STRAIGHT = "straight to purchase"


def journey_path(journeys: DataFrame, as_of: date, settings: JourneySettings) -> DataFrame:
    """Count journeys by each of their beginnings: who went on, bought, dropped off, or may still go on.

    Args:
        journeys: Rows of `gold.customer_journey`.
        as_of: Exclusive day from which silence is counted.
        settings: Silence that ends a journey, fewest persons of a path.

    Returns:
        The columns of `gold.journey_path`; paths that too few took are left out.
    """
    return (
        journeys.transform(lambda rows: _whole(rows, as_of, settings.journey_days))
        .transform(_beginnings)
        .groupBy("path", "steps")
        .agg(*_counts())
        .where(F.col("persons") >= settings.path_min_persons)
        .withColumns({"as_of": F.lit(as_of), "conversion": F.col("purchases") / F.col("journeys")})
        .select(*JOURNEY_PATH.columns)
    )


def _whole(journeys: DataFrame, as_of: date, journey_days: int) -> DataFrame:
    """One row per journey: its steps, whether it led to a purchase and how soon, and whether it is over."""
    silent_since = F.max("occurred_at") + F.make_dt_interval(F.lit(journey_days))
    return journeys.groupBy("person_id", "journey").agg(
        F.max_by("path", "touchpoint").alias("whole_path"),
        F.bool_or(is_purchase()).alias("bought"),
        F.max("seconds_to_purchase").alias("seconds"),
        (silent_since < as_of_instant(as_of)).alias("is_silent"),
    )


def _beginnings(whole: DataFrame) -> DataFrame:
    """One row per journey and beginning; a purchase without a step before it has an empty one."""
    steps = F.coalesce(F.split("whole_path", STEP), F.array().cast("array<string>"))
    places = F.sequence(F.least(F.lit(1), F.size("all_steps")), F.size("all_steps"))
    path = F.array_join(F.slice("all_steps", 1, F.col("steps")), STEP)
    return (
        whole.withColumn("all_steps", steps)
        .withColumn("steps", F.explode(places))
        .withColumns(
            {
                "path": F.when(F.col("steps") == 0, F.lit(STRAIGHT)).otherwise(path),
                "ends_here": F.col("steps") == F.size("all_steps"),
            }
        )
    )


def _counts() -> tuple[Column, ...]:
    bought, ends = F.col("bought"), F.col("ends_here")
    return (
        F.count("*").alias("journeys"),
        F.count_distinct("person_id").alias("persons"),
        F.count_if(~ends).alias("went_on"),
        F.count_if(ends & bought).alias("bought"),
        F.count_if(ends & ~bought & F.col("is_silent")).alias("dropped"),
        F.count_if(ends & ~bought & ~F.col("is_silent")).alias("open"),
        F.count_if(bought).alias("purchases"),
        F.median(F.when(bought, F.col("seconds"))).alias("median_seconds_to_purchase"),
    )
