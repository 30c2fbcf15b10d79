"""What was known about each person at several as-ofs, in one pass over the order lines."""

import hashlib
from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from personalake.common.time_cuts import known_before
from personalake.tables.features import CHURN_FEATURES, FEATURE_NAMES, HALF_LIVES

BLOCK_DAYS = 28
WEEKS = 12
LONG_GAP_DAYS = 14
# BG/NBD by maximum likelihood on the Complete Journey before 2017-05-01, earlier than every training as-of: r and alpha
# shape the buying rate, a and b the drop-out. Constants, not fitted per as-of, so that a feature means the same at each.
BG_NBD_R, BG_NBD_ALPHA, BG_NBD_A, BG_NBD_B = 1.406, 9.427, 0.01273, 11.26
# Changed when a feature is computed differently under the same declaration; snapshots are then built anew.
DEFINITION_VERSION = 1


def definition() -> str:
    """Fingerprint of the feature definitions; snapshots of another definition are never mixed into training."""
    declared = [f"{feature.name} {feature.type} {feature.comment}" for feature in CHURN_FEATURES]
    constants = (BG_NBD_R, BG_NBD_ALPHA, BG_NBD_A, BG_NBD_B, BLOCK_DAYS, WEEKS, LONG_GAP_DAYS, DEFINITION_VERSION)
    return hashlib.sha256(repr((declared, constants)).encode()).hexdigest()[:12]


def customer_features(order_lines: DataFrame, as_ofs: Sequence[date], partitions: int = 1) -> DataFrame:
    """Features of everyone who had bought, as known at each as-of; returns do not count.

    Args:
        order_lines: Rows with `person_id`, `order_id`, `is_return`, `occurred_at`, `known_at`.
        as_ofs: Exclusive days; a line counts for those that lie after both of its clocks.
        partitions: Tasks among which persons are spread; all that follows stays with the person.

    Returns:
        The columns of `gold.customer_feature`, one row per `person_id` and `as_of`.
    """
    return (
        order_lines.where(~F.col("is_return"))
        .transform(known_before(max(as_ofs)))
        .transform(orders)
        .repartition(partitions, "person_id")
        .transform(order_days)
        .transform(lambda days: seen_at(days, as_ofs))
        .transform(_with_gaps)
        .transform(_features)
        .select("person_id", "as_of", *FEATURE_NAMES, F.lit(definition()).alias("definition"))
    )


def orders(order_lines: DataFrame) -> DataFrame:
    """Lines of each order by the day they were bought and the day on which they could be seen (`seen_day`)."""
    day, seen = F.col("occurred_at").cast("date"), F.greatest("occurred_at", "known_at").cast("date")
    named = order_lines.select("person_id", "order_id", day.alias("day"), seen.alias("seen_day"))
    return named.groupBy("person_id", "order_id", "day", "seen_day").agg(F.count("*").alias("lines"))


def order_days(orders: DataFrame) -> DataFrame:
    """What became visible of each person's purchase days.

    An order of which a line was learnt of later counts once, from its first line on; its size grows with what is seen.

    Returns:
        One row per `person_id`, `day` and `seen_day` with what was added: `orders`, `lines`, and the `most_lines` so far.
    """
    grown = Window.partitionBy("person_id", "order_id", "day").orderBy("seen_day").rowsBetween(Window.unboundedPreceding, 0)
    return (
        orders.withColumns({"lines_so_far": F.sum("lines").over(grown), "is_first": F.row_number().over(grown) == 1})
        .groupBy("person_id", "day", "seen_day")
        .agg(
            F.count_if("is_first").alias("orders"),
            F.sum("lines").alias("lines"),
            F.max("lines_so_far").alias("most_lines"),
        )
    )


def seen_at(days: DataFrame, as_ofs: Sequence[date]) -> DataFrame:
    """What each as-of sees of the purchase days: one row per `person_id`, `as_of` and `day`, with its `age` in days."""
    each = F.explode(F.array(*[F.lit(as_of) for as_of in sorted(as_ofs)]))
    return (
        days.withColumn("as_of", each)
        .where(F.col("seen_day") < F.col("as_of"))
        .groupBy("person_id", "as_of", "day")
        .agg(F.sum("orders").alias("orders"), F.sum("lines").alias("lines"), F.max("most_lines").alias("most_lines"))
        .withColumn("age", F.date_diff("as_of", "day"))
    )


