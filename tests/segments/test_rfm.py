from datetime import date, timedelta
from decimal import Decimal

from pyspark.sql import DataFrame, SparkSession

from personalake.config.segmentation import RfmSegment, SegmentSettings
from personalake.segments.rfm import rfm_scores, rfm_segments

AS_OF = date(2017, 12, 1)
SETTINGS = SegmentSettings(
    rfm_quantiles=5,
    rfm=(
        RfmSegment(name="Champions", when="r >= 4 AND f >= 4", meaning="the best"),
        RfmSegment(name="Recent", when="r >= 4", meaning="came lately"),
    ),
)


def profiles(spark: SparkSession, *people: tuple[str, int, int, int]) -> DataFrame:
    """`person_id`, days since the last order, orders, spend."""
    rows = [
        (who, orders, Decimal(spend), AS_OF - timedelta(days) if orders else None) for who, days, orders, spend in people
    ]
    return spark.createDataFrame(rows, "person_id string, orders bigint, spend decimal(18,2), last_order_date date")


def test_five_people_have_the_five_scores_and_the_latest_buyer_the_best_recency(spark: SparkSession) -> None:
    people = profiles(spark, ("a", 1, 10, 1), ("b", 2, 8, 2), ("c", 3, 6, 3), ("d", 4, 4, 4), ("e", 5, 2, 5))

    scores = {row["person_id"]: (row["r"], row["f"], row["m"]) for row in rfm_scores(people, 5, AS_OF).collect()}

    assert scores == {"a": (5, 5, 1), "b": (4, 4, 2), "c": (3, 3, 3), "d": (2, 2, 4), "e": (1, 1, 5)}


def test_equal_values_have_equal_scores(spark: SparkSession) -> None:
    people = profiles(spark, *((who, 3, 1, 7) for who in "abcdef"))

    assert len({(row["r"], row["f"], row["m"]) for row in rfm_scores(people, 5, AS_OF).collect()}) == 1


def test_the_first_condition_that_holds_names_the_segment(spark: SparkSession) -> None:
    people = profiles(spark, ("a", 1, 10, 9), ("b", 1, 1, 9), ("c", 90, 1, 9), ("d", 60, 2, 9), ("n", 0, 0, 0))

    rows = {row["person_id"]: row for row in rfm_segments(people, SETTINGS, AS_OF).collect()}

    assert {who: row["segment"] for who, row in rows.items()} == {
        "a": "Champions",
        "b": "Recent",
        "c": "Other",
        "d": "Other",
        "n": "No orders yet",
    }
    assert rows["a"]["detail"]["f"] == "5"
    assert rows["n"]["detail"] == {}
