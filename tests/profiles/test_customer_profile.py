import hashlib
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from personalake.config.identity import Survivorship
from personalake.config.profiles import Licence
from personalake.privacy.consent import refusing
from personalake.profiles.customer_profile import Known, customer_profile, orders_of, persons
from personalake.profiles.engagement import Engaged
from personalake.profiles.third_party import judged
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
from personalake.tables.touchpoints import (
    EMAIL_ENGAGEMENT,
    INTERACTION,
    SUPPORT_TICKET,
    SURVEY_ANSWER,
    THIRD_PARTY_ATTRIBUTE,
)

AS_OF = date(2017, 6, 1)
ENGAGED = {"interactions": INTERACTION, "emails": EMAIL_ENGAGEMENT, "tickets": SUPPORT_TICKET, "answers": SURVEY_ANSWER}
LICENCES = {
    "ours": Licence(attributes=("income_band", "interest")),
    "short": Licence(days=30),
    "over": Licence(until=date(2017, 5, 30)),
    "since": Licence(until=date(2017, 6, 30)),
}
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


def known(spark: SparkSession, lines: list[Row], today: date = AS_OF, **parts: list[Row]) -> Known:
    told = {name: rows_of(spark, table, *parts.get(name, [])) for name, table in ENGAGED.items()}
    links = rows_of(spark, PERSON_LINK, *parts.get("links", [link("1")]))
    consents = rows_of(spark, CONSENT_CURRENT, *parts.get("consents", []))
    bought = rows_of(spark, THIRD_PARTY_ATTRIBUTE, *parts.get("bought", []))
    refused = refusing(consents, "personalisation")
    return Known(
        order_lines=rows_of(spark, ORDER_LINE, *lines),
        records=rows_of(spark, CUSTOMER_RECORD, *parts.get("records", [])),
        catalog=rows_of(spark, CATALOG_ITEM, *parts.get("catalog", [])),
        responses=rows_of(spark, CAMPAIGN_RESPONSE, *parts.get("responses", [])),
        links=links,
        consents=consents,
        wishes=rows_of(spark, PREFERENCE, *parts.get("wishes", [])),
        engaged=Engaged(**told) if {*parts} & {*ENGAGED} else None,
        bought=judged(bought, links, refused, LICENCES, AS_OF, today) if "bought" in parts else None,
    )


def profiles(of: Known, survivorship: Survivorship | None = None) -> dict[str, Row]:
    rows = customer_profile(of, orders_of(of.order_lines, of.links, AS_OF), AS_OF, survivorship=survivorship)
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


def said(record: str, day: int, source: str = "crm", customer: str = "1", **told: str) -> Row:
    return {"record_id": record, "namespace": "n", "customer_id": customer, "source": source,
            "known_at": datetime(2017, 5, day, 8, 30), **told}  # fmt: skip


def test_each_attribute_survives_by_its_own_rule_and_a_source_that_does_not_know_it_takes_nothing_away(
    spark: SparkSession,
) -> None:
    links = [link("1"), link("2") | {"person_id": "p1"}]
    records = [
        said("c1", 1, age_band="25-34", income_band="low", kids_count="1", home_ownership="owner"),
        said("c2", 2, age_band="35-44", income_band="low", kids_count="1", marital_status="married"),
        said("w1", 3, "web", "2", income_band="high"),
        said("t1", 4, "till", "2", age_band="45-54", kids_count="2"),
        said("t2", 6, "till", "2", kids_count="2"),
        said("e1", 7, "events", "2", household_size="3"),
        said("e2", 8, "events", "2"),
    ]
    rules = Survivorship(
        fields={"income_band": "most_trusted", "kids_count": "most_frequent", "marital_status": "most_complete"},
        trusted_sources=("crm",),
        partial_sources=("events",),
    )

    found = profiles(known(spark, [], records=records, links=links), rules)["p1"]

    attributes = ("age_band", "income_band", "kids_count", "household_size", "marital_status", "home_ownership", "region")
    assert {name: found[name] for name in attributes} == {
        "age_band": "35-44",  # the till told another one once, and took it back
        "income_band": "low",
        "kids_count": "2",  # one says so, one does not: the latest of equals
        "household_size": "3",
        "marital_status": "married",
        "home_ownership": None,  # the CRM told it once, and leaves it blank in its newest version
        "region": None,
    }
    assert found["provenance"] == {
        "age_band": "crm:c2 at 2017-05-02T08:30:00Z (most_recent)",
        "income_band": "crm:c2 at 2017-05-02T08:30:00Z (most_trusted)",
        "kids_count": "till:t2 at 2017-05-06T08:30:00Z (most_frequent)",
        "household_size": "events:e1 at 2017-05-07T08:30:00Z (most_recent)",
        "marital_status": "crm:c2 at 2017-05-02T08:30:00Z (most_complete)",
    }


