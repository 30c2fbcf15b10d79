"""Each segment in numbers and in words."""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.tables.gold import SEGMENT_SUMMARY


def segment_summary(
    membership: DataFrame, profiles: DataFrame, meanings: Mapping[str, str], as_of: date, min_people: int = 1
) -> DataFrame:
    """One row per scheme and segment.

    Args:
        membership: Rows of `gold.segment_membership` at `as_of`.
        profiles: Rows of `gold.customer_profile`, the people of whom shares are taken.
        meanings: Segment names of RFM, to what they mean.
        as_of: Exclusive day.
        min_people: Fewest people of a segment that is shown: means of a few would tell of each.

    Returns:
        Rows of `gold.segment_summary`; means without an order are null (recency) or zero.
    """
    days = F.date_diff(F.lit(as_of), F.col("last_order_date"))
    people = profiles.select("person_id", "orders", "spend", "currency", days.alias("recency_days"))
    everyone = profiles.agg(F.count("*").alias("everyone"))
    counted = membership.join(people, "person_id").groupBy("scheme", "segment").agg(
        F.count("*").alias("people"),
        F.round(F.mean("recency_days"), 6).alias("mean_recency_days"),
        F.round(F.mean("orders"), 6).alias("mean_orders"),
        F.round(F.mean(F.col("spend").cast("double")), 6).alias("mean_spend"),
        F.min("currency").alias("currency"),
    ).where(F.col("people") >= min_people)  # fmt: skip
    return (
        counted.crossJoin(F.broadcast(everyone))
        .withColumn("share", F.col("people") / F.col("everyone"))
        .withColumn("description", _in_words(meanings))
        .withColumn("as_of", F.lit(as_of))
        .select(*SEGMENT_SUMMARY.columns)
    )


def _in_words(meanings: Mapping[str, str]) -> Column:
    meaning = F.col("segment")
    for name, words in meanings.items():
        is_named = (F.col("scheme") == "rfm") & (F.col("segment") == name)
        meaning = F.when(is_named, F.lit(f"{name} ({words})")).otherwise(meaning)
    size = F.format_string("%,d people (%.0f %%)", F.col("people"), F.col("share") * 100)
    means = F.format_string(
        "on average %.0f orders for %,.0f %s, the last %.0f days ago",
        "mean_orders", "mean_spend", F.coalesce("currency", F.lit("")), "mean_recency_days",
    )  # fmt: skip
    return F.concat_ws(": ", meaning, F.concat_ws("; ", size, F.when(F.col("mean_recency_days").isNotNull(), means)))
