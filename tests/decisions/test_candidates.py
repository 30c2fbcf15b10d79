from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from personalake.config.decisions import DECISION_COLUMNS
from personalake.context.offers import sold_out
from personalake.decisions.candidates import Insight, candidates
from personalake.tables import Table
from personalake.tables.context import OFFER_HISTORY
from personalake.tables.gold import CUSTOMER_PROFILE, PREDICTION, RECOMMENDATION, SEGMENT_MEMBERSHIP
from personalake.tables.silver import CATALOG_ITEM

AS_OF, BEFORE = date(2017, 12, 1), date(2017, 11, 1)
Row = dict[str, Any]


def rows_of(spark: SparkSession, table: Table, *rows: Row) -> DataFrame:
    return spark.createDataFrame([tuple(row.get(name) for name in table.columns) for row in rows], table.schema)


def insight(spark: SparkSession, **parts: list[Row]) -> Insight:
    profile = {"person_id": "p", "orders": 3, "last_order_date": date(2017, 11, 21), "as_of": AS_OF}
    return Insight(
        rows_of(spark, CUSTOMER_PROFILE, profile),
        rows_of(spark, SEGMENT_MEMBERSHIP, *parts.get("segments", [])),
        rows_of(spark, PREDICTION, *parts.get("predictions", [])),
        rows_of(spark, RECOMMENDATION, *parts.get("recommendations", [])),
        rows_of(spark, CATALOG_ITEM, *parts.get("catalog", [])),
        rows_of(spark, OFFER_HISTORY, *parts.get("offers", [])).transform(sold_out),
    )


def test_all_parts_of_the_as_of_meet_in_one_row(spark: SparkSession) -> None:
    base = {"person_id": "p", "as_of": AS_OF}
    best = base | {"slot": "all_items", "rank": 1, "product_id": "1", "reason": "bought often"}
    reasons = [("recency_days", 90.0, 1.2, "90 days away"), ("orders", 1.0, 0.3, "few orders")]
    everything = insight(
        spark,
        segments=[base | {"scheme": "rfm", "segment": "Loyal"}, base | {"scheme": "kmeans", "segment": "big"}],
        predictions=[base | {"model": "churn", "probability": 0.7, "percentile": 0.9, "reasons": reasons}],
        recommendations=[best, best | {"rank": 2, "product_id": "2"}, best | {"slot": "new_items", "product_id": "3"}],
        catalog=[{"product_id": "1", "name": "Milk", "record_id": "r", "source": "c"}],
    )

    rows = candidates(everything, AS_OF)

    assert tuple(rows.columns) == tuple(DECISION_COLUMNS)
    (row,) = rows.collect()
    assert (row["rfm_segment"], row["kmeans_segment"]) == ("Loyal", "big")
    assert (row["churn_probability"], row["churn_percentile"], row["churn_reason"]) == (0.7, 0.9, "90 days away")
    assert (row["next_best_item"], row["next_best_item_name"], row["next_best_item_reason"]) == ("1", "Milk", "bought often")
    assert (row["next_new_item"], row["next_new_item_name"]) == ("3", "3")
    assert row["days_since_last_order"] == 10


def test_parts_of_another_as_of_and_missing_parts_are_unknown(spark: SparkSession) -> None:
    old = {"person_id": "p", "as_of": BEFORE, "model": "churn", "probability": 0.7, "percentile": 0.9, "reasons": []}

    (row,) = candidates(insight(spark, predictions=[old]), AS_OF).collect()

    assert row["orders"] == 3
    assert (row["churn_probability"], row["rfm_segment"], row["next_best_item"]) == (None, None, None)


def test_what_is_sold_out_is_not_suggested_and_the_next_one_takes_its_place(spark: SparkSession) -> None:
    base = {"person_id": "p", "as_of": AS_OF}
    ranked = [
        base | {"slot": "all_items", "rank": rank, "product_id": product} for rank, product in ((1, "gone"), (2, "tea"))
    ]
    ranked.append(base | {"slot": "new_items", "rank": 1, "product_id": "gone"})
    nothing = {"product_id": "gone", "stock": Decimal(0)}

    (row,) = candidates(insight(spark, recommendations=ranked, offers=[nothing]), AS_OF).collect()

    assert (row["next_best_item"], row["next_new_item"]) == ("tea", None)