def test_visits_messages_tickets_and_answers_of_all_identifiers_are_counted_for_the_person(spark: SparkSession) -> None:
    links = [
        {"namespace": namespace, "value": value, "person_id": "p1", "sources": [], "first_known_at": EARLY}
        for namespace, value in (("n", "1"), ("cookie_id", "c"), ("email", "a@x.example"), ("phone", "212 555 0101"))
    ]

    def at(day: int, **told: Any) -> Row:
        return {"occurred_at": datetime(2017, 5, day), "known_at": datetime(2017, 5, day), **told}

    def mail(day: int, message: str, kind: str) -> Row:
        return at(day, namespace="email", customer_id="a@x.example", message_id=message, engagement_type=kind)

    interactions = [
        at(1, channel="web", cookie_id="c", session_id="s1", region="north"),
        at(2, channel="web", cookie_id="c", session_id="s1", region="north"),
        at(3, channel="web", namespace="n", customer_id="1", session_id="s2", region="south"),
        at(4, channel="app", namespace="n", customer_id="1", session_id="s3", region="south"),
        at(5, channel="app", device_id="unknown", session_id="s4", region="north"),
    ]
    emails = [mail(1, "m1", "sent"), mail(2, "m1", "opened"), mail(3, "m1", "opened"), mail(4, "m2", "sent"),
              mail(5, "m2", "clicked"), mail(6, "m3", "sent"), mail(7, "m4", "bounced")]  # fmt: skip
    tickets = [at(8, phone="212 555 0101", rating=2), at(9, namespace="n", customer_id="1", rating=5), at(10, phone="none")]
    answers = [at(3, namespace="n", customer_id="1", score=9), at(2, namespace="n", customer_id="1", score=3)]

    people = profiles(
        known(spark, [], links=links, interactions=interactions, emails=emails, tickets=tickets, answers=answers)
    )

    found = people["p1"]
    counts = ("web_visits", "app_visits", "emails_sent", "emails_opened", "emails_clicked", "tickets", "survey_score")
    assert tuple(found[name] for name in counts) == (2, 1, 3, 2, 1, 2, 9)
    times = ("last_web_visit_at", "last_app_visit_at", "last_email_at", "last_ticket_at", "last_survey_at")
    assert tuple(found[name].day for name in times) == (3, 4, 5, 9, 3)
    assert (found["ticket_rating"], found["region"]) == (3.5, "south")


def test_bought_attributes_are_used_only_where_licence_provider_and_person_allow_it(spark: SparkSession) -> None:
    def hashed(email: str) -> str:
        return hashlib.sha256(email.encode()).hexdigest()

    def told(number: int, email: str, attribute: str, licence: str = "ours", **more: Any) -> Row:
        return {"record_id": str(number), "namespace": "email_sha256", "customer_id": hashed(email), "source": "panel",
                "attribute": attribute, "value": f"v{number}", "provider": "Datum", "licence": licence, "is_consented": True,
                "occurred_at": EARLY, "known_at": EARLY, **more}  # fmt: skip

    links = [
        {
            "namespace": "email",
            "value": f" {name.title()}@x.example",
            "person_id": name,
            "sources": [],
            "first_known_at": EARLY,
        }
        for name in ("ann", "bob", "cy", "di")
    ]
    answers = {"ann": "granted", "bob": "withdrawn", "cy": "a word that nobody knows"}
    consents = [{"person_id": name, "purpose": "personalisation", "status": status, "occurred_at": EARLY, "known_at": EARLY}
                for name, status in answers.items()]  # fmt: skip
    bought = [
        told(1, "ann@x.example", "income_band"),
        told(
            2, "ann@x.example", "income_band", occurred_at=datetime(2017, 2, 1), customer_id=hashed("ann@x.example").upper()
        ),
        told(3, "ann@x.example", "engagement"),
        told(4, "ann@x.example", "interest", "research-only"),
        told(5, "ann@x.example", "interest", is_consented=None),
        told(6, "ann@x.example", "interest", "short"),
        told(7, "ann@x.example", "interest", "over"),
        told(8, "bob@x.example", "interest"),
        told(9, "eve@x.example", "interest"),
        told(10, "ann@x.example", "interest", known_at=datetime(2017, 7, 1)),
        told(11, "cy@x.example", "income_band"),
        told(12, "di@x.example", "income_band"),
        told(13, "ann@x.example", "interest", "since"),
    ]
    of = known(spark, [], today=date(2017, 7, 1), links=links, consents=consents, bought=bought)

    people = profiles(of)

    assert people["ann"]["third_party"] == {"income_band": "v2"}
    assert people["ann"]["provenance"] == {"third_party.income_band": "panel:2 at 2017-01-01T00:00:00Z (Datum, ours)"}
    assert people["bob"]["third_party"] == {}
    assert {row["record_id"]: row["left_out"] for row in of.bought.collect()} == {
        "1": None,
        "2": None,
        "3": "licence permits no use",
        "4": "licence permits no use",
        "5": "no consent at the provider",
        "6": "too old",
        "7": "licence has ended",
        "8": "the person refuses",
        "9": "nobody is known by this e-mail",
        "11": "the person refuses",
        "12": None,
        "13": "licence has ended",  # after the as-of, and before the day on which it would be used
    }


def test_a_person_goes_by_the_number_that_was_known_first_whatever_comes_later(spark: SparkSession) -> None:
    held = [("crm", "17", 2), ("app_install", "a1", 3), ("email", "a@x.example", 1), ("cookie_id", "c", 1)]
    links = [
        {"namespace": kind, "value": value, "person_id": "p", "first_known_at": datetime(2017, 1, day)}
        for kind, value, day in held
    ]

    (row,) = rows_of(spark, PERSON_LINK, *links).transform(persons).collect()

    assert row["customer_id"] == "17"
