"""Bodies in every form that the vendors' documentation shows, and each of them without what it must have."""

from typing import Any

import jsonschema
import pytest

from tests.fakes import schemas

WHO = {"userId": "u-1"}
ALIAS = {"alias_name": "device-1", "alias_label": "device"}
NOW = "2017-12-01T00:00:00Z"
FORMS: list[tuple[str, str, Any]] = [
    (
        "segment",
        "identify",
        {**WHO, "traits": {"email": "ann@shop.example"}, "context": {"ip": "192.0.2.1"}, "timestamp": NOW},
    ),
    (
        "segment",
        "track",
        {"anonymousId": "a-1", "event": "Order Completed", "properties": {"revenue": 14.99}, "messageId": "m-1"},
    ),
    (
        "segment",
        "track",
        {**WHO, "event": "Song Played", "timestamp": "2015-2-02T00:30:12.984Z", "integrations": {"All": False}},
    ),
    (
        "segment",
        "track",
        {
            **WHO,
            "event": "Order Completed",
            "properties": {"order_id": "o", "total": 27.5, "products": [{"product_id": "p", "sku": "s", "price": 19}]},
            "context": {
                "active": True,
                "location": {"latitude": 40.29},
                "timezone": "Europe/Amsterdam",
                "groupId": "g-1",
                "consent": {"categoryPreferences": {"Advertising": True, "Analytics": False}},
            },
        },
    ),
    ("segment", "identify", {**WHO, "traits": {"address": {"postalCode": "94103"}, "company": {"id": 1, "plan": "a"}}}),
    ("segment", "track", {**WHO, "event": "Promotion Viewed", "properties": {"position": "home_banner_top"}}),
    ("segment", "track", {**WHO, "event": "Product Reviewed", "properties": {"product_id": "p", "rating": "5"}}),
    ("segment", "track", {**WHO, "event": "Checkout Step Viewed", "properties": {"step": 2, "payment_method": "Visa"}}),
    ("segment", "group", {**WHO, "groupId": "g-1", "traits": {"employees": 420}}),
    ("segment", "page", {**WHO, "name": "Offers", "timestamp": "2012-12-02T00:31:29.738Z"}),
    ("segment", "alias", {**WHO, "previousId": "a-1"}),
    ("segment", "batch", {"batch": [], "context": {"device": {"type": "phone"}}, "writeKey": "k", "sentAt": NOW}),
    ("segment", "regulation", {"regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": ["u-1"]}),
    ("braze", "track", {"attributes": [{}], "events": [{}], "purchases": [{}]}),
    (
        "braze",
        "attributes",
        {"external_id": "p", "first_name": "Ann", "dob": "1988-02-14", "tags": {"add": ["a"], "remove": ["b"]}},
    ),
    ("braze", "attributes", {"user_alias": ALIAS, "visits": {"inc": 1}, "_update_existing_only": False, "city": None}),
    ("braze", "attributes", {"email": "ann@shop.example", "numbers": [1, 2], "nested": {"tier": {"name": "gold"}}}),
    (
        "braze",
        "attributes",
        {
            "external_id": "p",
            "email_subscribe": "opted_in",
            "push_tokens": [{"app_id": "app", "token": "abcd", "device_id": "device-123"}],
            "subscription_groups": [{"subscription_group_id": "g", "subscription_state": "subscribed"}],
            "current_location": {"longitude": -73.99, "latitude": 40.75},
        },
    ),
    ("braze", "event", {"external_id": "p", "app_id": "app", "name": "rented", "time": "2022-12-06T19:20:45+01:00"}),
    (
        "braze",
        "event",
        {"user_alias": ALIAS, "name": "x", "time": "2013-07-16T19:20:50:123+0100", "properties": {"a": [{"b": 1}]}},
    ),
    (
        "braze",
        "event",
        {
            "external_id": "p",
            "name": "ecommerce.order_placed",
            "time": NOW,
            "properties": {
                "order_id": "o",
                "total_value": 189.98,
                "currency": "USD",
                "discounts": [{"code": "SAVE10", "amount": 10.0}],
                "products": [{"product_id": "6", "product_name": "Ears", "variant_id": "8", "quantity": 1, "price": 199.98}],
                "source": "https://audio.example",
                "metadata": {"tags": ["audio"]},
            },
        },
    ),
    (
        "braze",
        "event",
        {
            "external_id": "p",
            "name": "ecommerce.product_viewed",
            "time": NOW,
            "properties": {
                "product_id": "4",
                "product_name": "Shoe",
                "variant_id": "41",
                "price": 85,
                "currency": "GBP",
                "source": "web",
            },
        },
    ),
    (
        "braze",
        "attributes",
        {
            "external_id": "p",
            "facebook": {"id": "1", "likes": ["a"]},
            "twitter": {"id": 1},
            "date_of_first_session": "05/17/1980",
        },
    ),
    ("braze", "attributes", {"push_token_import": True, "push_tokens": [{"app_id": "a", "token": "t"}]}),
    ("braze", "trigger", {"campaign_id": "c", "recipients": [{"braze_id": "b", "trigger_properties": {"a": [1]}}]}),
    (
        "braze",
        "purchase",
        {"email": "a@x.io", "product_id": "mug", "currency": "EUR", "price": 12.12, "quantity": 6, "time": NOW},
    ),
    (
        "braze",
        "trigger",
        {"campaign_id": "c", "send_id": "s", "recipients": [{"external_user_id": "p"}], "broadcast": False},
    ),
    ("braze", "trigger", {"campaign_id": "c", "broadcast": True, "trigger_properties": {"a": 1}}),
    (
        "braze",
        "trigger",
        {
            "campaign_id": "c",
            "recipients": [
                {"email": "a@x.io", "prioritization": ["identified", "most_recently_updated"]},
                {"user_alias": ALIAS, "trigger_properties": {"a": 1}, "send_to_existing_only": True},
            ],
            "attachments": [{"file_name": "offer", "url": "https://shop.example/offer.pdf"}],
        },
    ),
    (
        "braze",
        "subscription",
        {
            "subscription_groups": [
                {"subscription_group_id": "g", "subscription_state": "subscribed", "phones": ["+4915112345678"]}
            ]
        },
    ),
    ("braze", "delete", {"external_ids": ["p-1", "p-2"]}),
    ("braze", "delete", {"user_aliases": [ALIAS]}),
    ("tealium", "event", {"tealium_account": "a", "tealium_profile": "main", "tealium_event": "view", "page_type": "123"}),
    (
        "tealium",
        "bulk",
        {
            "shared": {
                "tealium_account": "a",
                "tealium_profile": "main",
                "tealium_environment": "prod",
                "tealium_visitor_id": "v",
            },
            "events": [{"tealium_event": "view", "page_name": "one"}, {"tealium_event": "view", "page_name": "two"}],
        },
    ),
    (
        "salesforce",
        "token",
        {"grant_type": "client_credentials", "client_id": "i", "client_secret": "s", "account_id": "12345"},
    ),
    ("salesforce", "async", {"items": [{"FirstName": "Bobby", "ZipCode": "23456"}, {"FirstName": "Sam", "Age": 4}]}),
    ("salesforce", "rowset", [{"keys": {"SubscriberKey": "p"}, "values": {"Tier": "gold"}}]),
    ("salesforce", "event", {"ContactKey": "p", "EventDefinitionKey": "AccountAccessed", "Data": {"accountNumber": "1"}}),
    ("salesforce", "event", {"ContactKey": "p", "EventDefinitionKey": "AccountAccessed", "EstablishContactKey": True}),
    ("salesforce", "delete", {"values": ["p-1", "p-2"], "DeleteOperationType": "ContactAndAttributes"}),
    ("fcm", "send", {"validate_only": True, "message": {"token": "t", "notification": {"title": "a", "body": "b"}}}),
    (
        "fcm",
        "message",
        {
            "topic": "news",
            "data": {"score": "5"},
            "android": {
                "ttl": "86400s",
                "collapse_key": "d-1",
                "priority": "high",
                "notification": {"click_action": "OPEN"},
            },
            "apns": {"headers": {"apns-priority": "5", "apns-collapse-id": "d-1"}, "payload": {"aps": {"category": "NEW"}}},
            "webpush": {"headers": {"TTL": "86400"}, "fcm_options": {"link": "https://shop.example"}},
            "fcm_options": {"analytics_label": "spring"},
        },
    ),
    (
        "fcm",
        "message",
        {
            "token": "t",
            "android": {
                "notification": {
                    "channel_id": "c",
                    "event_time": "2014-10-02T15:01:23.045123456Z",
                    "notification_priority": "PRIORITY_MAX",
                    "vibrate_timings": ["3.5s"],
                    "light_settings": {"color": {"red": 1.0}, "light_on_duration": "3.5s", "light_off_duration": "3.5s"},
                }
            },
            "apns": {"headers": {"apns-expiration": "1604750400"}, "fcm_options": {"image": "https://x"}},
            "webpush": {"headers": {"TTL": "86400", "Urgency": "high"}},
        },
    ),
    ("fcm", "message", {"condition": "'dogs' in topics || 'cats' in topics"}),
    (
        "onesignal",
        "message",
        {
            "app_id": "a",
            "target_channel": "push",
            "include_aliases": {"external_id": ["p-1"]},
            "contents": {"en": "Hello", "de": "Hallo"},
            "headings": {"en": "Hi"},
            "data": {"offer": "A"},
            "idempotency_key": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        },
    ),
    ("onesignal", "user", {"properties": {"tags": {"tier": "gold", "old": ""}, "language": "en", "country": "US"}}),
    ("onesignal", "message", {"app_id": "a", "include_subscription_ids": ["s-1"], "template_id": "t"}),
    (
        "onesignal",
        "message",
        {
            "app_id": "a",
            "include_subscription_ids": ["s-1"],
            "contents": {"en": "Hi", "zh-Hans": "Hi"},
            "name": "spring",
            "buttons": [{"id": "id1", "text": "Like", "icon": "ic_like"}],
            "web_buttons": [{"id": "id1", "text": "Like", "url": "https://shop.example"}],
            "ios_attachments": {"id": "https://shop.example/a.jpg"},
            "ios_badgeType": "Increase",
            "ios_badgeCount": 1,
            "ios_interruption_level": "time_sensitive",
            "ios_relevance_score": 0.5,
            "huawei_badge_add_num": 1,
            "isIos": True,
            "android_visibility": -1,
            "android_group_message": {"en": "You have $[notif_count] new messages"},
            "android_background_layout": {"image": "https://shop.example/a.jpg"},
            "priority": 10,
            "ttl": 259200,
            "send_after": "2025-09-24T14:00:00-07:00",
            "delayed_option": "timezone",
            "delivery_time_of_day": "9:00AM",
        },
    ),
    (
        "onesignal",
        "message",
        {
            "app_id": "a",
            "include_phone_numbers": ["+15551112222"],
            "contents": {"en": "Hi"},
            "sms_media_urls": ["https://x"],
        },
    ),
    ("onesignal", "message", {"app_id": "a", "email_to": ["a@x.io"], "email_subject": "Hi", "email_body": "<p>Hi</p>"}),
    (
        "webhook",
        "ticket",
        {
            "ticket": {
                "subject": "My printer is on fire!",
                "comment": {"body": "The smoke is very colourful."},
                "requester": {"name": "Ann", "email": "ann@shop.example", "locale_id": 8},
                "priority": "urgent",
                "tags": ["printer"],
                "custom_fields": [{"id": 25356371, "value": "I bought it at Buy More."}],
            }
        },
    ),
]


