"""Everything that rules may look at, one row per person."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.catalog import newest_products
from personalake.config.decisions import DECISION_COLUMNS

SLOTS = {"all_items": "next_best_item", "new_items": "next_new_item"}
_PROFILE = ("customer_id", "consents", "as_of")


@dataclass(frozen=True)
class Insight:
    """What is known and predicted about people at one as-of; any part but the profiles may be empty.

    Args:
        profiles: `gold.customer_profile`.
        segments: `gold.segment_membership`.
        predictions: `gold.prediction`.
        recommendations: `gold.recommendation`.
        catalog: `silver.catalog_item`, for names.
        sold_out: `product_id` of what cannot be had, and is not suggested.
    """

    profiles: DataFrame
    segments: DataFrame
    predictions: DataFrame
    recommendations: DataFrame
    catalog: DataFrame
    sold_out: DataFrame


def candidates(insight: Insight, as_of: date) -> DataFrame:
    """One row per person, in the columns of `DECISION_COLUMNS`; what is not known is null.

    Args:
        insight: The parts, of any as-of; only rows of `as_of` count.
        as_of: Exclusive day.
    """
    of_day = F.col("as_of") == F.lit(as_of)
    since = F.date_diff(F.lit(as_of), F.col("last_order_date"))
    people = insight.profiles.drop(*_PROFILE).withColumn("days_since_last_order", since)
    for part in (
        segments(insight.segments.where(of_day)),
        churn(insight.predictions.where(of_day)),
        first_items(available(insight.recommendations.where(of_day), insight.sold_out), insight.catalog),
    ):
        people = people.join(part, "person_id", "left")
    return people.select(*DECISION_COLUMNS)


def segments(memberships: DataFrame) -> DataFrame:
    """Each person's segment by scheme: `rfm_segment`, `kmeans_segment`."""
    return memberships.groupBy("person_id").agg(
        *(_where("scheme", scheme, "segment").alias(f"{scheme}_segment") for scheme in ("rfm", "kmeans"))
    )


def churn(predictions: DataFrame) -> DataFrame:
    """Each person's churn score and the strongest reason for it."""
    return predictions.where("model = 'churn'").select(
        "person_id",
        F.col("probability").alias("churn_probability"),
        F.col("percentile").alias("churn_percentile"),
        F.try_element_at("reasons", F.lit(1))["words"].alias("churn_reason"),
    )


def available(recommendations: DataFrame, sold_out: DataFrame) -> DataFrame:
    """Recommendations of what can be had."""
    return recommendations.join(F.broadcast(sold_out), "product_id", "left_anti")


def first_items(recommendations: DataFrame, catalog: DataFrame) -> DataFrame:
    """The item ranked best in each slot, with its name and the reason for it."""
    best = F.min_by(F.struct("product_id", "reason"), "rank").alias("best")
    first = recommendations.groupBy("person_id", "slot").agg(best).select("person_id", "slot", "best.*")
    asked = catalog.join(F.broadcast(first.select("product_id").distinct()), "product_id", "left_semi")
    named = first.join(newest_products(asked, "name"), "product_id", "left").withColumn(
        "name", F.coalesce("name", "product_id")
    )
    parts = {"": "product_id", "_name": "name", "_reason": "reason"}
    return named.groupBy("person_id").agg(
        *(
            _where("slot", slot, column).alias(f"{item}{suffix}")
            for slot, item in SLOTS.items()
            for suffix, column in parts.items()
        )
    )


def _where(column: str, value: str, taken: str) -> Column:
    return F.max(F.when(F.col(column) == value, F.col(taken)))
