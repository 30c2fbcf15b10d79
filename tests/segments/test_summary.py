from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from personalake.segments.summary import segment_summary

AS_OF = date(2017, 12, 1)


def test_a_segment_is_summed_up_in_numbers_and_words(spark: SparkSession) -> None:
    membership = spark.createDataFrame(
        [("a", "rfm", "Loyal"), ("b", "rfm", "Loyal"), ("c", "rfm", "No orders yet"), ("a", "kmeans", "big spenders")],
        "person_id string, scheme string, segment string",
    )
    profiles = spark.createDataFrame(
        [
            ("a", 10, Decimal(300), "USD", date(2017, 11, 29)),
            ("b", 20, Decimal(100), "USD", date(2017, 11, 27)),
            ("c", 0, Decimal(0), None, None),
        ],
        "person_id string, orders bigint, spend decimal(18,2), currency string, last_order_date date",
    )

    rows = segment_summary(membership, profiles, {"Loyal": "come back often"}, AS_OF).collect()

    found = {(row["scheme"], row["segment"]): row for row in rows}
    loyal = found["rfm", "Loyal"]
    assert (loyal["people"], loyal["mean_recency_days"], loyal["mean_orders"], loyal["mean_spend"]) == (2, 3.0, 15.0, 200.0)
    assert loyal["share"] == pytest.approx(2 / 3)
    assert loyal["description"] == (
        "Loyal (come back often): 2 people (67 %); on average 15 orders for 200 USD, the last 3 days ago"
    )
    assert found["rfm", "No orders yet"]["description"] == "No orders yet: 1 people (33 %)"
    assert found["kmeans", "big spenders"]["people"] == 1
    held_back = segment_summary(membership, profiles, {}, AS_OF, min_people=2).collect()
    assert [(row["segment"], row["share"]) for row in held_back] == [("Loyal", pytest.approx(2 / 3))]
