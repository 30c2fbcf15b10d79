"""What leaves, byte for byte: method, place, headers, body."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from pydantic import ValidationError

from personalake.activation.answers import Refused
from personalake.activation.connectors import connect
from personalake.activation.connectors.base import HttpConnector
from personalake.activation.connectors.webhook import signature
from personalake.activation.delivery import Delivery, Pack
from personalake.activation.transport import Request
from personalake.config.connections.signing import signing_key
from personalake.errors import ConfigError
from tests.activation.connectors.settings import connection_of, connector_of
from tests.activation.doubles import FakeClock

CAME = {"external_id": "u", "name": "came", "time": "2026-11-25T00:00:00Z"}
BOUGHT = {"external_id": "u", "product_id": "p", "currency": "EUR", "price": 9.9, "time": "2026-11-25T00:00:00+01:00"}

ENTRY = {"ContactKey": "c1", "EventDefinitionKey": "APIEvent-1", "Data": {"tier": "gold"}}

PRODUCT = {"product_id": "p", "product_name": "Tea", "variant_id": "p-1", "quantity": 1, "price": 9.9}
ORDER = {"order_id": "o", "total_value": 9.9, "currency": "EUR", "products": [PRODUCT], "source": "web"}


def placed(**changes: Any) -> dict[str, Any]:
    return {**CAME, "name": "ecommerce.order_placed", "properties": {**ORDER, **changes}}


def cart_of(action: str, **more: Any) -> dict[str, Any]:
    cart = {"cart_id": "c", "currency": "EUR", "products": [PRODUCT], "source": "web", "action": action}
    return {**CAME, "name": "ecommerce.cart_updated", "properties": {**cart, **more}}


def request_of(kind: str, *items: tuple[str, dict[str, Any]], **settings: Any) -> Request:
    connector = connector_of(kind, **settings)
    assert isinstance(connector, HttpConnector)
    ones = [Delivery(f"d{n}", f"p{n}", operation, json.dumps(payload)) for n, (operation, payload) in enumerate(items)]
    assert [connector.problem_of(one) for one in ones] == [None] * len(ones)
    size = sum(connector.size_of(one) for one in ones) + len(ones) - 1
    pack = Pack("20260101T000000Z-000001-abc", connector.group_of(ones[0]), tuple(ones), size)
    request = connector.request(pack)
    assert len(request.body) <= pack.size + connector.envelope(pack.group, ones[0]) or kind in (
        "webhook",
        "sfmc_journey",
        "fcm",
    )
    return request


TRACK = {"type": "track", "messageId": "m1", "userId": "u1", "event": "Order Completed"}


def test_segment_gets_a_batch_by_basic_auth_with_the_write_key_as_user() -> None:
    request = request_of("segment", ("track", TRACK), ("track", {**TRACK, "messageId": "m2"}))

    assert (request.method, request.url) == ("POST", "https://api.segment.io/v1/batch")
    assert request.headers["Authorization"] == f"Basic {base64.b64encode(b'value-of-key:').decode()}"
    assert json.loads(request.body) == {"batch": [TRACK, {**TRACK, "messageId": "m2"}]}


def test_segment_in_europe_has_a_host_of_its_own() -> None:
    assert request_of("segment", ("track", TRACK), region="eu").url == "https://events.eu1.segmentapis.com/v1/batch"


def test_segment_is_told_what_somebody_consented_to() -> None:
    told = {**TRACK, "context": {"consent": {"categoryPreferences": {"Advertising": True, "Analytics": False}}}}

    assert json.loads(request_of("segment", ("track", told)).body) == {"batch": [told]}


def test_tealium_gets_what_is_shared_once_and_each_event() -> None:
    events = [{"tealium_event": "purchase", "tealium_visitor_id": f"v{n}"} for n in range(2)]

    request = request_of("tealium", *(("event", event) for event in events))

    assert (request.method, request.url) == ("POST", "https://collect.tealiumiq.com/v3/collect/bulk-event")
    assert json.loads(request.body) == {
        "shared": {"tealium_account": "acme", "tealium_profile": "main", "tealium_datasource": "abc123"},
        "events": events,
    }


def test_tealium_by_region_uses_the_regional_endpoint() -> None:
    event = {"tealium_event": "purchase", "tealium_visitor_id": "v"}

    request = request_of("tealium", ("event", event), region="eu-central-1")

    assert request.url == "https://collect-eu-central-1.tealiumiq.com/v3/collect/regional/bulk-event"


def test_salesforce_rows_are_put_as_items_by_external_key() -> None:
    request = request_of("sfmc_rows", ("row", {"id": "1", "tier": "gold"}), ("row", {"id": "2", "tier": None}))

    host = "https://mc563885gzs27c5t9.rest.marketingcloudapis.com"
    assert (request.method, request.url) == ("PUT", f"{host}/data/v1/async/dataextensions/key:people/rows")
    assert json.loads(request.body) == {"items": [{"id": "1", "tier": "gold"}, {"id": "2", "tier": None}]}


def test_salesforce_inserts_are_posted() -> None:
    assert request_of("sfmc_rows", ("row", {"id": "1"}), mode="insert", unknown="hold").method == "POST"


def test_a_salesforce_rowset_is_a_bare_list_of_keys_and_values() -> None:
    row = {"keys": {"id": "1"}, "values": {"tier": "gold"}}

    request = request_of("sfmc_rowset", ("row", row))

    assert request.url.endswith("/hub/v1/dataevents/key:people/rowset")
    assert json.loads(request.body) == [row]


def test_an_external_key_may_have_blanks_and_signs_which_the_path_spells_out() -> None:
    named = {"data_extension": "All people (EU) #2"}

    rows = request_of("sfmc_rows", ("row", {"id": "1"}), **named)
    rowset = request_of("sfmc_rowset", ("row", {"keys": {"id": "1"}, "values": {"tier": "gold"}}), **named)

    assert rows.url.endswith("/dataextensions/key:All%20people%20%28EU%29%20%232/rows")
    assert rowset.url.endswith("/dataevents/key:All%20people%20%28EU%29%20%232/rowset")


def test_a_salesforce_journey_gets_one_event() -> None:
    request = request_of("sfmc_journey", ("journey", ENTRY))

    assert request.url.endswith(".rest.marketingcloudapis.com/interaction/v1/events")
    assert json.loads(request.body) == ENTRY
    assert request.headers["Content-Type"] == "application/json"


def test_a_salesforce_journey_is_told_that_letters_beyond_ascii_are_utf_8() -> None:
    connector = connector_of("sfmc_journey")
    assert isinstance(connector, HttpConnector)
    entry = Delivery("d", "p", "journey", json.dumps({**ENTRY, "Data": {"city": "Köln"}}, ensure_ascii=False))

    request = connector.request(Pack("a", "", (entry,), 1))

    assert request.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert json.loads(request.body)["Data"] == {"city": "Köln"}


def test_braze_gets_lists_by_kind_and_no_empty_ones() -> None:
    request = request_of(
        "braze_track",
        ("event", {"external_id": "u1", "name": "a", "time": "2026-01-01T00:00:00.000Z"}),
        ("attributes", {"external_id": "u1", "tier": "gold"}),
        ("event", {"external_id": "u2", "name": "b", "time": "2026-01-01T00:00:00.000Z"}),
    )

    assert (request.method, request.url) == ("POST", "https://rest.fra-01.braze.eu/users/track")
    assert request.headers["Authorization"] == "Bearer value-of-key"
    body = json.loads(request.body)
    assert sorted(body) == ["attributes", "events"]
    assert [event["name"] for event in body["events"]] == ["a", "b"]


def test_braze_recipients_of_one_campaign_share_a_request() -> None:
    shared = {"campaign_id": "c1", "trigger_properties": {"code": "X"}}
    payloads = [{**shared, "recipients": [{"external_user_id": f"u{n}", "trigger_properties": {"n": n}}]} for n in range(2)]

    request = request_of("braze_send", *(("send", payload) for payload in payloads))

    assert request.url == "https://rest.fra-01.braze.eu/campaigns/trigger/send"
    assert json.loads(request.body) == {**shared, "recipients": [payload["recipients"][0] for payload in payloads]}


def test_whom_a_campaign_is_narrowed_down_to_stays_said() -> None:
    only = {"audience": {"AND": [{"email_subscription_status": {"comparison": "is_not", "value": "unsubscribed"}}]}}
    to_one = {"campaign_id": "c1", **only, "broadcast": False, "recipients": [{"external_user_id": "u"}]}

    request = request_of("braze_send", ("send", to_one))

    assert json.loads(request.body) == {"campaign_id": "c1", **only, "recipients": [{"external_user_id": "u"}]}


def test_braze_is_asked_in_two_requests_for_two_messages_to_one_person() -> None:
    connector = connector_of("braze_send")

    def key(n: int, **who: Any) -> str:
        recipient = {**who, "trigger_properties": {"n": n}}
        payload = json.dumps({"campaign_id": "c", "recipients": [recipient]})
        return connector.key_of(Delivery(f"d{n}", f"p{n}", "send", payload))

    assert connector.declaration.limits.distinct
    assert key(1, external_user_id="u") == key(2, external_user_id="u")
    assert key(1, external_user_id="u") != key(2, external_user_id="v")
    assert key(1, external_user_id="u") != key(2, email="u", prioritization=["identified"])
    alias = {"alias_name": "u", "alias_label": "crm"}
    assert key(1, user_alias=alias) == key(2, user_alias=dict(reversed(alias.items())))


def test_braze_takes_orders_in_the_form_of_its_schema_and_recipients_by_its_own_id() -> None:
    recipient = {"braze_id": "b", "send_to_existing_only": False, "attributes": {"first_name": "Ann"}}
    devices = {"email": "a@b.c", "push_token_import": True, "push_tokens": [{"app_id": "a", "token": "t"}]}

    assert json.loads(request_of("braze_track", ("event", placed())).body) == {"events": [placed()]}
    assert json.loads(request_of("braze_track", ("attributes", devices)).body) == {"attributes": [devices]}
    sent = request_of("braze_send", ("send", {"campaign_id": "c", "recipients": [recipient]}))
    assert json.loads(sent.body)["recipients"] == [recipient]


def test_braze_takes_its_own_fields_of_a_profile() -> None:
    person = {
        "external_id": "u",
        "first_name": "Ann",
        "time_zone": "Europe/Berlin",
        "current_location": {"longitude": 9.99, "latitude": 48},
        "subscription_groups": [{"subscription_group_id": "g", "subscription_state": "subscribed"}],
        "push_tokens": [{"app_id": "a", "token": "t"}],
        "home_city": None,
    }

    assert json.loads(request_of("braze_track", ("attributes", person)).body) == {"attributes": [person]}


def test_braze_takes_objects_with_times_and_what_is_to_be_done_with_a_list() -> None:
    people: list[dict[str, Any]] = [
        {"external_id": "u", "dates": {"birthday": {"$time": "1980-01-01"}}, "old": None, "names": ["a"]},
        {"external_id": "u", "pets": {"$add": [{"id": 3, "name": "Doug"}]}},
        {"external_id": "u", "pets": {"$remove": [{"$identifier_key": "id", "$identifier_value": 1}]}},
        {"external_id": "u", "country": "United States"},
        {"phone": "+4917012345", "language": "zh-Hant", "image_url": "https://shop.example/" + "x" * 300},
    ]

    request = request_of("braze_track", *(("attributes", person) for person in people))

    assert json.loads(request.body) == {"attributes": people}


@pytest.mark.parametrize("since", ["2026-11-25", "11/25/2026", "2026-11-25 08:00:00", "2026-11-25T08:00:00+01:00"])
def test_braze_takes_moments_of_a_profile_in_the_forms_of_its_list(since: str) -> None:
    person = {"external_id": "u", "date_of_first_session": since, "dates": {"signed": {"$time": since}}}

    assert json.loads(request_of("braze_track", ("attributes", person)).body) == {"attributes": [person]}


def test_fcm_takes_what_is_for_each_platform() -> None:
    on_android = {
        "channel_id": "offers", "color": "#0a0B0c", "event_time": "2026-11-25T00:00:00.000Z", "sticky": True,
        "notification_priority": "PRIORITY_MAX", "visibility": "PUBLIC", "notification_count": 2, "body_loc_key": "hi",
        "body_loc_args": ["Ann"], "vibrate_timings": ["0.1s", "1s"], "light_settings": {"light_on_duration": "1s"},
    }  # fmt: skip
    message = {
        "token": "t", "notification": {"title": "Hi"}, "android": {"ttl": "0.5s", "notification": on_android},
        "apns": {"headers": {"apns-expiration": "1795564800", "apns-priority": "5"}, "payload": {"aps": {"badge": 1}}},
        "webpush": {"headers": {"TTL": "60", "Urgency": "low"}, "notification": {"requireInteraction": True}},
    }  # fmt: skip

    assert json.loads(request_of("fcm", ("message", message)).body) == {"message": message}


def test_braze_is_told_what_went_into_a_cart_without_what_all_of_it_is_worth() -> None:
    updates = [cart_of("add"), cart_of("remove"), cart_of("replace", total_value=9.9, shipping=3)]

    request = request_of("braze_track", *(("event", update) for update in updates))

    assert json.loads(request.body) == {"events": updates}


def test_braze_takes_more_of_the_lists_of_an_event_than_of_a_purchase() -> None:
    event = {**CAME, "properties": {"ids": ["x" * 250] * 300}}

    assert json.loads(request_of("braze_track", ("event", event)).body) == {"events": [event]}


def test_braze_subscriptions_are_one_entry_for_each_group_and_state() -> None:
    def state(person: str, group: str, value: str) -> tuple[str, dict[str, str]]:
        return "subscription", {"subscription_group_id": group, "subscription_state": value, "external_id": person}

    request = request_of(
        "braze_subscription",
        state("u1", "g1", "subscribed"),
        state("u2", "g1", "subscribed"),
        state("u1", "g2", "unsubscribed"),
    )

    assert request.url == "https://rest.fra-01.braze.eu/v2/subscription/status/set"
    assert json.loads(request.body) == {
        "subscription_groups": [
            {"subscription_group_id": "g1", "subscription_state": "subscribed", "external_ids": ["u1", "u2"]},
            {"subscription_group_id": "g2", "subscription_state": "unsubscribed", "external_ids": ["u1"]},
        ]
    }


def test_fcm_gets_one_message() -> None:
    message = {"token": "t1", "notification": {"title": "Hi", "body": "You"}, "data": {"n": "1"}}

    request = request_of("fcm", ("message", message))

    assert request.url == "https://fcm.googleapis.com/v1/projects/acme-app/messages:send"
    assert json.loads(request.body) == {"message": message}
    assert json.loads(request_of("fcm", ("message", message), validate_only=True).body)["validate_only"] is True


def test_onesignal_people_with_one_content_share_a_request_with_a_key_of_its_own() -> None:
    def to(person: str) -> tuple[str, dict[str, Any]]:
        content = {"target_channel": "push", "contents": {"en": "Hi"}}
        return "notification", {**content, "include_aliases": {"external_id": [person]}}

    request = request_of("onesignal", to("u1"), to("ü2"))

    body = json.loads(request.body)
    key = body.pop("idempotency_key")
    assert (request.url, request.headers["Authorization"]) == ("https://api.onesignal.com/notifications", "Key value-of-key")
    assert body == {
        "app_id": "app-1",
        "target_channel": "push",
        "contents": {"en": "Hi"},
        "include_aliases": {"external_id": ["u1", "ü2"]},
    }
    assert json.loads(request_of("onesignal", to("u1"), to("ü2")).body)["idempotency_key"] == key
    assert len(key) == 36


def test_a_push_may_wake_the_app_and_say_nothing() -> None:
    silent = {
        "include_aliases": {"external_id": ["a"]},
        "target_channel": "push",
        "content_available": True,
        "data": {"n": 1},
    }

    body = json.loads(request_of("onesignal", ("push", silent)).body)

    assert {name: body[name] for name in silent} == silent
    assert "contents" not in body


def test_a_onesignal_user_is_named_in_the_path_and_tagged_in_the_body() -> None:
    payload = {"alias_label": "external_id", "alias_id": "a/b", "properties": {"tags": {"tier": "gold"}}}

    request = request_of("onesignal_user", ("user", payload))

    assert (request.method, request.url) == ("PATCH", "https://api.onesignal.com/apps/app-1/users/by/external_id/a%2Fb")
    assert json.loads(request.body) == {"properties": {"tags": {"tier": "gold"}}}


def test_segment_suppresses_and_lets_in_again_by_regulations() -> None:
    payload = {"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID"}

    request = request_of("segment_suppression", *(("regulate", {**payload, "subjectId": f"u{n}"}) for n in range(2)))

    assert (request.url, request.headers["Authorization"]) == (
        "https://api.segmentapis.com/regulations", "Bearer value-of-token",
    )  # fmt: skip
    assert json.loads(request.body) == {
        "regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectIds": ["u0", "u1"],
    }  # fmt: skip


# As the specification's libraries have it in their own tests.
SECRET, SIGNATURE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_of_the_specification_has_its_signature_with_the_brand_of_the_secret_or_without() -> None:
    now = datetime.fromtimestamp(1_614_265_330, UTC)

    for secret in (SECRET, SECRET.removeprefix("whsec_")):
        signers = [HMAC(signing_key(secret), SHA256())]
        found = signature(signers, "msg_p5jXN8AQM9LWM0D4loKWxJek", now, b'{"test": 2432232314}')
        assert found["webhook-signature"] == SIGNATURE
        assert found["webhook-timestamp"] == "1614265330"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_no base64", "x" * 20, "x!" * 33])
def test_a_secret_that_signs_nothing_or_something_else_is_refused(secret: str) -> None:
    with pytest.raises(ConfigError, match="secret://desk/secret is no secret of a webhook"):
        connect("desk", connection_of("webhook"), FakeClock(), lambda _: secret)


def test_while_a_secret_is_replaced_a_webhook_is_signed_by_both() -> None:
    one, both = (
        request_of("webhook", ("ticket", {"subject": "Hello"}), **more).headers["webhook-signature"]
        for more in ({}, {"former_secret": "secret://desk/former"})
    )

    text = b'd0.1767225600.{"subject": "Hello"}'
    former = base64.b64encode(hmac.new(b"value-of-former", text, hashlib.sha256).digest()).decode()
    assert both == f"{one} v1,{former}"


def test_a_help_desk_is_given_a_ticket_by_user_and_password_and_a_key_to_tell_a_repetition_by() -> None:
    ticket = {"ticket": {"subject": "Hello", "comment": {"body": "Call Ann"}, "requester": {"email": "ann@home.example"}}}
    desk = request_of("webhook", ("message", ticket), form="fields", basic="secret://desk/login")
    usual = request_of("webhook", ("message", ticket), bearer="secret://desk/token")

    assert json.loads(desk.body) == ticket
    user = base64.b64encode(b"ann@shop.example/token:k3y").decode()
    assert (desk.headers["Authorization"], desk.headers["Idempotency-Key"]) == (f"Basic {user}", "d0")
    assert (usual.headers["Authorization"], "Idempotency-Key" in usual.headers) == ("Bearer value-of-token", False)


def test_a_webhook_has_one_authorization_and_it_is_a_user_with_a_password() -> None:
    with pytest.raises(ValidationError, match="name one of them"):
        connection_of("webhook", bearer="secret://desk/token", basic="secret://desk/login")
    with pytest.raises(ConfigError, match="secret://desk/token has no colon between user and password"):
        connector_of("webhook", basic="secret://desk/token")


def test_a_help_desk_is_not_told_whom_to_forget_by_a_ticket() -> None:
    desk = connector_of("webhook", form="fields")

    answer = asyncio.run(desk.erase(Pack("p", "", (Delivery("d", "p", "erase", "ann@home.example"),), 16)))

    assert isinstance(answer, Refused)
    assert "delete them there by hand" in answer.reason


def test_a_webhook_is_signed_over_id_time_and_body() -> None:
    request = request_of("webhook", ("ticket", {"subject": "Hello"}))

    text = f"d0.1767225600.{request.body.decode()}"
    signed = base64.b64encode(hmac.new(b"0123456789abcdef01234567", text.encode(), hashlib.sha256).digest()).decode()
    assert json.loads(request.body) == {"subject": "Hello"}
    assert {name: request.headers[name] for name in request.headers if name.startswith("webhook")} == {
        "webhook-id": "d0",
        "webhook-timestamp": "1767225600",
        "webhook-signature": f"v1,{signed}",
    }


MAIL = {"to": "a@b.c", "subject": "s", "text": "t", "unsubscribe_url": "https://u"}
SEND = {"campaign_id": "c", "recipients": [{"external_user_id": "u"}]}
VISIT = {"tealium_event": "x", "tealium_visitor_id": "v"}
PUSH = {"include_aliases": {"external_id": ["a"]}, "target_channel": "push", "contents": {"en": "x"}}
USER = {"alias_label": "external_id", "alias_id": "1"}
ODD_MESSAGES: list[tuple[dict[str, Any], str]] = [
    ({"contents": {}, "content_available": False}, "contents, email_body or content_available is needed"),
    ({"contents": {}, "content_available": True, "target_channel": "sms"}, "or content_available is needed"),
    ({"contents": {"de": "x"}}, "contents is not texts by language, English among them"),
    ({"headings": {}}, "headings is not texts by language"),
    ({"ttl": 2_419_201}, "ttl is not whole seconds, 0 to 2419200"),
    ({"priority": "high"}, "priority is not a whole number"),
    ({"name": "n" * 129}, "name is not a text of 128 characters at most"),
    ({"collapse_id": "c" * 65}, "collapse_id is not a text of 64 characters at most"),
    ({"url": 7}, "url is not a text"),
    ({"android_visibility": 2}, "android_visibility is not 1, 0 or -1"),
    ({"android_group_message": {"de": "x"}}, "android_group_message is not texts by language"),
    ({"apns_alert": "x"}, "apns_alert is not an object"),
    ({"buttons": [{"id": "1"}]}, "buttons is not a list of 3 at most, each with id and text"),
    ({"data": {"n": "x" * 2_048}}, "oversize: 2056 bytes of data, 2048 at most"),
    ({"target_channel": "sms", "custom_data": {"n": "x" * 2_048}}, "bytes of custom_data, 2048 at most"),
    (
        {"target_channel": "email", "template_id": "t", "custom_data": {"n": "x" * 10_240}},
        "bytes of custom_data, 10240 at most",
    ),
]
ODD_USERS: list[tuple[dict[str, Any], str]] = [
    ({"language": "German"}, "language is not a language of ISO 639-1"),
    ({"country": "Germany"}, "country is not two letters of ISO 3166-1"),
    ({"lat": "north"}, "lat is not a number of -90 to 90"),
    ({"long": 181.0}, "long is not a number of -180 to 180"),
    ({"last_active": "lately"}, "last_active is not whole seconds since 1970"),
    ({"tier": "gold"}, "a user has no tier of its own; write a tag"),
    ({"ip": 3221225985}, "ip is not a text"),
    ({"tags": {"user": "x"}}, "tags hold a name that OneSignal keeps for itself: user"),
    ({"tags": {f"t{n}": "x" for n in range(100)}, "language": "en"}, "101 properties and tags, 100 at most in one request"),
]


@pytest.mark.parametrize(
    ("kind", "operation", "payload", "problem"),
    [
        ("segment", "track", {**TRACK, "userId": ""}, "neither userId nor anonymousId"),
        ("segment", "track", {**TRACK, "messageId": "m" * 100}, "messageId is missing or has 100 characters"),
        ("segment", "track", {**TRACK, "event": ""}, "event is missing"),
        ("segment", "page", {**TRACK, "type": "page"}, "type is not one of identify, track, group"),
        ("segment", "track", {**TRACK, "userId": 7}, "userId is not a text"),
        ("segment", "track", {**TRACK, "userId": None}, "neither userId nor anonymousId"),
        ("fcm", "m", {"token": "t", "notification": {"image": "https://u"}}, "has neither title nor body"),
        ("segment", "track", {**TRACK, "timestamp": 1764028800}, "timestamp is not a time in ISO 8601"),
        ("tealium", "event", {"tealium_event": "x"}, "tealium_visitor_id is missing"),
        ("tealium", "event", {**VISIT, "home.city": "Ulm"}, "the attribute home.city has a period in its name"),
        ("tealium", "event", {**VISIT, "a": "x" * 1_501}, "the attribute a is longer than 1500 characters"),
        ("tealium", "event", {**VISIT, "a": ["x" * 1_501]}, "the attribute a is longer than 1500 characters"),
        ("sfmc_rows", "row", {"tier": "gold"}, "key column id is missing"),
        ("sfmc_rowset", "row", {"keys": {"id": "1"}, "values": {}}, "at least one value"),
        ("sfmc_rows", "row", {"id": "1", "tags": ["a"]}, "column tags holds more than one value"),
        ("sfmc_rowset", "row", {"keys": {"id": "1"}, "values": {"a": {"b": 1}}}, "column a holds more than one value"),
        ("sfmc_journey", "journey", {"ContactKey": "c"}, "EventDefinitionKey is missing"),
        ("sfmc_journey", "journey", {**ENTRY, "ContactKey": 7}, "ContactKey is not a text"),
        ("sfmc_journey", "journey", {**ENTRY, "EventDefinitionKey": "a.b"}, "EventDefinitionKey has a dot"),
        ("sfmc_journey", "journey", {**ENTRY, "Data": {"tags": ["a"]}}, "column tags holds more than one value"),
        ("sfmc_journey", "journey", {**ENTRY, "Data": "gold"}, "Data is not an object"),
        ("sfmc_journey", "journey", {**ENTRY, "Data": {"eventInstanceId": "1"}}, "Data holds eventInstanceId, which"),
        ("braze_track", "event", {"name": "a", "time": "t"}, "none of external_id, user_alias"),
        ("braze_track", "purchase", {"external_id": "u", "product_id": "1", "time": "t"}, "currency, price is missing"),
        ("braze_track", "other", {"external_id": "u"}, "operation is not one of"),
        ("braze_track", "attributes", {"external_id": "u", "dob": "17.5.1980"}, "dob is not a day as YYYY-MM-DD"),
        (
            "braze_track",
            "attributes",
            {"external_id": "u", "country": "D1"},
            "country is not two letters of ISO 3166-1, or a name",
        ),
        ("braze_track", "attributes", {"external_id": "u", "gender": "female"}, "gender is not M, F, O, N or P"),
        ("braze_track", "attributes", {"email": "a@b.c", "push_subscribe": "yes"}, "push_subscribe is not opted_in"),
        ("braze_track", "attributes", {"email": "a@b.c", "email_subscribe": None}, "email_subscribe is not opted_in"),
        (
            "braze_track",
            "attributes",
            {"external_id": "u", "language": "German"},
            "language is not two letters of ISO 639-1",
        ),
        ("braze_track", "attributes", {"external_id": "u", "dob": "1990-02-30"}, "dob is not a day as YYYY-MM-DD"),
        ("braze_track", "attributes", {"external_id": "u", "time_zone": 2}, "time_zone is not a text"),
        ("braze_track", "attributes", {"external_id": "u", "first_name": 7}, "first_name is not a text"),
        ("braze_track", "attributes", {"external_id": "u", "current_location": {"latitude": 1}}, "longitude and latitude"),
        (
            "braze_track",
            "attributes",
            {"external_id": "u", "subscription_groups": [{"subscription_group_id": "g", "subscription_state": "in"}]},
            "subscription_groups is not a list of subscription_group_id with subscription_state",
        ),
        ("braze_track", "attributes", {"external_id": "u", "push_tokens": ["t"]}, "push_tokens is not a list of app_id"),
        ("braze_track", "attributes", {"external_id": "u", "a" * 256: 1}, "the name of an attribute is longer than 255"),
        ("braze_track", "event", {**CAME, "braze_id": "b"}, "external_id and braze_id are there"),
        ("braze_track", "attributes", {"user_alias": {"alias_name": "a"}}, "user_alias needs alias_name and alias_label"),
        ("braze_track", "event", {**CAME, "properties": {"a": ["x" * 250] * 400}}, "100000 at most where there are lists"),
        ("braze_track", "purchase", {**BOUGHT, "properties": {"a": ["x" * 250] * 200}}, "50000 at most where there are"),
        ("braze_track", "event", {**CAME, "properties": {"time": "noon"}}, "a name that Braze keeps for itself: time"),
        ("braze_track", "purchase", {**BOUGHT, "properties": {"event_name": "x"}}, "keeps for itself: event_name"),
        ("braze_track", "attributes", {"phone": "0170 123"}, "phone is not in E.164 form"),
        ("braze_track", "attributes", {"external_id": "u", "a": "x" * 256}, "the attribute a is longer than 255 characters"),
        ("braze_track", "attributes", {"external_id": "u", "a": {"b": {"c": None}}}, "the attribute a holds a null"),
        ("braze_track", "attributes", {"external_id": "u", "a": [{"b": None}]}, "the attribute a holds a null"),
        ("braze_track", "attributes", {"external_id": "u", "a": {"b c": 1}}, "a holds a name with a blank"),
        ("braze_track", "attributes", {"external_id": "u", "a": [{"b": {"$time": "17.5.1980"}}]}, "a holds a $time that"),
        ("braze_track", "attributes", {"external_id": "u", "a": {"$time": "9999-12-31"}}, "a holds a $time that is no time"),
        ("braze_track", "attributes", {"external_id": "u", "a": {"$time": 7}}, "a holds a $time that is no time"),
        ("braze_track", "attributes", {"external_id": "u", "facebook": "ann"}, "facebook is not an object"),
        ("braze_track", "attributes", {"external_id": "u", "date_of_last_session": "lately"}, "is not a day or a time"),
        ("braze_track", "attributes", {"external_id": "u", "a": {"b": "x" * 256}}, "a holds more than 255 characters"),
        (
            "braze_subscription",
            "s",
            {"subscription_group_id": "g", "subscription_state": "subscribed", "phone": "+0"},
            "phone is not in E.164 form",
        ),
        ("braze_track", "event", {"external_id": "u", "name": "a", "time": "2026-11-25"}, "time is not a time in ISO 8601"),
        ("braze_track", "event", {**CAME, "properties": {"$a": 1}}, "begins with $"),
        ("braze_track", "event", {**CAME, "properties": {"a": "x" * 256}}, "the property a is longer than 255"),
        ("braze_track", "purchase", {**BOUGHT, "currency": "Euro"}, "currency is not three letters of ISO 4217"),
        ("braze_track", "purchase", {**BOUGHT, "price": "9.90"}, "price is not a number"),
        ("braze_track", "purchase", {**BOUGHT, "quantity": 101}, "quantity is not a whole number of 1 to 100"),
        ("segment", "track", {**TRACK, "properties": ["a"]}, "properties is not an object"),
        ("segment", "track", {**TRACK, "context": "de"}, "context is not an object"),
        ("segment", "track", {**TRACK, "context": {"consent": {"Ads": True}}}, "context.consent is not categoryPreferences"),
        (
            "segment",
            "track",
            {**TRACK, "context": {"consent": {"categoryPreferences": {"Ads": "no"}}}},
            "each true or false",
        ),
        ("segment", "track", {**TRACK, "integrations": ["All"]}, "integrations is not an object"),
        ("segment", "track", {**TRACK, "properties": {"revenue": "19.90"}}, "revenue is not a number"),
        ("segment", "track", {**TRACK, "properties": {"value": True}}, "value is not a number"),
        ("segment", "track", {**TRACK, "properties": {"currency": "Euro"}}, "currency is not three letters of ISO 4217"),
        ("braze_send", "send", {"campaign_id": "c", "recipients": []}, "exactly one"),
        ("braze_send", "send", {"campaign_id": "c", "recipients": [{"email": "a@b.c"}]}, "needs prioritization"),
        (
            "braze_send",
            "send",
            {"campaign_id": "c", "recipients": [{"external_user_id": "u", "send_to_existing_only": False}]},
            "send_to_existing_only: false needs attributes",
        ),
        ("braze_send", "send", {**SEND, "broadcast": True}, "broadcast is for everybody"),
        ("braze_send", "send", {**SEND, "priority": 1}, "a send has no priority"),
        (
            "braze_send",
            "send",
            {**SEND, "trigger_properties": {"a": "x" * 50_000}},
            "50008 bytes of trigger_properties, 50000",
        ),
        (
            "braze_send",
            "send",
            {"campaign_id": "c", "recipients": [{"braze_id": "b", "trigger_properties": {"a": "x" * 50_000}}]},
            "50008 bytes of trigger_properties, 50000 at most",
        ),
        ("braze_track", "attributes", {"external_id": "u", "email_click_tracking_disabled": 1}, "is not true or false"),
        (
            "braze_track",
            "attributes",
            {"external_id": "u", "push_token_import": True, "push_tokens": [{"app_id": "a", "token": "t"}]},
            "push_token_import needs push_tokens, and is for people without external_id and braze_id",
        ),
        ("braze_track", "attributes", {"email": "a@b.c", "push_token_import": True}, "push_token_import needs push_tokens"),
        ("braze_track", "event", {**CAME, "name": "ecommerce.order_placed"}, "order_id, total_value, currency, products"),
        ("braze_track", "event", placed(currency="Euro"), "currency is not three letters of ISO 4217"),
        ("braze_track", "event", placed(total_value="9.90"), "total_value is not a number"),
        ("braze_track", "event", placed(total_value=-9.9), "total_value is below 0"),
        ("braze_track", "event", placed(tax="1.90"), "tax is not a number"),
        ("braze_track", "event", cart_of("replace"), "total_value is missing"),
        ("braze_track", "event", cart_of("fill"), "total_value is missing"),
        ("braze_track", "event", cart_of("fill", total_value=9.9), "action is not one of add, remove, replace"),
        ("braze_track", "event", placed(order_id=7), "order_id is not a text"),
        ("braze_track", "event", placed(products="p"), "products is not a list of objects"),
        ("braze_track", "event", placed(products=[{"product_id": "p"}]), "a product has no product_name, variant_id"),
        ("braze_track", "event", placed(products=[{**PRODUCT, "quantity": 1.5}]), "quantity is not a whole number"),
        ("braze_track", "event", placed(products=[{**PRODUCT, "quantity": -1}]), "quantity is not a whole number of 0"),
        ("braze_track", "event", placed(products=[{**PRODUCT, "price": "9"}]), "price is not a number"),
        ("braze_subscription", "s", {"subscription_group_id": "g", "subscription_state": "yes"}, "subscription_state"),
        ("fcm", "m", {"token": "t", "topic": "x"}, "exactly one of token, topic, condition"),
        ("fcm", "m", {"token": "t", "data": {"n": 1}}, "texts only"),
        ("fcm", "m", {"token": "t", "data": {"n": "x" * 4_100}}, "oversize: 4108 bytes of notification and data, 4096"),
        ("fcm", "m", {"topic": "t", "data": {"n": "x" * 2_100}}, "2048 at most"),
        ("onesignal", "n", {"include_aliases": {"external_id": ["a", "b"]}}, "exactly one person"),
        ("onesignal", "n", {"include_aliases": {"external_id": ["a"]}, "contents": {"en": "x"}}, "target_channel"),
        (
            "onesignal",
            "n",
            {"include_aliases": {"external_id": ["a"]}, "target_channel": "email", "contents": {"en": "x"}},
            "an e-mail without template_id needs email_subject and email_body",
        ),
        ("onesignal_user", "user", {"alias_label": "a", "alias_id": "1", "properties": {"tags": {"n": 1}}}, "texts only"),
        (
            "onesignal_user",
            "user",
            {"alias_label": "a", "alias_id": "1", "properties": {}},
            "properties is missing or empty",
        ),
        *(("onesignal", "n", {**PUSH, **more}, problem) for more, problem in ODD_MESSAGES),
        *(("onesignal_user", "user", {**USER, "properties": more}, problem) for more, problem in ODD_USERS),
        ("segment_suppression", "regulate", {"regulationType": "DELETE_ONLY"}, "regulationType is not one of"),
        ("fcm", "m", {"token": "t", "data": {"from": "x"}}, "data holds a key that FCM keeps for itself: from"),
        ("fcm", "m", {"token": "t", "data": {"google.a": "x"}}, "FCM keeps for itself: google.a"),
        ("fcm", "m", {"token": "t", "data": {"gcm": "x"}}, "data holds a key that FCM keeps for itself: gcm"),
        ("fcm", "m", {"token": "t", "to": "u"}, "a message has no to"),
        ("fcm", "m", {"topic": "/topics/news"}, "it has no /topics/ before it"),
        ("fcm", "m", {"token": "t", "android": {"ttl": 3600}}, "android.ttl is not seconds with an s behind them"),
        ("fcm", "m", {"token": "t", "android": {"data": {"from": "x"}}}, "android.data holds a key that FCM keeps"),
        ("fcm", "m", {"token": "t", "apns": {"headers": {"apns-priority": 5}}}, "apns.headers may hold texts only"),
        ("fcm", "m", {"token": "t", "webpush": {"headers": {"TTL": 5}}}, "webpush.headers may hold texts only"),
        ("fcm", "m", {"token": "t", "webpush": "x"}, "webpush is not an object"),
        ("fcm", "m", {"token": "t", "notification": {}}, "the notification has neither title nor body"),
        ("fcm", "m", {"token": "t", "notification": {"title": 7}}, "notification may hold texts only"),
        ("fcm", "m", {"token": "t", "notification": {"title": "x", "sound": "x"}}, "a notification has no sound"),
        ("fcm", "m", {"token": "t", "android": {"priority": "urgent"}}, "android.priority is not high or normal"),
        ("fcm", "m", {"token": "t", "fcm_options": {"analytics_label": "new year"}}, "fcm_options.analytics_label is not 1"),
        ("fcm", "m", {"token": "t", "apns": {"fcm_options": {"analytics_label": "x" * 51}}}, "apns.fcm_options.analytics"),
        ("fcm", "m", {"token": "t", "webpush": {"fcm_options": {"link": "http://x"}}}, "webpush.fcm_options.link is not"),
        ("fcm", "m", {"token": "t", "android": {"sound": "x"}}, "android has no sound"),
        ("fcm", "m", {"token": "t", "android": {"collapse_key": 7}}, "android.collapse_key is not a text"),
        (
            "fcm",
            "m",
            {"token": "t", "android": {"notification": {"channel_id": 7}}},
            "notification.channel_id is not a text",
        ),
        ("fcm", "m", {"token": "t", "android": {"notification": {"badge": 7}}}, "android.notification has no badge"),
        ("fcm", "m", {"token": "t", "android": {"notification": {"color": "red"}}}, "is not a colour as #rrggbb"),
        ("fcm", "m", {"token": "t", "android": {"notification": {"event_time": "2026-11-25"}}}, "not a time in RFC 3339"),
        ("fcm", "m", {"token": "t", "android": {"notification": {"vibrate_timings": [1]}}}, "is not a list of seconds"),
        ("fcm", "m", {"token": "t", "android": {"notification": {"title_loc_args": [1]}}}, "is not a list of texts"),
        ("fcm", "m", {"token": "t", "android": {"notification": "x"}}, "android.notification is not an object"),
        ("fcm", "m", {"token": "t", "apns": {"headers": {"apns-expiration": "2026-11-25"}}}, "is not whole seconds, as a"),
        ("fcm", "m", {"token": "t", "apns": {"headers": {"apns-priority": "high"}}}, "apns-priority is not 10, 5 or 1"),
        ("fcm", "m", {"token": "t", "webpush": {"headers": {"TTL": "1h"}}}, "webpush.headers.TTL is not whole seconds"),
        ("fcm", "m", {"token": "t", "webpush": {"headers": {"Urgency": "10"}}}, "Urgency is not one of very-low, low"),
        ("fcm", "m", {"condition": " || ".join(["'a' in topics"] * 6)}, "condition names more than 5 topics"),
        ("email", "mail", {"to": "a@b.c", "subject": "s", "text": "t"}, "unsubscribe_url is missing"),
        ("email", "mail", {**MAIL, "to": "a@b.c, d@e.f"}, "to is not one address"),
        ("email", "mail", {**MAIL, "to": "a@b.c; d@e.f"}, "to is not one address"),
        ("email", "mail", {**MAIL, "to": "Ann"}, "to is not one address"),
        ("email", "mail", {**MAIL, "text": 5}, "text or html is needed, as a text"),
        ("email", "mail", {**MAIL, "unsubscribe_url": "http://u"}, "neither https:// nor mailto:"),
        ("email", "mail", {**MAIL, "reply_to": "Shop, Inc <help@b.c>"}, "reply_to is not one address"),
        ("email", "mail", {**MAIL, "to": f"{'Ann ' * 300}<a@b.c>"}, "to has more than 980 characters"),
        ("email", "mail", {**MAIL, "reply_to": f"{'a' * 990}@b.c"}, "reply_to has more than 980 characters"),
        (
            "email",
            "mail",
            {"to": "a@b.c", "subject": "s\nBcc: x", "text": "t", "unsubscribe_url": "https://u"},
            "a header holds a line end",
        ),
        (
            "email",
            "mail",
            {"to": "a@b.c", "subject": "s", "text": "t", "unsubscribe_url": f"https://u/?{'x' * 990}"},
            "unsubscribe_url does not fit into a line",
        ),
        ("csv_drop", "row", {"external_id": ["a"]}, "column external_id holds more than one value"),
        ("tealium_file", "row", {"tier": "gold"}, "visitor_id is missing"),
        ("tealium_file", "row", {"visitor_id": "v", "tier": "x" * 1_001}, "column tier is longer than 1000 characters"),
    ],
)
def test_what_the_destination_would_never_take_does_not_leave(
    kind: str, operation: str, payload: dict[str, Any], problem: str
) -> None:
    found = connector_of(kind).problem_of(Delivery("d", "p", operation, json.dumps(payload)))

    assert found is not None
    assert problem in found


@pytest.mark.parametrize(
    "message",
    [
        {"data": {"score": "850"}, "apns": {"payload": {"aps": {"content-available": 1}}}},
        {"notification": {"title": "Hi"}},
        {"notification": {"image": "https://shop.example/a.png"}, "android": {"notification": {"title_loc_key": "hello"}}},
        {"android": {"notification": {"title": "Hi", "body": "There"}}},
    ],
)
def test_fcm_takes_what_is_for_the_app_alone_and_what_only_a_platform_says(message: dict[str, Any]) -> None:
    request = request_of("fcm", ("message", {"token": "t", **message}))

    assert json.loads(request.body) == {"message": {"token": "t", **message}}


def test_segment_takes_no_anonymous_id_written_down_as_its_own_libraries_do() -> None:
    item = {**TRACK, "anonymousId": None}

    assert json.loads(request_of("segment", ("track", item)).body) == {"batch": [item]}


def test_a_row_of_more_columns_than_salesforce_advises_leaves_unless_the_connection_says_otherwise() -> None:
    row = Delivery("d", "p", "row", json.dumps({"keys": {"id": "1"}, "values": {f"c{n}": 1 for n in range(60)}}))

    assert connector_of("sfmc_rowset").problem_of(row) is None
    assert connector_of("sfmc_rowset", max_columns=50).problem_of(row) == "61 columns, 50 at most"


def test_braze_attributes_are_states_unless_one_is_counted_up() -> None:
    connector = connector_of("braze_track")

    def is_state(operation: str, **values: Any) -> bool:
        return connector.is_state(Delivery("d", "p", operation, json.dumps({"external_id": "u", **values})))

    assert is_state("attributes", tier="gold", address={"city": "Ulm"})
    assert not is_state("attributes", visits={"inc": 1})
    assert not is_state("attributes", tags={"add": ["x"]})
    assert not is_state("event", name="x")