@pytest.mark.parametrize(("vendor", "name", "body"), FORMS)
def test_a_documented_body_is_taken(vendor: str, name: str, body: Any) -> None:
    assert schemas.problem(vendor, name, body) is None
    assert jsonschema.Draft7Validator(schemas.alone(vendor, name)).is_valid(body)


def broken() -> list[tuple[str, str, Any]]:
    """Each body without each of the keys that its schema requires, and with a number in place of each of its texts."""
    found: list[tuple[str, str, Any]] = []
    for vendor, name, body in FORMS:
        schema = schemas.document(vendor)["definitions"][name]
        if isinstance(body, dict):
            lacking = [(key, {k: v for k, v in body.items() if k != key}) for key in schema.get("required", ())]
            typed = [
                (key, {**body, key: 17})
                for key, declared in schema.get("properties", {}).items()
                if key in body and declared.get("type") in ("string", "object", "array")
            ]
            found.extend((vendor, name, changed) for _, changed in (*lacking, *typed))
    return found


@pytest.mark.parametrize(("vendor", "name", "body"), broken())
def test_the_same_body_without_what_it_must_have_or_with_another_type_is_refused(vendor: str, name: str, body: Any) -> None:
    assert schemas.problem(vendor, name, body) is not None
    assert not jsonschema.Draft7Validator(schemas.alone(vendor, name)).is_valid(body)


