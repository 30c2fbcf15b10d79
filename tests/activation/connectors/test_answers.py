"""What comes back, understood: a status, a body, and what that means for each item."""

import asyncio
import json
from typing import Any

import pytest

from personalake.activation.answers import Again, Answer, Lost, NotYet, Refused, Stop, Taken
from personalake.activation.connectors.base import HttpConnector
from personalake.activation.delivery import Delivery, Pack, State
from personalake.activation.reasons import told
from personalake.activation.receipts.addresses import GONE
from personalake.activation.transport import Reply, ReplyLost, Request, Unreached
from tests.activation.connectors.settings import SETTINGS, connector_of
from tests.activation.doubles import sent

HTTP = sorted(set(SETTINGS) - {"email", "csv_drop", "object_store", "tealium_file"})
OPERATIONS = {
    "braze_track": ["event", "attributes", "event"],
    "braze_send": ["send"] * 3,
}


class Replying:
    """A transport that has its replies already; tokens are always granted."""

    def __init__(self, *replies: Reply | Exception) -> None:
        self.replies = list(replies)
        self.requests: list[Request] = []

    async def __aenter__(self) -> "Replying":
        return self

    async def __aexit__(self, *raised: Any) -> None: ...

    async def send(self, request: Request) -> Reply:
        if request.url.endswith(("/token", "/v2/token")) or "/v3/auth/" in request.url:
            self.requests.append(request)
            return reply(200, {"access_token": f"t{len(self.requests)}", "token": f"t{len(self.requests)}"})
        self.requests.append(request)
        found = self.replies.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


def reply(status: int, body: Any = None, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def answered(kind: str, *replies: Reply | Exception, ask: str | None = None) -> tuple[Any, Replying]:
    connector = connector_of(kind)
    assert isinstance(connector, HttpConnector)
    transport = Replying(*replies)
    connector.transport = transport  # type: ignore[assignment]
    ones = tuple(
        Delivery(f"d{n}", f"p{n}", operation, payload_of(kind, n))
        for n, operation in enumerate(
            OPERATIONS.get(kind, ["x"] * (1 if connector.declaration.limits.max_items == 1 else 3))
        )
    )
    pack = Pack("p1", connector.group_of(ones[0]), ones, 10)
    return asyncio.run(connector.ask(pack, ask) if ask else connector.post(pack)), transport


def payload_of(kind: str, n: int) -> str:
    if kind == "onesignal":
        content = {"target_channel": "push", "contents": {"en": "x"}}
        return json.dumps({**content, "include_aliases": {"external_id": [f"u{n}"]}})
    if kind == "onesignal_user":
        return json.dumps({"alias_label": "external_id", "alias_id": f"u{n}", "properties": {"tags": {"a": "b"}}})
    if kind == "segment_suppression":
        return json.dumps({"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectId": f"u{n}"})
    if kind == "braze_subscription":
        return json.dumps({"subscription_group_id": "g", "subscription_state": "subscribed", "external_id": f"u{n}"})
    if kind == "braze_send":
        return json.dumps({"campaign_id": "c", "recipients": [{"external_user_id": f"u{n}"}]})
    return json.dumps({"external_id": f"u{n}"})


@pytest.mark.parametrize("kind", HTTP)
@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (reply(429, {}, Retry_After="7"), Again("status 429: too many requests", 7.0, is_pause=True)),
        (reply(429, {}, X_RateLimit_Reset="1767225609"), Again("status 429: too many requests", 9.0, is_pause=True)),
        (reply(500, {}), Again("status 500")),
        (reply(503, {}, Retry_After="30"), Again("status 503: too many requests", 30.0, is_pause=True)),
        (reply(408, {}), Again("status 408")),
        (reply(502, {}), Lost("status 502")),
        (reply(520, {}), Lost("status 520")),
        (reply(524, {}), Lost("status 524")),
        (reply(521, {}), Again("status 521")),
        (reply(504, b"<html>"), Lost("status 504")),
        (reply(400, b"<!DOCTYPE html>"), Again("status 400 with a page")),
        (reply(200, b"<!doctype html>welcome"), Lost("status 200 with a page")),
        (reply(200, b"\n<HTML lang=en>welcome"), Lost("status 200 with a page")),
        (Unreached("ClientConnectorError"), Again("not reached: ClientConnectorError")),
        (ReplyLost("TimeoutError"), Lost("no reply: TimeoutError")),
    ],
)
def test_every_http_connector_understands_what_all_have_in_common(
    kind: str, given: Reply | Exception, answer: Answer
) -> None:
    assert answered(kind, given)[0] == answer


