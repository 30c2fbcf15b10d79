from typing import Any

import pytest

from tests.fakes import Fakes
from tests.fakes.ask import Told, ask, basic


def send(fakes: Fakes, *items: Any, path: str = "/v1/batch") -> Told:
    return ask(fakes.segment, path, {"batch": items}, Authorization=basic(fakes.segment.write_key))


def track(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": "track", "messageId": f"m-{number}", "userId": "u-1", "event": "Decided", **more}


def test_identities_are_merged_and_events_are_kept_with_their_multiplicity(fakes: Fakes) -> None:
    send(fakes, {"type": "identify", "userId": "u-1", "traits": {"tier": "gold", "age": 30}}, track(1), track(2))
    told = send(fakes, {"type": "identify", "userId": "u-1", "traits": {"tier": "silver"}})

    assert (told.status, told.body) == (200, {"success": True})
    assert fakes.segment.state()["profiles"] == {"u-1": {"tier": "silver", "age": 30}}
    assert [event["messageId"] for event in fakes.segment.state()["events"]] == ["m-1", "m-2"]


def test_a_group_has_traits_and_members(fakes: Fakes) -> None:
    send(fakes, {"type": "group", "userId": "u-1", "groupId": "g", "traits": {"plan": "pro"}})

    assert fakes.segment.state()["groups"] == {"g": {"traits": {"plan": "pro"}, "members": ["u-1"]}}


def test_a_repeated_message_id_is_dropped_for_a_day_and_taken_after_it(fakes: Fakes) -> None:
    send(fakes, track(1), track(1))
    fakes.advance(86_399)
    send(fakes, track(1))

    assert len(fakes.segment.state()["events"]) == 1
    assert fakes.segment.counters()["duplicates"] == 2

    fakes.advance(2)
    send(fakes, track(1))

    assert len(fakes.segment.state()["events"]) == 2


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"type": "track", "event": "x"}, "no_user_anon_id"),
        ({"type": "track", "userId": "u"}, "event_not_defined"),
        ({"type": "track", "userId": "u", "event": 7}, "event_not_string"),
        ({"type": "identify", "userId": "u", "traits": []}, "traits_not_object"),
        ({"userId": "u", "event": "x"}, "type"),
    ],
)
def test_a_bad_item_is_answered_with_success_and_dropped_without_its_neighbours(
    fakes: Fakes, item: Any, reason: str
) -> None:
    told = send(fakes, item, track(1))

    assert (told.status, told.body) == (200, {"success": True})
    assert fakes.segment.counters()["rejects"] == {reason: 1}
    assert len(fakes.segment.state()["events"]) == 1


@pytest.mark.parametrize("broken", [{"messageId": "m" * 100}, {"timestamp": "yesterday"}, {"groupId": ""}, {"context": "x"}])
def test_what_the_documentation_does_not_allow_is_dropped(fakes: Fakes, broken: dict[str, Any]) -> None:
    send(fakes, {**track(1), "type": "group", "groupId": "g", **broken})

    assert fakes.segment.state()["groups"] == {}
    assert fakes.segment.counters()["rejects"]


@pytest.mark.parametrize("traits", [{"phone": 49}, {"age": "46"}, {"address": "Ulm"}, {"birthday": "17.5.1980"}, {"id": 7}])
def test_a_reserved_trait_of_another_type_is_dropped_with_its_call(fakes: Fakes, traits: dict[str, Any]) -> None:
    send(fakes, {"type": "identify", "userId": "u", "messageId": "m", "traits": traits})

    assert sum(fakes.segment.counters()["rejects"].values()) == 1


def test_2501_events_are_answered_with_success_and_all_dropped(fakes: Fakes) -> None:
    small = [{"type": "track", "userId": "u", "event": "e"}] * 2_500

    assert send(fakes, *small).status == 200
    assert len(fakes.segment.state()["events"]) == 2_500
    fakes.segment.reset()
    assert send(fakes, *small, small[0]).status == 200
    assert fakes.segment.state()["events"] == []
    assert fakes.segment.counters()["rejects"] == {"max_items": 1}


