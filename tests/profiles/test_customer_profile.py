from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from personalake.profiles.customer_profile import Known, customer_profile, orders_of
from personalake.tables import Table
from personalake.tables.gold import CUSTOMER_PROFILE
from personalake.tables.privacy import PREFERENCE
from personalake.tables.silver import (
    CAMPAIGN_RESPONSE,
    CATALOG_ITEM,
    CONSENT_CURRENT,
    CUSTOMER_RECORD,
    ORDER_LINE,
    PERSON_LINK,
)

AS_OF = date(2017, 6, 1)
EARLY = datetime(2017, 1, 1)
Row = dict[str, Any]


def rows_of(spark: SparkSession, table: Table, *rows: Row) -> DataFrame:
    return spark.createDataFrame([tuple(row.get(name) for name in table.columns) for row in rows], table.schema)


def line(order: str, product: str, amount: str, day: int = 1, **more: Any) -> Row:
    at = datetime(2017, 5, day, 12)
    base: Row = {"order_id": order, "namespace": "n", "customer_id": "1", "product_id": product, "amount": Decimal(amount),
                 "discount_amount": Decimal("0"), "currency": "USD", "is_return": False, "store_id": "s1",
                 "occurred_at": at, "known_at": at}  # fmt: skip
    return base | more


def link(customer: str) -> Row:
    return {"namespace": "n", "value": customer, "person_id": f"p{customer}", "sources": ["orders"], "first_known_at": EARLY}


def item(product: str, category: str, known_at: datetime = EARLY) -> Row:
    return {
        "record_id": f"{product}-{category}",
        "product_id": product,
        "category": category,
        "source": "c",
        "known_at": known_at,
    }


def known(spark: SparkSession, lines: list[Row], **parts: list[Row]) -> Known:
    links = parts.get("links", [link("1")])
    return Known(
        order_lines=rows_of(spark, ORDER_LINE, *lines),
        records=rows_of(spark, CUSTOMER_RECORD, *parts.get("records", [])),
        catalog=rows_of(spark, CATALOG_ITEM, *parts.get("catalog", [])),
        responses=rows_of(spark, CAMPAIGN_RESPONSE, *parts.get("responses", [])),
        links=rows_of(spark, PERSON_LINK, *links),
        consents=rows_of(spark, CONSENT_CURRENT, *parts.get("consents", [])),
        wishes=rows_of(spark, PREFERENCE, *parts.get("wishes", [])),
    )


def profiles(of: Known) -> dict[str, Row]:
    rows = customer_profile(of, orders_of(of.order_lines, of.links, AS_OF), AS_OF)
    assert tuple(rows.columns) == CUSTOMER_PROFILE.columns
    return {row["person_id"]: row.asDict() for row in rows.collect()}


def test_orders_are_summed_up_and_a_return_is_deducted(spark: SparkSession) -> None:
    lines = [
        line("a", "milk", "6.00", day=1, discount_amount=Decimal("2.00")),
        line("a", "beer", "4.00", day=1),
        line("b", "milk", "5.00", day=11, store_id="s2"),
        line("c", "milk", "7.00", day=21, store_id="s2"),
        line("r", "milk", "-2.00", day=25, is_return=True),
    ]

    found = profiles(known(spark, lines, catalog=[item("milk", "DAIRY"), item("beer", "DRINKS")]))["p1"]

    assert (found["orders"], found["order_lines"], found["spend"]) == (3, 4, Decimal("20.00"))
    assert found["average_order_value"] == Decimal("6.67")
    assert (found["first_order_date"], found["last_order_date"]) == (date(2017, 5, 1), date(2017, 5, 21))
    assert found["days_between_orders"] == 10.0
    assert (found["favourite_category"], found["favourite_store_id"]) == ("DAIRY", "s2")
    assert found["discount_share"] == pytest.approx(2 / 24)
    assert (found["customer_id"], found["currency"], found["as_of"]) == ("1", "USD", AS_OF)


def test_what_happened_or_became_known_after_the_as_of_is_not_known(spark: SparkSession) -> None:
    june = datetime(2017, 6, 1)
    lines = [line("a", "x", "1.00"), line("b", "x", "2.00", known_at=june), line("c", "x", "4.00", occurred_at=june)]

    found = profiles(known(spark, lines))["p1"]

    assert (found["orders"], found["spend"]) == (1, Decimal("1.00"))


