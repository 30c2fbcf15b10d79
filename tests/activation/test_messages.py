"""Payloads to the letter of each vendor's documents."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from personalake.activation.messages import braze, segment, tealium
from personalake.activation.messages.message import Message, Person

AT = datetime(2026, 3, 29, 1, 30, 15, 123_456, tzinfo=timezone(timedelta(hours=2)))
TIME = "2026-03-28T23:30:15.123Z"
ANN = Person(user_id="u1", anonymous_id="a1", email="ann@home.example", phone="+491701234567")
PRODUCTS = [
    {"product_id": "p1", "sku": "s1", "price": Decimal("9.90"), "quantity": 2, "name": "Tea"},
    {"sku": "s2", "price": 5, "currency": "usd"},
]


def track(name: str = "Song Played", person: Person = ANN, **properties: Any) -> Message:
    return Message("m1", "track", person, AT, name=name, properties=properties)


def identify(person: Person = ANN, **traits: Any) -> Message:
    return Message("m1", "identify", person, AT, traits=traits)


def payloads(items: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(item.operation, dict(item.payload)) for item in items]


def test_segment_identifies_with_both_ids_and_without_nulls() -> None:
    (item,) = segment.items(identify(email="ann@home.example", born=date(1980, 5, 17), spend=Decimal("2.50"), city=None))

    assert item.payload == {
        "type": "identify",
        "messageId": "m1",
        "userId": "u1",
        "anonymousId": "a1",
        "traits": {"email": "ann@home.example", "born": "1980-05-17", "spend": 2.5},
        "timestamp": TIME,
    }


def test_segment_tracks_and_groups() -> None:
    tracked = segment.items(track(n=1))[0].payload
    grouped = segment.items(Message("m2", "group", ANN, AT, group_id="g1", traits={"plan": "pro"}))[0].payload

    assert (tracked["event"], tracked["properties"], tracked["timestamp"]) == ("Song Played", {"n": 1}, TIME)
    assert (grouped["type"], grouped["groupId"], grouped["traits"]) == ("group", "g1", {"plan": "pro"})


def test_a_null_that_is_meant_to_erase_is_sent() -> None:
    message = Message("m1", "identify", ANN, AT, traits={"city": None}, erases_nulls=True)

    assert segment.items(message)[0].payload["traits"] == {"city": None}
    assert payloads(braze.items(message)) == [("attributes", {"external_id": "u1", "city": None})]


def test_braze_attributes_have_brazes_own_names() -> None:
    found = payloads(
        braze.items(
            identify(
                firstName="Ann",
                lastName="Lee",
                email="ann@home.example",
                phone="+491701234567",
                gender="Female",
                birthday="1980-05-17T00:00:00.000Z",
                avatar="https://p.example/a.png",
                address={"city": "Ulm", "country": "DE", "postalCode": "89073"},
                language="de",
                time_zone="Europe/Berlin",
                email_subscribe="opted_in",
                tier="gold",
            )
        )
    )

    assert found == [
        (
            "attributes",
            {
                "external_id": "u1",
                "first_name": "Ann",
                "last_name": "Lee",
                "email": "ann@home.example",
                "phone": "+491701234567",
                "gender": "F",
                "dob": "1980-05-17",
                "image_url": "https://p.example/a.png",
                "home_city": "Ulm",
                "country": "DE",
                "language": "de",
                "time_zone": "Europe/Berlin",
                "email_subscribe": "opted_in",
                "tier": "gold",
            },
        )
    ]


@pytest.mark.parametrize(
    ("person", "who"),
    [
        (ANN, {"external_id": "u1"}),
        (Person(anonymous_id="a1", email="x"), {"user_alias": {"alias_label": "anonymous_id", "alias_name": "a1"}}),
        (Person(alias=("crm", "7"), braze_id="b"), {"user_alias": {"alias_label": "crm", "alias_name": "7"}}),
        (Person(braze_id="b1", email="e"), {"braze_id": "b1"}),
        (Person(email="e@x.y", phone="+1"), {"email": "e@x.y"}),
        (Person(phone="+1"), {"phone": "+1"}),
    ],
)
def test_braze_knows_people_by_the_first_identifier_that_is_there(person: Person, who: dict[str, Any]) -> None:
    ((operation, payload),) = payloads(braze.items(track(person=person)))

    payload.pop("_update_existing_only", None)
    assert operation == "event"
    assert payload == {**who, "name": "Song Played", "time": TIME}


def test_braze_events_leave_out_reserved_properties() -> None:
    ((_, event),) = payloads(braze.items(track(time="now", event_name="x", n=1), app_id="app"))

    assert event == {"external_id": "u1", "app_id": "app", "name": "Song Played", "time": TIME, "properties": {"n": 1}}


def test_a_braze_order_is_one_purchase_for_each_product() -> None:
    found = payloads(braze.items(track("Order Completed", products=PRODUCTS, currency="eur", order_id="o1", total=24.8)))

    assert found == [
        (
            "purchase",
            {
                "external_id": "u1",
                "product_id": "p1",
                "currency": "EUR",
                "price": 9.9,
                "quantity": 2,
                "time": TIME,
                "properties": {"order_id": "o1", "total": 24.8, "name": "Tea"},
            },
        ),
        (
            "purchase",
            {
                "external_id": "u1",
                "product_id": "s2",
                "currency": "EUR",
                "price": 5.0,
                "quantity": 1,
                "time": TIME,
                "properties": {"order_id": "o1", "total": 24.8},
            },
        ),
    ]


@pytest.mark.parametrize(
    "products", [[], [{"product_id": "p", "price": 1, "quantity": 101}], [{"price": 1}], [{"product_id": "p"}]]
)
def test_an_order_that_braze_would_not_take_is_refused_here(products: list[Any]) -> None:
    with pytest.raises(ValueError):
        braze.items(track("Order Completed", products=products, currency="EUR"))


def test_tealium_events_are_flat_and_know_their_visitor() -> None:
    (item,) = tealium.items(track(basket={"size": 2, "tags": ["a"]}))

    assert item.payload == {
        "tealium_event": "Song Played",
        "tealium_visitor_id": "u1",
        "message_id": "m1",
        "event_timestamp": TIME,
        "basket_size": 2,
        "basket_tags": ["a"],
    }


@pytest.mark.parametrize("build", [segment.items, braze.items, tealium.items])
def test_nobody_can_be_told_nothing(build: Any) -> None:
    with pytest.raises(ValueError):
        build(track(person=Person()))


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        segment.items(Message("m", "track", ANN, datetime(2026, 1, 1), name="x"))


def test_utc_is_written_with_a_z() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)

    assert segment.items(Message("m", "track", ANN, at, name="x"))[0].payload["timestamp"] == "2026-01-01T00:00:00.000Z"