def test_one_byte_too_many_is_refused_for_an_event_and_for_a_batch(fakes: Fakes) -> None:
    def sized(bytes_: int) -> dict[str, Any]:
        empty = len(b'{"type": "track", "userId": "u", "event": ""}')
        return {"type": "track", "userId": "u", "event": "é" * ((bytes_ - empty) // 2) + "x" * ((bytes_ - empty) % 2)}

    assert send(fakes, sized(32_000)).status == 200
    assert send(fakes, sized(32_001)).status == 400
    body = b'{"batch":[{"type":"track","userId":"u","event":"e"}]' + b" " * 500_000
    for length, status in ((499_999, 200), (500_000, 400)):
        told = ask(fakes.segment, "/v1/batch", body[:length] + b"}", Authorization=basic(fakes.segment.write_key))
        assert told.status == status
    assert fakes.segment.counters()["rejects"] == {"item_bytes": 1, "max_bytes": 1}


def test_an_unknown_write_key_is_answered_with_success_and_nothing_is_held(fakes: Fakes) -> None:
    told = ask(fakes.segment, "/v1/batch", {"batch": [track(1)]}, Authorization=basic("another"))

    assert told.status == 200
    assert fakes.segment.state()["events"] == []
    assert fakes.segment.counters()["rejects"] == {"project_not_found": 1}


def test_the_write_key_may_stand_in_the_body_and_a_bearer_token_must_be_known(fakes: Fakes) -> None:
    body = {"userId": "u", "event": "e", "writeKey": fakes.segment.write_key}

    assert ask(fakes.segment, "/v1/track", body).status == 200
    assert ask(fakes.segment, "/v1/track", body, Authorization=f"Bearer {fakes.segment.access_token}").status == 200
    assert ask(fakes.segment, "/v1/track", body, Authorization="Bearer stale").status == 401
    assert len(fakes.segment.state()["events"]) == 2


def test_bad_json_is_refused(fakes: Fakes) -> None:
    for body in (b'{"batch":[', b'{"batch":[{"type":"track","userId":"u","event":NaN}]}', b"[]", b'{"batch":[]} x'):
        assert ask(fakes.segment, "/v1/batch", body, Authorization=basic(fakes.segment.write_key)).status == 400


def test_the_thousand_and_first_request_of_a_second_must_wait_some_seconds(fakes: Fakes) -> None:
    fakes.segment.configure(rate=(2, 1))
    send(fakes, track(1))
    send(fakes, track(2))

    told = send(fakes, track(3))
    fakes.advance(1)

    assert told.status == 429
    assert told.headers["retry-after"] == told.headers["x-ratelimit-reset"] == "1"
    assert send(fakes, track(3)).status == 200


def test_a_regulation_deletes_and_suppresses(fakes: Fakes) -> None:
    send(fakes, {"type": "identify", "userId": "u-1", "traits": {"a": 1}}, track(1), {**track(2), "userId": "u-2"})
    body = {"regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": ["u-1"]}

    told = ask(fakes.segment, "/regulations", body, Authorization=f"Bearer {fakes.segment.api_token}")
    send(fakes, track(3))

    found = fakes.segment.state()
    assert told.body["data"]["regulateId"] in found["regulations"]
    assert found["profiles"] == {}
    assert [event["userId"] for event in found["events"]] == ["u-2"]
    assert (found["deleted"], found["suppressed"]) == (["u-1"], ["u-1"])


def test_a_regulation_needs_its_own_token_and_takes_5000_ids(fakes: Fakes) -> None:
    body = {"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": [f"u{i}" for i in range(5_001)]}
    token = f"Bearer {fakes.segment.api_token}"

    assert ask(fakes.segment, "/regulations", body, Authorization=basic(fakes.segment.write_key)).status == 401
    assert ask(fakes.segment, "/regulations", body, Authorization=token).status == 400
    assert (
        ask(fakes.segment, "/regulations", {**body, "subjectIds": body["subjectIds"][:5_000]}, Authorization=token).status
        == 200
    )
