"""Deliveries in each destination's words; every connector takes what is planned for it."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from personalake.activation.delivery import Delivery
from personalake.activation.syncs.shapes import Shape, shape_of
from personalake.activation.syncs.values import mapped
from personalake.activation.syncs.wanted import Asked, wanted
from personalake.common.hashing import key_blocks
from personalake.config.audience_kinds import ability
from personalake.config.audiences import Mapped, Sync
from personalake.config.decisions import Holdout
from tests.activation.connectors.settings import connection_of, connector_of

DAY = date(2026, 11, 25)
TEXTS = {"subject": "'Hello'", "text": "'Read this'", "unsubscribe_url": "'https://shop.example/out'"}
TIER: Mapping[str, Any] = {"fields": {"tier": "favourite_category"}}
FLAG: Mapping[str, Any] = {**TIER, "membership": "is_member"}
# One sync of each kind, with the payload of one person who came and of one who left.
CASES: Mapping[str, tuple[str, Mapping[str, Any], str, Any, Any]] = {
    "identify": (
        "segment", {**FLAG, "mode": "mirror"}, "identify",
        {"type": "identify", "messageId": "m1", "userId": "k1", "traits": {"tier": "tea", "is_member": True},
         "timestamp": "2026-11-25T00:00:00.000Z"},
        {"type": "identify", "messageId": "m1", "userId": "k1", "traits": {"tier": None, "is_member": False},
         "timestamp": "2026-11-25T00:00:00.000Z"},
    ),
    "track": (
        "segment", {**TIER, "mode": "insert", "event": "Came"}, "track",
        {"type": "track", "messageId": "m1", "userId": "k1", "event": "Came", "properties": {"tier": "tea"},
         "timestamp": "2026-11-25T00:00:00.000Z"},
        None,
    ),
    "group": (
        "segment", {**TIER, "group": "tier"}, "group",
        {"type": "group", "messageId": "m1", "userId": "k1", "groupId": "tea", "traits": {"tier": "tea"},
         "timestamp": "2026-11-25T00:00:00.000Z"},
        None,
    ),
    "attributes": (
        "braze_track", {**FLAG, "mode": "archive"}, "attributes",
        {"external_id": "k1", "tier": "tea", "is_member": True},
        {"external_id": "k1", "_update_existing_only": True, "is_member": False},
    ),
    "purchase": (
        "braze_track",
        {"fields": {"product_id": "favourite_category", "currency": "'EUR'", "price": "2.5D", "quantity": "orders",
                    "shelf": "'left'"}, "mode": "insert", "purchase": True},
        "purchase",
        {"external_id": "k1", "product_id": "tea", "currency": "EUR", "price": 2.5, "quantity": 3,
         "properties": {"shelf": "left"}, "time": "2026-11-25T00:00:00.000Z"}, None,
    ),
    "update": (
        "braze_track", {**TIER, "mode": "update"}, "attributes",
        {"external_id": "k1", "_update_existing_only": True, "tier": "tea"}, None,
    ),
    "event": (
        "braze_track", {**TIER, "mode": "insert", "event": "came"}, "event",
        {"external_id": "k1", "name": "came", "time": "2026-11-25T00:00:00.000Z", "properties": {"tier": "tea"}}, None,
    ),
    "subscription": (
        "braze_subscription", {"mode": "mirror", "subscription_group_id": "g"}, "set",
        {"subscription_group_id": "g", "subscription_state": "subscribed", "external_id": "k1"},
        {"subscription_group_id": "g", "subscription_state": "unsubscribed", "external_id": "k1"},
    ),
    "campaign": (
        "braze_send", {**TIER, "mode": "insert", "campaign_id": "c"}, "send",
        {"campaign_id": "c", "recipients": [{"external_user_id": "k1", "trigger_properties": {"tier": "tea"}}]}, None,
    ),
    "campaign by address": (
        "braze_send", {**TIER, "mode": "insert", "campaign_id": "c", "key_field": "email"}, "send",
        {"campaign_id": "c", "recipients": [{
            "email": "k1", "prioritization": ["identified", "most_recently_updated"], "trigger_properties": {"tier": "tea"},
        }]}, None,
    ),
    "rows": ("sfmc_rows", {**FLAG, "mode": "archive"}, "row", {"id": "k1", "tier": "tea", "is_member": True},
             {"id": "k1", "is_member": False}),
    "rowset": ("sfmc_rowset", TIER, "row", {"keys": {"id": "k1"}, "values": {"tier": "tea"}}, None),
    "journey": (
        "sfmc_journey", {**TIER, "mode": "insert", "event": "J1"}, "entry",
        {"ContactKey": "k1", "EventDefinitionKey": "J1", "Data": {"tier": "tea"}}, None,
    ),
    "tealium": (
        "tealium", {**TIER, "event": "audience"}, "event",
        {"tealium_event": "audience", "tealium_visitor_id": "k1", "message_id": "m1",
         "event_timestamp": "2026-11-25T00:00:00.000Z", "tier": "tea"},
        None,
    ),
    "fcm": (
        "fcm",
        {"fields": {"title": "'Hi'", "body": "favourite_category", "orders": "orders", "at": "timestamp_seconds(0)"},
         "mode": "insert"},
        "message",
        {"token": "k1", "notification": {"title": "Hi", "body": "tea"},
         "data": {"orders": "3", "at": "1970-01-01T00:00:00.000Z"}}, None,
    ),
    "onesignal": (
        "onesignal", {"fields": {"contents": "favourite_category"}, "mode": "insert", "channel": "push"}, "message",
        {"include_aliases": {"external_id": ["k1"]}, "target_channel": "push", "contents": {"en": "tea"}}, None,
    ),
    "onesignal by its own id": (
        "onesignal",
        {"fields": {"contents": "favourite_category"}, "mode": "insert", "channel": "push", "key_field": "onesignal_id"},
        "message",
        {"include_aliases": {"onesignal_id": ["k1"]}, "target_channel": "push", "contents": {"en": "tea"}}, None,
    ),
    "onesignal mail": (
        "onesignal",
        {"fields": {"email_subject": "'Hi'", "email_body": "favourite_category", "orders": "orders"}, "mode": "insert",
         "channel": "email"},
        "message",
        {"include_aliases": {"external_id": ["k1"]}, "target_channel": "email", "email_subject": "Hi", "email_body": "tea",
         "custom_data": {"orders": 3}}, None,
    ),
    "webhook": (
        "webhook", {**TIER, "mode": "mirror"}, "message",
        {"type": "audience.entered", "timestamp": "2026-11-25T00:00:00.000Z",
         "data": {"audience": "s", "external_id": "k1", "tier": "tea"}},
        {"type": "audience.left", "timestamp": "2026-11-25T00:00:00.000Z", "data": {"audience": "s", "external_id": "k1"}},
    ),
    "email": (
        "email", {"fields": TEXTS, "mode": "insert", "key": "email"}, "mail",
        {"to": "k1", "subject": "Hello", "text": "Read this", "unsubscribe_url": "https://shop.example/out"}, None,
    ),
    "files": (
        "csv_drop", {**FLAG, "mode": "mirror"}, "row", {"external_id": "k1", "tier": "tea", "is_member": True},
        {"external_id": "k1", "is_member": False},
    ),
}  # fmt: skip


def sync_of(**more: Any) -> Sync:
    return Sync.model_validate({
        "audience": {"where": "orders > 0"}, "destination": "crm", "purposes": ["personalisation"], **more,
    })  # fmt: skip


def shape(name: str, **more: Any) -> Shape:
    kind, options, *_ = CASES[name]
    files = {"folder": "/f", "columns": ["external_id", "tier", "is_member"]} if kind == "csv_drop" else {}
    return shape_of("s", sync_of(**{**options, **more}), connection_of(kind, **files), DAY)


@pytest.fixture(scope="module")
def payloads(spark: SparkSession) -> Row:
    """The payloads of all kinds, of one person, in one question to Spark."""
    person = spark.createDataFrame(
        [("k1", "m1", "added", "tea", 3)],
        "key string, message_id string, change string, favourite_category string, orders int",
    )
    columns = []
    for name, (_, options, *_) in CASES.items():
        made = shape(name)
        values = {field: mapped(one) for field, one in sync_of(**options).fields.items()}
        # The body is a column of its own in a plan; here each kind has one.
        person = person.withColumn("body", made.body(values))
        person = person.withColumn(name, made.payload)
        columns += [name, f"{name}_left"]
        person = person.withColumn(f"{name}_left", F.lit(None) if made.removal is None else made.removal)
    row = person.select(*columns).first()
    assert row is not None
    return row


@pytest.mark.parametrize("name", CASES)
def test_a_delivery_is_in_the_words_of_its_destination_and_its_connector_takes_it(name: str, payloads: Row) -> None:
    kind, _, operation, came, left = CASES[name]

    assert shape(name).operation == operation
    assert json.loads(payloads[name]) == came
    if left is not None:
        assert json.loads(payloads[f"{name}_left"]) == left
    connector = connector_of(kind)
    for text in (payloads[name], payloads[f"{name}_left"] if left else None):
        if text is not None:
            text = text.replace('"to":"k1"', '"to":"k1@shop.example"')
            assert connector.problem_of(Delivery("d", "p", operation, text)) is None


def test_a_null_is_left_out_unless_it_is_to_erase_and_a_row_that_cannot_leave_it_out_is_refused(spark: SparkSession) -> None:
    columns = "person_id string, customer_id string, favourite_category string"
    people = spark.createDataFrame([("p1", "k1", None), ("p2", "k2", "tea")], columns)
    granted = people.selectExpr("person_id", "array('personalisation') AS purposes")

    def bodies(kind: str, **more: Any) -> list[tuple[str, str | None]]:
        connection = connection_of(kind, **({"folder": "/f"} if kind == "csv_drop" else {}))
        sync = sync_of(**TIER, holdout=False, **more)
        asked = Asked(sync, shape_of("s", sync, connection, DAY), ability(connection, None), Holdout(), 1_000, {})
        rows = wanted(people, granted, asked).orderBy("person_id").collect()
        return [(row["body"], row["refusal"]) for row in rows]

    assert bodies("segment") == [("{}", None), ('{"tier":"tea"}', None)]
    assert bodies("segment", nulls="erase") == [('{"tier":null}', None), ('{"tier":"tea"}', None)]
    assert [refusal for _, refusal in bodies("csv_drop")] == ["a null in a row that cannot leave a value out", None]
    assert [refusal for _, refusal in bodies("csv_drop", nulls="erase")] == [None, None]


def test_people_are_refused_with_a_reason_and_one_key_is_one_person(spark: SparkSession) -> None:
    columns = "person_id string, customer_id string, favourite_category string"
    people = spark.createDataFrame(
        [("p1", "k1", "tea"), ("p2", "k1", "tea"), ("p3", "", "tea"), ("p4", "k4", "tea"), ("p5", "k5", "x" * 99)], columns
    )
    granted = people.where("person_id <> 'p4'").selectExpr("person_id", "array('personalisation') AS purposes")
    sync, connection = sync_of(**TIER), connection_of("segment")
    asked = Asked(sync, shape_of("s", sync, connection, DAY), ability(connection, None), Holdout(share=0), 80, {})

    rows = wanted(people, granted, asked).orderBy("person_id").collect()

    assert [row["refusal"] for row in rows] == [
        None, "another person has the same key", "no identifier", "no consent at this moment", "oversize",
    ]  # fmt: skip
    assert rows[0]["purpose"] == "personalisation"
    everyone = Asked(sync, asked.shape, asked.ability, Holdout(share=1), 80, {})
    assert {row["refusal"] for row in wanted(people.where("person_id = 'p1'"), granted, everyone).collect()} == {"holdout"}


def test_identifiers_are_put_into_their_usual_form_before_they_are_hashed(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(" Ann@Shop.Example ", "49 170-123", "")], "email string, phone string, login string")

    inner, outer = key_blocks("key")

    row = rows.select(
        mapped(Mapped(source="email", hashing="sha256_email")),
        mapped(Mapped(source="phone", hashing="sha256_phone")),
        mapped(Mapped(source="login", hashing="sha256")),
        mapped(Mapped(source="trim(email)", hashing="hmac", secret="secret://a/b"), (F.lit(inner), F.lit(outer))),
    ).first()

    assert row is not None
    # printf %s ann@shop.example | sha256sum; printf %s +49170123 | sha256sum; openssl dgst -sha256 -hmac key
    assert list(row) == [
        "6a0bf011a1fc1e9a8add1728704b8ddb5d9d2701ae295a65452d9f1f1cf91be5",
        "140666e100f5b229e397acea30edf2b32572677ba2a67df2a2d4d29688adbb97",
        None,
        "1b965a812737c1e21fbcebb78bb5869dd62867c60823ffbd73993d01a6725274",
    ]