def test_someone_without_orders_has_zeros_a_record_and_answers(spark: SparkSession) -> None:
    records = [
        {"record_id": "1", "namespace": "n", "customer_id": "2", "age_band": "25-34", "source": "crm", "known_at": EARLY},
        {"record_id": "2", "namespace": "n", "customer_id": "2", "age_band": "35-44", "source": "crm",
         "known_at": datetime(2017, 2, 1)},
        {"record_id": "3", "namespace": "n", "customer_id": "2", "age_band": "45-54", "source": "crm",
         "known_at": datetime(2017, 7, 1)},
    ]  # fmt: skip
    consents = [
        {"person_id": "p2", "purpose": "push", "status": "denied", "occurred_at": EARLY, "known_at": EARLY},
        {"person_id": "p2", "purpose": "email", "status": "granted", "occurred_at": EARLY, "known_at": EARLY},
    ]

    found = profiles(known(spark, [], links=[link("2")], records=records, consents=consents))["p2"]

    assert (found["orders"], found["spend"], found["currency"], found["last_order_date"]) == (0, Decimal("0.00"), None, None)
    assert found["age_band"] == "35-44"
    assert found["consents"] == {"email": "granted", "push": "denied"}


def test_a_category_tie_goes_to_spend_and_then_to_the_name(spark: SparkSession) -> None:
    catalog = [item("x", "B"), item("y", "A"), item("z", "C")]
    by_spend = [line("a", "x", "1.00"), line("a", "y", "2.00"), line("a", "z", "2.00")]

    assert profiles(known(spark, by_spend, catalog=catalog))["p1"]["favourite_category"] == "A"
    assert profiles(known(spark, [*by_spend, line("b", "x", "0.10")], catalog=catalog))["p1"]["favourite_category"] == "B"


def test_the_latest_known_version_of_a_product_gives_its_category(spark: SparkSession) -> None:
    catalog = [item("x", "OLD"), item("x", "NEW", datetime(2017, 5, 2)), item("x", "FUTURE", datetime(2017, 6, 2))]

    assert profiles(known(spark, [line("a", "x", "1.00")], catalog=catalog))["p1"]["favourite_category"] == "NEW"


def test_two_currencies_are_never_added_up(spark: SparkSession) -> None:
    lines = [line("a", "x", "1.00"), line("b", "x", "2.00"), line("c", "x", "90.00", currency="EUR")]

    found = profiles(known(spark, lines))["p1"]

    assert (found["currency"], found["spend"], found["orders"]) == ("USD", Decimal("3.00"), 3)


def test_only_coupons_redeemed_before_the_as_of_count(spark: SparkSession) -> None:
    def response(number: int, kind: str, day: datetime) -> Row:
        return {"record_id": str(number), "namespace": "n", "customer_id": "1", "response_type": kind,
                "occurred_at": day, "known_at": day}  # fmt: skip

    responses = [
        response(1, "coupon_redeemed", EARLY),
        response(2, "opened", EARLY),
        response(3, "coupon_redeemed", datetime(2017, 6, 3)),
    ]

    assert profiles(known(spark, [], responses=responses))["p1"]["coupons_redeemed"] == 1


def wish(preference: str, value: str | None, day: int, known_day: int | None = None) -> Row:
    at, known = datetime(2017, 5, day), datetime(2017, 5, known_day or day)
    return {"record_id": f"{preference}{day}", "namespace": "n", "customer_id": "1", "preference": preference,
            "value": value, "occurred_at": at, "known_at": known}  # fmt: skip


def test_a_wish_counts_as_it_was_last_changed_and_one_that_is_taken_back_is_gone(spark: SparkSession) -> None:
    wishes = [
        wish("language", "de", 3), wish("language", "en", 2, known_day=9), wish("channel", "email", 1),
        wish("frequency", "weekly", 1), wish("frequency", None, 4), {**wish("colour", "red", 1), "customer_id": "nobody"},
    ]  # fmt: skip

    found = profiles(known(spark, [], wishes=wishes, links=[link("1"), link("2")]))

    assert found["p1"]["preferences"] == {"channel": "email", "language": "de"}
    assert found["p2"]["preferences"] == {}