@pytest.mark.parametrize("lacking", ["order_id", "total_value", "currency", "products", "source"])
def test_an_order_at_braze_without_what_it_must_have_is_refused(lacking: str) -> None:
    order = next(body for _, name, body in FORMS if name == "event" and body.get("name") == "ecommerce.order_placed")
    properties = {name: value for name, value in order["properties"].items() if name != lacking}

    assert schemas.problem("braze", "event", {**order, "properties": properties}) is not None
    assert schemas.problem("braze", "event", {**order, "name": "bought", "properties": properties}) is None


@pytest.mark.parametrize(("action", "is_taken"), [("add", True), ("remove", True), ("replace", False), (None, False)])
def test_what_changes_a_part_of_a_cart_need_not_say_what_all_of_it_is_worth(action: str | None, is_taken: bool) -> None:
    order = next(body for _, name, body in FORMS if name == "event" and body.get("name") == "ecommerce.order_placed")
    cart = {name: order["properties"][name] for name in ("currency", "products", "source")} | {"cart_id": "c"}
    update = {**order, "name": "ecommerce.cart_updated", "properties": {**cart, **({"action": action} if action else {})}}

    assert (schemas.problem("braze", "event", update) is None) == is_taken


def test_every_schema_of_a_request_has_a_documented_form() -> None:
    requests = {(vendor, name) for vendor, name, _ in FORMS}
    parts = {"id", "time", "common", "screen", "alias", "state", "person", "properties", "recipient", "strings"}
    parts |= {"name", "shared", "cell", "row", "key", "data", "notification", "languages", "ids", "uuid"}
    parts |= {"traits", "text", "moment", "number", "context", "integrations", "address", "of_group", "properties", "order"}
    parts |= {"product", "shopping", "cancelled", "checkout", "cart", "viewed"}
    parts |= {"comment", "options", "seconds", "texts", "on_android", "to_apple", "to_browsers", "step", "promotion"}

    assert {(vendor, name) for vendor, name in schemas.names() if name not in parts} <= requests
