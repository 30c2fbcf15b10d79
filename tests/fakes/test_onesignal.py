from typing import Any

import pytest

from tests.fakes import Fakes, Step
from tests.fakes.ask import Told, ask

KEY = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


def body(fakes: Fakes, *people: str, **more: Any) -> dict[str, Any]:
    target = {"include_aliases": {"external_id": list(people)}, "target_channel": "push"} if people else {}
    return {"app_id": fakes.onesignal.app_id, "contents": {"en": "Hello"}, **target, **more}


def post(fakes: Fakes, sent: Any, **headers: Any) -> Told:
    return ask(fakes.onesignal, "/notifications", sent, Authorization=f"Key {fakes.onesignal.api_key}", **headers)


def test_a_message_reaches_its_aliases(fakes: Fakes) -> None:
    told = post(fakes, body(fakes, "p-1", "p-2"))

    assert told.body["id"]
    assert fakes.onesignal.state()["deliveries"] == {"p-1": 1, "p-2": 1}


def test_a_key_in_the_body_is_honoured_for_thirty_days_and_in_a_header_not_at_all(fakes: Fakes) -> None:
    first = post(fakes, body(fakes, "p-1", idempotency_key=KEY.upper()))
    fakes.advance(2_591_999)
    again = post(fakes, body(fakes, "p-1", idempotency_key=KEY))

    assert again.body == first.body
    assert fakes.onesignal.state()["deliveries"] == {"p-1": 1}
    assert fakes.onesignal.counters()["duplicates"] == 1

    fakes.advance(2)
    post(fakes, body(fakes, "p-1", idempotency_key=KEY))
    for _ in range(2):
        post(fakes, body(fakes, "p-1"), Idempotency_Key=KEY)
    assert fakes.onesignal.state()["deliveries"] == {"p-1": 4}


@pytest.mark.parametrize(
    "more",
    [
        {"idempotency_key": "not-a-uuid"},
        {"contents": {"de": "Hallo"}},
        {"contents": None},
        {"target_channel": "pigeon"},
        {"include_subscription_ids": ["s"]},
        {"include_aliases": {"external_id": []}},
        {"app_id": "another"},
        {"ttl": 2_419_201},
    ],
)
def test_a_message_that_is_not_as_documented_is_refused(fakes: Fakes, more: dict[str, Any]) -> None:
    told = post(fakes, body(fakes, "p-1", **more))

    assert told.status == 400
    assert told.body["errors"]
    assert fakes.onesignal.state()["messages"] == []


def test_twenty_thousand_people_fit(fakes: Fakes) -> None:
    people = [f"p-{number}" for number in range(20_001)]

    assert post(fakes, body(fakes, *people)).status == 400
    assert post(fakes, body(fakes, *people[1:])).status == 200


def test_who_has_a_device_that_is_not_subscribed_is_named_who_is_not_known_is_not_and_nobody_is_an_empty_id(
    fakes: Fakes,
) -> None:
    fakes.onesignal.do("seed", ["p-1", "p-3"])
    fakes.onesignal.script(Step("partial", at=[1], items=[2]))

    partial = post(fakes, body(fakes, "p-1", "p-2", "p-3"))
    nobody = post(fakes, body(fakes, "p-2"))

    assert (partial.status, partial.body["errors"]) == (200, {"invalid_aliases": {"external_id": ["p-3"]}})
    assert (nobody.status, nobody.body) == (200, {"id": "", "errors": ["All included players are not subscribed"]})
    assert fakes.onesignal.state()["deliveries"] == {"p-1": 1}


def test_an_app_that_sends_too_much_is_disabled(fakes: Fakes) -> None:
    fakes.onesignal.configure(subscribers=1)
    people = [f"p-{number}" for number in range(10)]

    assert post(fakes, body(fakes, *people)).status == 200
    assert post(fakes, body(fakes, "p-11")).status == 400
    fakes.advance(3_600)
    assert post(fakes, body(fakes, "p-11")).status == 400
    assert fakes.onesignal.counters()["rejects"] == {"disabled": 1, "revoked": 1}


def test_the_key_has_its_own_scheme(fakes: Fakes) -> None:
    sent = body(fakes, "p-1")

    assert ask(fakes.onesignal, "/notifications", sent, Authorization=f"Basic {fakes.onesignal.api_key}").status == 403
    assert fakes.onesignal.state()["messages"] == []


def test_errors_come_as_texts_or_as_objects(fakes: Fakes) -> None:
    texts = post(fakes, {}).body["errors"]
    fakes.onesignal.configure(error_envelope="objects")
    objects = post(fakes, {}).body["errors"]

    assert isinstance(texts[0], str)
    assert set(objects[0]) == {"code", "title"}


def test_too_many_requests_say_how_many_seconds_to_wait(fakes: Fakes) -> None:
    fakes.onesignal.configure(rate=(1, 1))
    post(fakes, body(fakes, "p-1"))

    told = post(fakes, body(fakes, "p-1"))

    assert (told.status, told.headers["retry-after"]) == (429, "1")


def test_faults_that_look_like_success(fakes: Fakes) -> None:
    fakes.onesignal.script(Step("empty_id", at=[1]), Step("partial", at=[2], items=[1]))

    empty, partial = (post(fakes, body(fakes, "p-1", "p-2")) for _ in range(2))

    assert (empty.status, empty.body["id"]) == (200, "")
    assert partial.body["errors"] == {"invalid_aliases": {"external_id": ["p-2"]}}
    assert fakes.onesignal.state()["deliveries"] == {"p-1": 1}


def test_a_user_is_deleted_once(fakes: Fakes) -> None:
    path = f"/apps/{fakes.onesignal.app_id}/users/by/external_id/p%201"
    key = f"Key {fakes.onesignal.api_key}"

    statuses = [ask(fakes.onesignal, path, method="DELETE", Authorization=key).status for _ in range(2)]

    assert statuses == [202, 404]
    assert fakes.onesignal.state()["deleted"] == ["p 1"]