def bg_nbd_silence(order_days: Column, recency_days: Column, tenure_days: Column, horizon_days: int = BLOCK_DAYS) -> Column:
    """Probability of no order within the horizon under BG/NBD.

    1 - P(alive) * (1 - ((alpha + T) / (alpha + T + h)) ^ (r + x)), with x repeat days, t_x the age at the last of them, T
    the tenure. Assumes buying at a steady personal rate until drop-out after some order, and no drop-out within the
    horizon. Someone with one order is alive for certain in this model.

    Source: Fader, Hardie, Lee (2005), "Counting your customers" the easy way, Marketing Science 24(2), equation 10; P(alive)
    by the same authors' note of 2008.
    """
    repeats = order_days - 1
    odds_of_dead = (F.lit(BG_NBD_A) / (F.lit(BG_NBD_B) + repeats - 1)) * F.exp(
        F.least(
            F.lit(50.0),
            (F.lit(BG_NBD_R) + repeats)
            * (F.log(F.lit(BG_NBD_ALPHA) + tenure_days) - F.log(F.lit(BG_NBD_ALPHA) + tenure_days - recency_days)),
        )
    )
    alive = F.lit(1.0) / (F.lit(1.0) + F.when(repeats > 0, odds_of_dead).otherwise(0.0))
    shrunk = (F.lit(BG_NBD_ALPHA) + tenure_days) / (F.lit(BG_NBD_ALPHA) + tenure_days + F.lit(float(horizon_days)))
    return F.lit(1.0) - alive * (F.lit(1.0) - F.pow(shrunk, F.lit(BG_NBD_R) + repeats))


def _with_gaps(seen: DataFrame) -> DataFrame:
    """Add the days since the previous purchase day, and the silence at the as-of."""
    history = Window.partitionBy("person_id", "as_of")
    in_order = history.orderBy("day")
    return seen.withColumns(
        {
            "gap": F.date_diff("day", F.lag("day").over(in_order)),
            "silence": F.min("age").over(history.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)),
        }
    )


def _features(days: DataFrame) -> DataFrame:
    """From purchase days to the declared features."""
    age, gap, silence = F.col("age"), F.col("gap"), F.col("silence")
    week, block = F.floor((age - 1) / 7), F.floor((age - 1) / BLOCK_DAYS)
    long_gaps = F.coalesce(F.sum(F.greatest(gap - LONG_GAP_DAYS, F.lit(0))), F.lit(0))
    summed = days.groupBy("person_id", "as_of").agg(
        F.min("age").cast("double").alias("recency_days"),
        F.max("age").cast("double").alias("tenure_days"),
        F.count("*").cast("double").alias("order_days"),
        *(_activity(half_life).alias(f"activity_{half_life}") for half_life in HALF_LIVES),
        F.size(F.collect_set(F.when(age <= WEEKS * 7, week))).cast("double").alias("active_weeks"),
        F.size(F.collect_set(block)).alias("active_months"),
        F.count_if(gap >= silence).cast("double").alias("gaps_as_long"),
        F.count_if(gap >= silence + BLOCK_DAYS).alias("gaps_gone_on"),
        long_gaps.alias("long_gap_days"),
        (F.sum("lines") / F.sum("orders")).alias("lines_per_order"),
        F.max("most_lines").cast("double").alias("most_lines"),
    )
    recency, tenure = F.col("recency_days"), F.col("tenure_days")
    silent = F.greatest(recency - LONG_GAP_DAYS, F.lit(0.0))
    return summed.withColumns(
        {
            "empty_months": (F.ceil(tenure / BLOCK_DAYS) - F.col("active_months")).cast("double"),
            "gap_goes_on_share": (F.col("gaps_gone_on") + 0.5) / (F.col("gaps_as_long") + 1.5),
            "bg_nbd_silence": bg_nbd_silence(F.col("order_days"), recency, tenure),
            "long_gap_rate": (F.col("long_gap_days") + silent) / tenure,
        }
    )


def _activity(half_life: int) -> Column:
    # Summed in the order of the days: floating point sums in arrival order would differ in their last bits between runs.
    worth = F.transform(F.sort_array(F.collect_list("age")), lambda age: F.pow(F.lit(0.5), age / F.lit(float(half_life))))
    return F.aggregate(worth, F.lit(0.0), lambda total, each: total + each)
