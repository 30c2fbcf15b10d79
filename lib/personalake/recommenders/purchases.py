"""Order lines as purchases: who bought what, in which order, and when that could be known."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_share
from personalake.common.persons import with_person
from personalake.common.time_cuts import as_of_instant, known_before
from personalake.common.transformation import Transformation

PURCHASE = ("person_id", "product_id", "order_key", "occurred_at", "known_at")
_SAMPLE_SALT = "recommender-sample"


def purchases(order_lines: DataFrame, links: DataFrame, as_of: date) -> DataFrame:
    """What people had bought, and we could have known of, before `as_of`; goods taken back do not count.

    Args:
        order_lines: Rows of `silver.order_line`.
        links: Rows of `silver.person_link`.
        as_of: The exclusive day.

    Returns:
        person_id, product_id, order_key (a number for each order), occurred_at, known_at; one row per order line.
    """
    return (
        order_lines.where(~F.col("is_return"))
        .transform(known_before(as_of))
        .transform(with_person(links))
        .select("person_id", "product_id", F.xxhash64("order_id").alias("order_key"), "occurred_at", "known_at")
    )


def of_catalogue(catalogue: DataFrame) -> Transformation:
    """Keep purchases of products that the catalogue has."""
    products = catalogue.select("product_id").distinct()
    return lambda rows: rows.join(F.broadcast(products), ["product_id"], "left_semi")


def of_sample(share: float) -> Transformation:
    """Keep a fixed share of the people, 0..1, with everything they bought."""
    return lambda rows: rows if share >= 1 else rows.where(keyed_share(_SAMPLE_SALT) < share)


def with_everyone(links: DataFrame, as_of: date) -> Transformation:
    """Add a row without a product for each person known before `as_of`, so that nobody is left out of the ranking."""
    known = links.where(F.col("first_known_at") < as_of_instant(as_of))
    people = known.select("person_id", F.lit(0).cast("bigint").alias("order_key")).distinct()
    return lambda rows: rows.unionByName(people, allowMissingColumns=True)


def item_counts(rows: DataFrame, as_of: date, popular_days: int, trend_days: int) -> DataFrame:
    """How many people bought each product: ever, lately, and more than once.

    The same figures as `items.counted`, by Spark, for when the purchases do not fit the driver.

    Returns:
        product_id, people, popular_people, trend_people, repeaters; one row per product.
    """
    cut = as_of_instant(as_of).cast("double")
    age_days = (cut - F.col("occurred_at").cast("double")) / 86_400
    bought = rows.where(F.col("product_id").isNotNull()).withColumn("age_days", age_days)
    per_person = bought.groupBy("product_id", "person_id").agg(
        F.min("age_days").alias("last_days"), F.count_distinct("order_key").alias("orders")
    )
    return per_person.groupBy("product_id").agg(
        F.count("*").alias("people"),
        F.count_if(F.col("last_days") < popular_days).alias("popular_people"),
        F.count_if(F.col("last_days") < trend_days).alias("trend_people"),
        F.count_if(F.col("orders") > 1).alias("repeaters"),
    )
