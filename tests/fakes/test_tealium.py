from typing import Any
from urllib.parse import urlencode

import pytest

from tests.fakes import Fakes, Step
from tests.fakes.ask import Told, ask

FORM = "application/x-www-form-urlencoded"
SHARED = {"tealium_account": "shop", "tealium_profile": "main"}
EVENT = {"tealium_event": "decided", "tealium_visitor_id": "v-1", "offer": "A"}


def login(fakes: Fakes, key: str | None = None) -> Told:
    body = urlencode({"username": fakes.tealium.username, "key": key or fakes.tealium.api_key}).encode()
    return ask(fakes.tealium, "/v3/auth/accounts/shop/profiles/main", body, Content_Type=FORM)


@pytest.fixture
def token(fakes: Fakes) -> str:
    return f"Bearer {login(fakes).body['token']}"


def bulk(fakes: Fakes, token: str, *events: Any, shared: Any = SHARED) -> Told:
    return ask(fakes.tealium, "/v3/collect/bulk-event", {"shared": shared, "events": events}, Authorization=token)


def test_events_bear_what_they_share_and_are_never_recognised_as_the_same(fakes: Fakes, token: str) -> None:
    told = bulk(fakes, token, EVENT, {**EVENT, "offer": "B"})
    bulk(fakes, token, EVENT)

    assert (told.status, told.body) == (200, b"")
    assert [event["offer"] for event in fakes.tealium.state()["events"]] == ["A", "B", "A"]
    assert fakes.tealium.state()["events"][0]["tealium_account"] == "shop"
    assert fakes.tealium.state()["visitors"] == {"v-1": {"offer": "A"}}


def test_one_event_goes_by_post_or_by_get(fakes: Fakes, token: str) -> None:
    one = {**SHARED, **EVENT}

    assert ask(fakes.tealium, "/v3/collect/event", one, Authorization=token).status == 200
    assert ask(fakes.tealium, "/v3/collect/regional/event", one, Authorization=token).status == 200
    told = ask(fakes.tealium, f"/v3/collect/event?{urlencode(one)}", method="GET", Authorization=token)
    assert told.headers["content-type"] == "image/gif"
    assert len(fakes.tealium.state()["events"]) == 3


@pytest.mark.parametrize(
    ("shared", "events", "status"),
    [
        (SHARED, [], 400),
        (SHARED, [EVENT] * 11, 400),
        (SHARED, [{"offer": "A"}], 400),
        (SHARED, [{**EVENT, "tealium_visitor_id": ""}], 400),
        ({"tealium_account": "shop"}, [EVENT], 400),
        ({**SHARED, "tealium_environment": "staging"}, [EVENT], 400),
        ({**SHARED, "tealium_account": "another"}, [EVENT], 403),
        (SHARED, [{**EVENT, "home.city": "Ulm"}], 400),
        (SHARED, [{**EVENT, "text": "x" * 1_000_000}], 400),
        (SHARED, [{**EVENT, "tealium_visitor_id": "__shop_main__7_v-1__"}], 400),
    ],
)
def test_a_bulk_call_that_is_not_as_documented_is_refused_whole(
    fakes: Fakes, token: str, shared: Any, events: Any, status: int
) -> None:
    assert bulk(fakes, token, *events, shared=shared).status == status
    assert fakes.tealium.state()["events"] == []


def test_a_token_lives_for_half_an_hour(fakes: Fakes, token: str) -> None:
    fakes.advance(1_799)
    assert bulk(fakes, token, EVENT).status == 200
    fakes.advance(2)
    assert bulk(fakes, token, EVENT).status == 401
    assert login(fakes, key="wrong").status == 401


def test_tokens_expire_in_the_middle_when_the_script_says_so(fakes: Fakes, token: str) -> None:
    fakes.tealium.script(Step("expire_tokens", at=[2]))

    assert [bulk(fakes, token, EVENT).status for _ in range(3)] == [200, 401, 401]
    assert bulk(fakes, f"Bearer {login(fakes).body['token']}", EVENT).status == 200


def test_a_hundred_events_a_second_are_taken_and_no_header_says_when_to_come_back(fakes: Fakes, token: str) -> None:
    statuses = [bulk(fakes, token, *[EVENT] * 10).status for _ in range(10)]
    told = bulk(fakes, token, EVENT)

    assert statuses == [200] * 10
    assert told.status == 429
    assert not {"retry-after", "x-ratelimit-reset"} & set(told.headers)
    fakes.advance(1)
    assert bulk(fakes, token, EVENT).status == 200


def test_a_visitor_is_deleted_by_form_fields_and_the_receipt_can_be_followed(fakes: Fakes, token: str) -> None:
    fakes.tealium.configure(delete_seconds=60)
    bulk(fakes, token, EVENT, {**EVENT, "tealium_visitor_id": "v-2"})
    path = "/v3/privacy/visitor/accounts/shop/profiles/main"
    who = urlencode({"attributeId": "86", "attributeValue": "v-1"})

    by_query = ask(fakes.tealium, f"{path}?{who}", method="DELETE", Authorization=token)
    told = ask(fakes.tealium, path, who.encode(), method="DELETE", Authorization=token, Content_Type=FORM)
    again = ask(fakes.tealium, path, who.encode(), method="DELETE", Authorization=token, Content_Type=FORM)

    assert by_query.status == 400
    assert told.status == 202
    assert again.body == told.body
    transaction = told.body["transactionId"]
    follow = f"{path}/transactions/{transaction}"
    assert ask(fakes.tealium, follow, method="GET", Authorization=token).body == {transaction: "PENDING"}
    fakes.advance(61)
    assert ask(fakes.tealium, follow, method="GET", Authorization=token).body == {transaction: "SUCCESS"}
    assert fakes.tealium.state()["deleted"] == ["v-1"]
    assert list(fakes.tealium.state()["visitors"]) == ["v-2"]


def test_a_known_visitor_is_found_by_the_value_of_their_attribute(fakes: Fakes, token: str) -> None:
    bulk(fakes, token, {**EVENT, "tealium_visitor_id": "__shop_main__86_v-1__"})
    who = urlencode({"attributeId": "86", "attributeValue": "v-1"})

    path = f"/v3/privacy/visitor/accounts/shop/profiles/main?{who}"
    told = ask(fakes.tealium, path, method="GET", Authorization=token)

    assert told.body["visitor"]["properties"] == {"offer": "A"}


def test_an_unknown_visitor_is_not_found(fakes: Fakes, token: str) -> None:
    path = "/v3/privacy/visitor/accounts/shop/profiles/main"
    body = urlencode({"attributeId": "86", "attributeValue": "nobody"}).encode()

    told = ask(fakes.tealium, path, body, method="DELETE", Authorization=token, Content_Type=FORM)

    assert (told.status, list(told.body)) == (404, ["transactionId"])
