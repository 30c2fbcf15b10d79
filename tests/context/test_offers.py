from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from personalake.context.offers import offer_history, sold_out
from personalake.context.visits import visit_context
from personalake.tables import Table
from personalake.tables.context import OFFER_HISTORY, PRODUCT_OFFER, WEATHER
from personalake.tables.touchpoints import INTERACTION

AS_OF = date(2025, 3, 9)


def at(day: int, hour: int = 8, minute: int = 0) -> datetime:
    return datetime(2025, 3, day, hour, minute, tzinfo=UTC)


def rows_of(spark: SparkSession, table: Table, *rows: dict[str, Any]) -> DataFrame:
    return spark.createDataFrame([tuple(row.get(name) for name in table.columns) for row in rows], table.schema)


def offer(record: str, day: int, **told: Any) -> dict[str, Any]:
    numbers = {name: Decimal(value) for name, value in told.items() if name in ("price", "stock")}
    currency = {"currency": "EUR"} if "price" in told else {}
    return {"record_id": record, "product_id": "tea", "source": "shop", "known_at": at(day), **told, **numbers, **currency}


def test_a_span_lasts_as_long_as_price_and_stock_stay_and_what_is_not_told_stays_as_it_was(spark: SparkSession) -> None:
    offers = rows_of(
        spark,
        PRODUCT_OFFER,
        offer("a", 1, price="3.00", stock="10"),
        offer("b", 2, price="3.00"),  # the same price, and nothing of the stock
        offer("d", 4, price="2.50"),
        offer("c", 3, stock="0"),
        offer("e", 9, stock="7"),  # after the as-of
        offer("x", 1, price="9.00", stock="1", product_id="pot", store_id="north-1"),
    )

    spans = offer_history(offers, AS_OF).orderBy("product_id", "valid_from").collect()

    assert [(row["product_id"], row["price"], row["stock"]) for row in spans] == [
        ("pot", Decimal("9.00"), Decimal("1.000")),
        ("tea", Decimal("3.00"), Decimal("10.000")),
        ("tea", Decimal("3.00"), Decimal("0.000")),
        ("tea", Decimal("2.50"), Decimal("0.000")),
    ]
    assert [row["valid_from"].day for row in spans] == [1, 1, 3, 4]
    assert [row["valid_to"] and row["valid_to"].day for row in spans] == [None, 3, 4, None]
    assert {row["currency"] for row in spans} == {"EUR"}


def test_of_two_words_of_one_moment_the_last_counts(spark: SparkSession) -> None:
    offers = rows_of(spark, PRODUCT_OFFER, offer("b", 1, price="2.00"), offer("a", 1, price="3.00"))

    (span,) = offer_history(offers, AS_OF).collect()

    assert span["price"] == Decimal("2.00")


def test_a_product_is_sold_out_where_no_shop_has_any_and_none_is_silent(spark: SparkSession) -> None:
    def of(product: str, stock: str | None, store: str, **more: Any) -> dict[str, Any]:
        return {"product_id": product, "stock": None if stock is None else Decimal(stock), "store_id": store, **more}

    history = rows_of(
        spark,
        OFFER_HISTORY,
        of("gone", "5", "a", valid_to=at(2)),
        of("gone", "0", "a"),
        of("gone", "-2", "b"),  # oversold: no more than nothing
        of("left", "0", "a"),
        of("left", "3", "b"),
        of("silent", None, "a"),
        of("silent", "0", "b"),
    )

    assert [row["product_id"] for row in sold_out(history).collect()] == ["gone"]


def test_visits_are_counted_by_hour_region_and_device_under_the_latest_word_on_the_weather(spark: SparkSession) -> None:
    def step(visit: str, minute: int, kind: str = "view", region: str | None = "north", **more: Any) -> dict[str, Any]:
        base = {"event_id": f"{visit}{minute}", "session_id": visit, "interaction_type": kind, "device_type": "phone"}
        return {**base, "region": region, "occurred_at": at(2, 8, minute), "known_at": at(2, 9), **more}

    def told(record: str, hour: int, **more: Any) -> dict[str, Any]:
        return {
            "record_id": record,
            "region": "north",
            "source": "w",
            "occurred_at": at(2, hour),
            "known_at": at(2, 9),
            **more,
        }

    interactions = rows_of(
        spark,
        INTERACTION,
        step("v1", 1),
        step("v1", 2, "purchase", order_id="o1"),
        step("v1", 3, "purchase", order_id="o1"),  # another item of the same order
        step("v2", 50),
        step("v3", 4, region=None),
        step("v4", 5, known_at=at(9)),
    )
    weather = rows_of(
        spark,
        WEATHER,
        told("a", 8, sky="sun", temperature_celsius=4.0),
        told("b", 8, sky="rain", known_at=at(3)),
        told("c", 9, sky="snow"),
    )

    found = visit_context(interactions, weather, AS_OF).orderBy("hour").collect()

    assert [(row["hour"].hour, row["device_type"], row["visits"], row["purchases"]) for row in found] == [
        (8, "phone", 2, 1),
        (9, None, 0, 0),
    ]
    assert [(row["sky"], row["temperature_celsius"]) for row in found] == [("rain", 4.0), ("snow", None)]