@pytest.mark.parametrize("kind", HTTP)
@pytest.mark.parametrize("status", [403, 404, 302])
def test_every_http_connector_stops_at_an_account_error_or_a_redirect(kind: str, status: int) -> None:
    assert isinstance(answered(kind, reply(status, {}))[0], Stop)


@pytest.mark.parametrize("kind", HTTP)
def test_a_token_that_was_revoked_is_replaced_once_and_a_second_refusal_stops(kind: str) -> None:
    answer, transport = answered(kind, reply(401, {}), reply(401, {}))

    assert isinstance(answer, Stop)
    bearers = [request.headers["Authorization"] for request in transport.requests if "Authorization" in request.headers]
    if kind in ("tealium", "fcm") or kind.startswith("sfmc"):
        assert len(set(bearers)) == 2
    else:
        assert len(transport.requests) == 1


@pytest.mark.parametrize("kind", sorted(set(HTTP) - {"tealium", "webhook", "sfmc_rowset"}))
def test_a_success_that_is_not_the_vendors_json_is_in_doubt(kind: str) -> None:
    assert isinstance(answered(kind, reply(200, b"OK"))[0], Lost)


def test_segment_takes_all_or_nothing() -> None:
    assert answered("segment", reply(200, {"success": True}))[0] == Taken()
    assert answered("segment", reply(400, {"message": "bad"}))[0] == Refused("status 400: bad")
    assert isinstance(answered("segment", reply(200, {"success": False}))[0], Refused)


def test_braze_success_with_errors_names_items_by_list_and_index() -> None:
    errors = [{"type": "'name' is required", "input_array": "events", "index": 1}]

    answer, _ = answered("braze_track", reply(201, {"message": "success", "errors": errors}))
    doubtful, _ = answered("braze_track", reply(201, {"message": "success", "errors": [*errors, {"type": "x", "index": 9}]}))

    assert answer == Taken(refused={2: "'name' is required"})
    assert isinstance(doubtful, Lost)  # something else of the request was not taken, and nobody knows what


@pytest.mark.parametrize(("kind", "expected"), [("braze_send", Lost), ("braze_subscription", Refused)])
def test_braze_success_with_errors_that_name_nobody_is_none_for_all(kind: str, expected: type) -> None:
    told = reply(201, {"message": "success", "errors": ["a minor error"]})

    assert isinstance(answered(kind, told)[0], expected)


def test_braze_keeps_the_dispatch_of_a_send_and_confirms_a_state() -> None:
    sent = reply(201, {"message": "success", "dispatch_id": "d-1"})

    assert answered("braze_send", sent)[0] == Taken(reference="d-1")
    assert answered("braze_subscription", reply(201, {"message": "success"}))[0] == Taken(State.CONFIRMED)


def test_braze_refuses_a_request_for_an_item() -> None:
    assert answered("braze_track", reply(400, {"message": "bad item"}))[0] == Refused("status 400: bad item")


@pytest.mark.parametrize(
    ("status", "code", "answer"),
    [
        (404, "UNREGISTERED", Refused("UNREGISTERED")),
        (400, "INVALID_ARGUMENT", Refused("INVALID_ARGUMENT")),
        (403, "SENDER_ID_MISMATCH", Refused("SENDER_ID_MISMATCH")),
        (401, "THIRD_PARTY_AUTH_ERROR", Stop),
        (403, "PERMISSION_DENIED", Stop),
        (429, "QUOTA_EXCEEDED", Again("status 429: too many requests", 60, is_pause=True)),
    ],
)
def test_fcm_tells_a_bad_token_from_a_bad_project(status: int, code: str, answer: Any) -> None:
    body = {"error": {"code": status, "status": "X", "details": [{"errorCode": code}]}}

    found, _ = answered("fcm", *[reply(status, body)] * 2)

    assert found == answer or (isinstance(answer, type) and isinstance(found, answer))


def test_fcm_keeps_the_name_of_the_message() -> None:
    assert answered("fcm", reply(200, {"name": "projects/p/messages/1"}))[0] == Taken(reference="projects/p/messages/1")


