"""The ready mappings in conf/sources/ on rows of the shape that each vendor documents."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import Row, SparkSession

from personalake.config.sources import Source
from personalake.ingestion.adapters import read_spec, to_bronze, with_ordinal
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.mapping import mapping_problems
from personalake.ingestion.parsing import parse

LANDED = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
Feed = Callable[..., list[Row]]

GA4_VIEW: dict[str, Any] = {
    "event_date": "20240501",
    "event_timestamp": "1714557600123456",
    "event_name": "view_item",
    "event_params": [
        {"key": "page_location", "value": {"string_value": "https://shop.example/p/1"}},
        {"key": "ga_session_id", "value": {"int_value": "1714557000"}},
        {"key": "page_referrer", "value": {"string_value": "https://search.example/"}},
        {"key": "currency", "value": {"string_value": "EUR"}},
    ],
    "user_pseudo_id": "1234567890.0987654321",
    "device": {"category": "mobile", "language": "en-us"},
    "geo": {"country": "Germany", "region": "Berlin"},
    "platform": "WEB",
    "items": [{"item_id": "SKU_1", "item_name": "Jeans", "price": 10.01, "quantity": "2"}],
    "batch_event_index": "4", "batch_ordering_id": "2", "batch_page_id": "1714557599000",
}  # fmt: skip
GA4_PURCHASE = {
    **GA4_VIEW,
    "event_name": "purchase",
    "user_id": "u-1",
    "ecommerce": {"transaction_id": "T_12345", "purchase_revenue": 47.52},
    "items": [
        {"item_id": "SKU_1", "price": 10.01, "quantity": "2"},
        {"item_id": "SKU_2", "item_revenue": 27.5, "quantity": "1"},
    ],
}
CONTEXT = {"ip": "8.8.8.8", "library": {"name": "analytics.js"}, "page": {"referrer": "https://search.example/"}}
SEGMENT = {
    "anonymousId": "anonymous-507f191e", "context": CONTEXT, "messageId": "022bb90c-bbac-11e4",
    "userId": "user-97980",
    "originalTimestamp": "2024-02-23T22:28:55.111Z", "sentAt": "2024-02-23T22:28:55.111Z",
    "receivedAt": "2024-02-23T22:28:55.387Z", "timestamp": "2024-02-23T22:28:55.111Z", "version": "1.1",
}  # fmt: skip


@pytest.fixture
def feed(spark: SparkSession, tmp_path: Path) -> Feed:
    """Lets a source of conf/sources/ take rows in, as the jobs would: its typed rows, refused ones included."""

    def taken(name: str, *rows: Mapping[str, Any]) -> list[Row]:
        raw = yaml.safe_load(Path(f"conf/sources/{name}.yml").read_text())
        source = Source.model_validate({**raw, "path": tmp_path})
        file = tmp_path / "_inbox" / name / "2024.json" / f"{LANDED}_1.json"
        file.parent.mkdir(parents=True)
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        spec = read_spec(source, tmp_path / "_inbox" / name, None)
        lines = spark.read.format(spec.format).option("recursiveFileLookup", "true").load(spec.path)
        bronze = lines.transform(to_bronze(name, source)).transform(with_ordinal(source))
        typed = bronze.transform(parse(name, source, CONTRACTS[source.contract])).collect()
        return sorted(typed, key=lambda row: str(row["payload"]))

    return taken


@pytest.mark.parametrize("path", sorted(Path("conf/sources").glob("*.yml")), ids=lambda path: path.stem)
def test_each_mapping_fits_its_contract_turned_on_or_not(path: Path) -> None:
    raw = yaml.safe_load(path.read_text())

    assert list(mapping_problems(raw)) == []
    assert Source.model_validate(raw).contract == raw["contract"]


def test_an_event_of_ga4_is_a_click_with_its_cookie_session_and_referrer(feed: Feed) -> None:
    app, view, search = feed(
        "ga4_events",
        GA4_VIEW,
        {**GA4_VIEW, "event_name": "view_search_results", "user_id": "u-1", "items": [],
         "event_params": [{"key": "search_term", "value": {"string_value": "shoes"}}]},
        {**GA4_VIEW, "event_name": "screen_view", "platform": "ANDROID", "event_date": "20240430"},
    )  # fmt: skip

    assert view["reasons"] == search["reasons"] == app["reasons"] == []
    assert (view["interaction_type"], view["product_id"], view["customer_id"]) == ("view", "SKU_1", None)
    assert (view["channel"], view["cookie_id"], view["device_id"]) == ("web", "1234567890.0987654321", None)
    assert (view["session_id"], view["referrer"]) == ("1234567890.0987654321-1714557000", "https://search.example/")
    assert (view["device_type"], view["region"]) == ("mobile", "Germany / Berlin")
    assert view["occurred_at"].astimezone(UTC) == datetime(2024, 5, 1, 10, 0, 0, 123456, UTC)
    assert (search["search_term"], search["customer_id"], search["namespace"]) == ("shoes", "u-1", "login")
    assert (app["channel"], app["device_id"], app["cookie_id"]) == ("app", "1234567890.0987654321", None)
    assert len({view["event_id"], search["event_id"], app["event_id"]}) == 3


def test_each_item_of_an_event_of_ga4_is_a_row_of_its_step_and_none_is_lost(feed: Feed) -> None:
    items = [
        {"item_id": "SKU_1"},
        {"item_id": "SKU_2"},
        {"item_id": "SKU_1", "item_variant": "blue"},
        {"item_id": "(not set)"},
    ]

    rows = feed("ga4_events", {**GA4_PURCHASE, "items": items}, {**GA4_VIEW, "event_name": "page_view", "items": []})

    assert [row["reasons"] for row in rows] == [[]] * 5
    assert len({row["event_id"] for row in rows}) == 5
    bought = sorted((row["item_position"], row["product_id"]) for row in rows if row["interaction_type"] == "purchase")
    assert bought == [(1, "SKU_1"), (2, "SKU_2"), (3, "SKU_1"), (4, None)]
    (page,) = (row for row in rows if row["interaction_type"] == "page")
    assert (page["item_position"], page["product_id"]) == (None, None)


def test_an_item_of_a_ga4_purchase_is_an_order_line_and_other_events_are_none(feed: Feed) -> None:
    refund = {**GA4_PURCHASE, "event_name": "refund", "items": [{"item_id": "SKU_2", "item_refund": 27.5, "quantity": "1"}]}
    whole = {**GA4_PURCHASE, "event_name": "refund", "items": []}

    first, second, back, untold = sorted(
        feed("ga4_purchases", GA4_VIEW, GA4_PURCHASE, refund, whole), key=lambda row: (bool(row["reasons"]), row["event_id"])
    )

    assert [line["event_id"] for line in (first, second)] == ["T_12345-1-SKU_1", "T_12345-2-SKU_2"]
    assert [line["amount"] for line in (first, second, back)] == [Decimal("20.02"), Decimal("27.50"), Decimal("-27.50")]
    assert (first["quantity"], first["currency"], first["reasons"]) == (Decimal("2.000"), "EUR", [])
    assert (back["product_id"], back["quantity"], back["is_return"]) == ("SKU_2", Decimal("-1.000"), True)
    assert "product_id: missing" in untold["reasons"]


def test_a_nested_parquet_of_ga4_reads_like_its_json(spark: SparkSession, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = tmp_path / "_inbox" / "ga4" / "1.parquet" / f"{LANDED}_1.parquet"
    file.parent.mkdir(parents=True)
    row = {**GA4_VIEW, "event_timestamp": 1714557600123456, "user_id": None, "ecommerce": {"transaction_id": None}}
    columns = {"batch_page_id": 1, "batch_ordering_id": 2, "batch_event_index": 3}
    pq.write_table(pa.Table.from_pylist([{**row, **columns}]), file)
    raw = yaml.safe_load(Path("conf/sources/ga4_events.yml").read_text())
    source = Source.model_validate({**raw, "format": "parquet", "path": tmp_path})

    lines = spark.read.parquet(str(file)).transform(to_bronze("ga4", source)).transform(with_ordinal(source))
    (view,) = lines.transform(parse("ga4", source, CONTRACTS[source.contract])).collect()

    assert (view["reasons"], view["product_id"]) == ([], "SKU_1")
    assert view["session_id"] == "1234567890.0987654321-1714557000"
    assert view["device_type"] == "mobile"


# As the vendor's e-commerce spec shows them.
PRODUCTS = [
    {"product_id": "507f1f77bcf86cd799439011", "sku": "45790-32", "name": "Monopoly: 3rd Edition", "price": 19,
     "quantity": 1, "category": "Games", "url": "https://www.example.com/product/path"},
    {"product_id": "505bd76785ebb509fc183733", "sku": "46493-32", "name": "Uno Card Game", "price": 3, "quantity": 2,
     "category": "Games"},
]  # fmt: skip
ORDER = {
    "checkout_id": "fksdjfsdjfisjf9sdfjsd9f", "order_id": "50314b8e9bcf000000000000", "affiliation": "Google Store",
    "total": 27.50, "subtotal": 22.50, "revenue": 25.00, "shipping": 3, "tax": 2, "discount": 2.5, "coupon": "hasbros",
    "currency": "USD", "products": PRODUCTS,
}  # fmt: skip
ADDED = {"cart_id": "skdjsidjsdkdj29j", **PRODUCTS[0], "variant": "200 pieces", "coupon": "MAYDEALS", "position": 3}


def track(message: str, event: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    integrations = {"All": True, "Mixpanel": False}
    told = {"type": "track", "messageId": message, "event": event, "properties": properties, "integrations": integrations}
    return {**SEGMENT, **told}


def test_events_of_the_e_commerce_spec_are_steps_with_each_of_their_products(feed: Feed) -> None:
    rows = feed(
        "segment_events",
        track("m1", "Products Searched", {"query": "blue hotpants"}),
        track("m2", "Product Viewed", {**ADDED, "currency": "usd", "value": 18.99}),
        track("m3", "Product Added", ADDED),
        track("m4", "Order Completed", ORDER),
        track("m4", "Order Completed", ORDER),  # sent again, under the same id
        track("m5", "Order Refunded", {"order_id": ORDER["order_id"], "total": 30, "currency": "USD", "products": []}),
    )

    steps = {row["event_id"]: row for row in rows}
    monopoly, uno = (product["product_id"] for product in PRODUCTS)
    assert {name: (row["interaction_type"], row["product_id"], row["item_position"]) for name, row in steps.items()} == {
        "m1": ("search", None, None),
        "m2": ("view", monopoly, None),
        "m3": ("cart", monopoly, None),
        "m4-1": ("purchase", monopoly, 1),
        "m4-2": ("purchase", uno, 2),
        "m5": ("Order Refunded", None, None),
    }
    assert steps["m1"]["search_term"] == "blue hotpants"
    assert {row["order_id"] for row in rows if row["interaction_type"] == "purchase"} == {ORDER["order_id"]}
    assert {(row["customer_id"], row["cookie_id"], row["channel"]) for row in rows} == {
        (SEGMENT["userId"], SEGMENT["anonymousId"], "web")
    }
    assert [row["reasons"] for row in rows] == [[]] * 8
    assert steps["m1"]["known_at"] > steps["m1"]["occurred_at"]


def test_each_product_of_an_order_of_segment_is_a_line_and_what_is_refunded_comes_back_once(feed: Feed) -> None:
    rows = feed(
        "segment_orders",
        track("m1", "Product Added", ADDED),
        track("m2", "Order Completed", ORDER),
        track("m3", "Order Refunded", {"order_id": ORDER["order_id"], "total": 30, "currency": "USD", "products": PRODUCTS}),
        track("m4", "Order Cancelled", ORDER),
        track("m5", "Order Refunded", {"order_id": ORDER["order_id"], "currency": "USD"}),
    )

    lines = {row["event_id"]: (row["quantity"], row["amount"], row["is_return"]) for row in rows if not row["reasons"]}
    monopoly, uno = (product["product_id"] for product in PRODUCTS)
    order = ORDER["order_id"]
    assert lines == {
        f"{order}-1-{monopoly}": (1, 19, False),
        f"{order}-2-{uno}": (2, 6, False),
        f"{order}-back-{monopoly}": (-1, -19, True),
        f"{order}-back-{uno}": (-2, -6, True),
    }
    assert [row["reasons"] for row in rows if row["reasons"]] == [["product_id: missing", "amount: missing"]]
    assert {(row["currency"], row["store_id"], row["customer_id"]) for row in rows} == {("USD", "web", SEGMENT["userId"])}


def test_consent_preferences_of_segment_are_an_answer_for_each_category(feed: Feed) -> None:
    categories = {"consent": {"categoryPreferences": {"Advertising": True, "Analytics": False, "Odd": "maybe"}}}
    told = {**SEGMENT, "type": "track", "event": "Segment Consent Preference Updated", "context": categories}

    answers = feed("segment_consents", told, {**SEGMENT, "type": "track", "event": "Product Viewed"})

    found = {row["purpose"]: row["status"] for row in answers}
    # What cannot be understood is an answer that allows nothing, and lets no older grant stand.
    assert found == {"email_marketing": "granted", "analytics": "denied", "odd": "unknown"}
    assert [row["purpose"] for row in answers if row["reasons"]] == []
    assert {(row["customer_id"], row["namespace"]) for row in answers} == {("user-97980", "login")}


def test_a_receipt_of_onetrust_is_an_answer_for_each_purpose_and_only_a_confirmation_grants(feed: Feed) -> None:
    ids = [f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2, 3)]
    receipt = {
        "identifier": "a@x.example", "identifierType": "Email", "language": "en-GB",
        "interactionDate": "2019-05-14T01:34:33Z", "dsDataElements": {"FirstName": "A"},
        "purposes": [
            {"Id": ids[0], "TransactionType": "CONFIRMED"}, {"Id": ids[1], "TransactionType": "WITHDRAWN"},
            {"Id": ids[2], "TransactionType": "PENDING"}, {"Id": "new", "TransactionType": "NEVER_HEARD_OF"},
        ],
    }  # fmt: skip

    answers = {row["purpose"]: row for row in feed("onetrust_receipts", receipt, {**receipt, "purposes": []})}

    assert {name: row["status"] for name, row in answers.items() if not row["warnings"] and not row["reasons"]} == {
        "email_marketing": "granted",
        "personalisation": "withdrawn",
    }
    assert (answers["new"]["status"], answers["new"]["reasons"]) == ("never_heard_of", [])
    assert answers["new"]["warnings"] == ["status: not one of granted, denied, withdrawn; it allows nothing"]
    assert "purpose: missing" in answers[None]["reasons"]


def test_global_privacy_control_is_a_refusal_by_signal_and_its_absence_says_nothing(feed: Feed) -> None:
    seen = {"signal_id": "s1", "client_id": "c1", "site": "shop.example", "seen_at": "2024-05-01T10:00:00Z"}

    answers = feed("gpc_signals", {**seen, "gpc": "1"}, {**seen, "signal_id": "s2", "gpc": "0"}, {**seen, "signal_id": "s3"})

    assert [(row["purpose"], row["status"], row["customer_id"]) for row in answers] == [
        ("global_privacy_control", "withdrawn", "c1"),
    ]
    assert {row["legal_basis"] for row in answers} == {"Global Privacy Control"}


def test_a_new_ticket_of_zendesk_is_a_support_ticket_of_its_requester(feed: Feed) -> None:
    detail = {
        "id": "35436", "requester_id": "20978392", "subject": "Fire", "description": "It is very colourful.",
        "created_at": "2024-05-20T22:55:29Z", "via": {"channel": "email"}, "status": "OPEN",
    }  # fmt: skip
    event = {"type": "zen:event-type:ticket.created", "time": "2024-05-20T22:55:30Z", "detail": detail, "event": {}}

    (ticket,) = feed("zendesk_tickets", event, {**event, "type": "zen:event-type:ticket.status_changed"})

    assert (ticket["record_id"], ticket["customer_id"], ticket["namespace"]) == ("35436", "20978392", "zendesk_user")
    assert (ticket["channel"], ticket["text"]) == ("email", "Fire\nIt is very colourful.")
    assert ticket["reasons"] == []


def test_an_end_user_of_zendesk_is_a_customer_by_the_requester_id_of_tickets_and_an_agent_is_none(feed: Feed) -> None:
    detail = {"id": "20978392", "email": "ann@x.example", "external_id": "crm-7", "role": "end-user"}
    created = {"type": "zen:event-type:user.created", "id": "e1", "time": "2024-05-20T22:55:30Z", "detail": detail}
    renamed = {**created, "type": "zen:event-type:user.name_changed", "id": "e2", "event": {"current": "Ann Lee Doe"}}
    agent = {**created, "id": "e3", "detail": {**detail, "role": "agent"}}

    rows = {row["record_id"]: row for row in feed("zendesk_users", {**created, "event": {}}, renamed, agent)}

    assert set(rows) == {"e1", "e2"}
    assert {(row["namespace"], row["customer_id"], row["email"]) for row in rows.values()} == {
        ("zendesk_user", "20978392", "ann@x.example")
    }
    assert (rows["e1"]["first_name"], rows["e2"]["first_name"], rows["e2"]["last_name"]) == (None, "Ann", "Doe")
    assert all(row["reasons"] == [] for row in rows.values())