def test_what_fcm_only_checks_does_not_count_as_sent() -> None:
    connector = connector_of("fcm", validate_only=True)
    assert isinstance(connector, HttpConnector)
    connector.transport = Replying(reply(200, {"name": "projects/p/messages/fake_message_id"}))  # type: ignore[assignment]

    message = '{"token":"t1","notification":{"title":"Hi"}}'
    report, journal = sent([Delivery("d", "p", "message", message)], connector)

    assert journal.outcomes["d"].state is State.PENDING
    assert journal.outcomes["d"].reason == "found right by Firebase, and not delivered: validate_only is on"
    assert report.states == {"pending": 1}


def test_a_check_by_fcm_whose_reply_is_lost_is_made_again_and_leaves_the_message_waiting() -> None:
    connector = connector_of("fcm", validate_only=True, patience={"max_tries": 2})
    assert isinstance(connector, HttpConnector)
    checked = reply(200, {"name": "projects/p/messages/fake_message_id"})
    transport = Replying(ReplyLost("TimeoutError"), checked, ReplyLost("TimeoutError"), reply(502))
    connector.transport = transport  # type: ignore[assignment]

    message = '{"token":"t1","notification":{"title":"Hi"}}'
    states = [sent([Delivery(name, "p", "message", message)], connector)[1].states for name in "ab"]

    assert states == [{"a": "pending"}, {"b": "pending"}]
    assert transport.replies == []


def test_fcm_asks_google_for_a_token_and_not_the_host_in_the_key_file() -> None:
    _, transport = answered("fcm", reply(200, {"name": "m"}))

    assert transport.requests[0].url == "https://oauth2.googleapis.com/token"
    assert b"assertion=" in transport.requests[0].body


@pytest.mark.parametrize(
    ("errors", "gone"),
    [
        (["All included players are not subscribed"], set()),
        ({"invalid_aliases": {"external_id": ["u0"]}}, {0}),
        ({"invalid_subscription_ids": ["u0", "u1", "u2"]}, {0, 1, 2}),
    ],
)
def test_onesignal_without_an_id_has_sent_nothing_and_names_who_is_gone(errors: Any, gone: set[int]) -> None:
    answer, _ = answered("onesignal", reply(200, {"id": "", "errors": errors}))

    assert sorted(answer.refused) == [0, 1, 2]
    assert {place for place, why in answer.refused.items() if why in GONE["onesignal"]} == gone


def test_onesignal_leaves_out_devices_that_are_not_subscribed() -> None:
    answer, _ = answered("onesignal", reply(200, {"id": "n1", "errors": {"invalid_player_ids": ["u1"]}}))

    assert answer == Taken(refused={1: "not a subscriber there"}, reference="n1")


@pytest.mark.parametrize(
    "errors", [{"invalid_aliases": {"external_id": ["u1", "u1"]}}, {"invalid_external_user_ids": ["u1"]}]
)
def test_a_user_with_a_device_that_is_not_subscribed_may_have_got_it_on_another_one(errors: Any) -> None:
    answer, _ = answered("onesignal", reply(200, {"id": "n1", "errors": errors}))

    assert answer == Taken(reference="n1")


def test_a_user_whom_onesignal_does_not_know_is_said_in_words_that_no_payload_changes() -> None:
    answer, _ = answered("onesignal_user", reply(404, {"errors": [{"code": "user-2", "title": "User not found"}]}))

    assert isinstance(answer, Refused)
    assert answer.reason in GONE["onesignal_user"]
    assert told(answer.reason, '{"tags": {"kind": "user", "where": "there"}}') == answer.reason


def test_onesignal_says_what_is_wrong_in_two_envelopes() -> None:
    assert answered("onesignal", reply(400, {"errors": ["bad"]}))[0] == Refused('status 400: ["bad"]')
    assert isinstance(answered("onesignal", reply(400, {"errors": [{"code": "x", "title": "bad"}]}))[0], Refused)


@pytest.mark.parametrize("error", ["This app has been disabled", {"code": "app-1", "title": "The app was not found"}])
@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("kind", ["onesignal", "onesignal_user"])
def test_onesignal_without_its_app_stops(kind: str, status: int, error: Any) -> None:
    assert isinstance(answered(kind, reply(status, {"errors": [error]}))[0], Stop)


def test_salesforce_codes_stop_or_pause_the_account() -> None:
    stopped = answered("sfmc_rows", reply(400, {"resultMessages": [{"resultCode": "50200", "message": "limit"}]}))[0]
    paused = answered("sfmc_rows", reply(429, {"errorcode": 50100}, Retry_After="20"))[0]

    assert isinstance(stopped, Stop)
    assert paused == Again("status 429, code 50100", 20.0, is_pause=True)


def test_a_salesforce_request_is_only_queued() -> None:
    answer, _ = answered("sfmc_rows", reply(202, {"requestId": "r-1", "resultMessages": []}))

    assert answer == Taken(reference="r-1", ask_later=True)


def done(result: str, request: str = "Complete") -> Reply:
    return reply(200, {"status": {"requestStatus": request, "resultStatus": result, "hasErrors": result != "OK"}})


@pytest.mark.parametrize(
    ("replies", "answer"),
    [
        ([done("OK")], Taken(State.CONFIRMED, reference="r")),
        ([done("OK", "Pending")], NotYet()),
        ([done("Has Errors", "Error")], NotYet("the queue says Error: no reason given")),
        ([reply(200, {"requestId": "r"})], NotYet()),
        (
            [
                done("Has Errors"),
                reply(200, {"items": [{"status": "OK"}, {"status": "Error", "message": "too long"}]}),
                reply(200, {"items": [{"status": "Error", "message": "Deadlock. Rerun the transaction."}]}),
            ],
            Taken(State.CONFIRMED, {1: "row: too long"}, {2: "Deadlock. Rerun the transaction."}, "r"),
        ),
        ([done("Has Errors"), reply(200, {"items": [{"status": "OK"}]}), reply(200, {"items": []})], NotYet()),
    ],
)
def test_salesforce_results_are_read_row_by_row_over_all_pages(replies: list[Reply], answer: Any) -> None:
    assert answered("sfmc_rows", *replies, ask="r")[0] == answer


def test_a_salesforce_rowset_is_sometimes_refused_for_a_moment() -> None:
    transient = {"errorcode": 10006, "message": "Unable to save rows"}

    assert isinstance(answered("sfmc_rowset", reply(400, transient))[0], Again)
    refused = {**transient, "additionalErrors": [{"message": "no such column"}]}
    assert answered("sfmc_rowset", reply(400, refused))[0] == Refused("status 400: no such column")
    assert answered("sfmc_rowset", reply(200, []))[0] == Taken(State.CONFIRMED)


def test_tealium_and_webhooks_need_no_body() -> None:
    assert answered("tealium", reply(200))[0] == Taken()
    missing = "Missing required tealium_account or tealium_profile param value"
    assert answered("tealium", reply(200, X_Error=missing))[0] == Refused(f"status 200: {missing}")
    assert answered("webhook", reply(204))[0] == Taken()
    assert answered("webhook", reply(422, {"detail": "no"}))[0] == Refused("status 422: no")
    desk = {"error": "RecordInvalid", "description": "Record validation errors", "details": {"priority": ["is not one"]}}
    assert answered("webhook", reply(422, desk))[0] == Refused('status 422: RecordInvalid {"priority": ["is not one"]}')


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ("FINISHED", Taken(State.CONFIRMED)),
        ("RUNNING", NotYet()),
        ("FAILED", Taken(refused=dict.fromkeys(range(3), "the regulation is FAILED"), reference="r1")),
    ],
)
def test_a_segment_regulation_is_asked_about_until_it_ends_well_or_not(status: str, answer: Any) -> None:
    found, transport = answered(
        "segment_suppression", reply(200, {"data": {"regulation": {"overallStatus": status}}}), ask="r1"
    )

    assert found == answer
    assert transport.requests[0].url == "https://api.segmentapis.com/regulations/r1"


@pytest.mark.parametrize(
    ("operation", "background", "answer"),
    [
        ("Completed", [], NotYet()),  # suppressed so far
        ("Completed", ["Processing"], NotYet()),
        ("Completed", ["Completed"], Taken(State.CONFIRMED)),
        ("Completed", ["Aborted"], Refused("the deletion is Aborted")),
        ("Failed", [], Refused("the deletion is Failed")),
    ],
)
def test_salesforce_has_deleted_once_the_background_has(operation: str, background: list[str], answer: Any) -> None:
    connector = connector_of("sfmc_rows")
    states = [{"backgroundOperationStatusID": state} for state in background]
    body = {"operation": {"status": operation}, "backgroundOperationsSummary": states}
    connector.transport = Replying(reply(200, body))  # type: ignore[attr-defined]

    assert asyncio.run(connector.ask_erasure("7")) == answer
