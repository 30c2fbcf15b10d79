from typing import Any

import pytest

from tests.fakes import Fakes, Step
from tests.fakes.ask import Told, ask

ROWS = "/data/v1/async/dataextensions/key:people/rows"
ROWSET = "/hub/v1/dataevents/key:people/rowset"


def login(fakes: Fakes, **changes: Any) -> Told:
    credentials = {"client_id": fakes.salesforce.client_id, "client_secret": fakes.salesforce.client_secret}
    return ask(fakes.salesforce, "/v2/token", {"grant_type": "client_credentials", **credentials, **changes})


@pytest.fixture
def token(fakes: Fakes) -> str:
    return f"Bearer {login(fakes).body['access_token']}"


def queue(fakes: Fakes, token: str, *rows: Any, method: str = "PUT", path: str = ROWS) -> Told:
    return ask(fakes.salesforce, path, {"items": rows}, method=method, Authorization=token)


def get(fakes: Fakes, token: str, request: str, what: str) -> Any:
    return ask(fakes.salesforce, f"/data/v1/async/{request}/{what}", method="GET", Authorization=token).body


def rows(fakes: Fakes) -> dict[str, Any]:
    return fakes.salesforce.state()["rows"]["people"]  # type: ignore[no-any-return]


def test_a_token_needs_the_secret_and_lives_for_eighteen_minutes(fakes: Fakes, token: str) -> None:
    refused = login(fakes, client_secret="wrong")

    assert (refused.status, refused.body["error"]) == (401, "invalid_client")
    assert login(fakes, grant_type="password").status == 400
    assert queue(fakes, token, {"SubscriberKey": "p-1"}).status == 202
    fakes.advance(1_080)
    told = queue(fakes, token, {"SubscriberKey": "p-1"})
    assert (told.status, told.body["message"], told.body["errorcode"]) == (401, "Not Authorized", 0)


def test_an_upsert_is_accepted_then_pending_then_complete_and_ends_up_once(fakes: Fakes, token: str) -> None:
    told = queue(fakes, token, {"SubscriberKey": "p-1", "tier": "gold"}, {"SubscriberKey": "p-2", "tier": "new"})
    queue(fakes, token, {"SubscriberKey": "p-1", "city": "Rome"})
    request = told.body["requestId"]

    first, second = (get(fakes, token, request, "status")["status"] for _ in range(2))

    assert (told.status, told.body["resultMessages"]) == (202, [])
    assert (first["requestStatus"], second["requestStatus"]) == ("Pending", "Complete")
    assert (second["resultStatus"], second["hasErrors"]) == ("OK", False)
    assert fakes.salesforce.digest()["rows"]["count"] == 2
    assert rows(fakes) == {
        "p-1": {"SubscriberKey": "p-1", "tier": "gold", "city": "Rome"},
        "p-2": {"SubscriberKey": "p-2", "tier": "new"},
    }


def test_results_come_fifty_to_a_page_in_the_order_of_the_rows(fakes: Fakes, token: str) -> None:
    sent: list[dict[str, Any]] = [{"SubscriberKey": f"p-{number}"} for number in range(120)]
    sent[70] = {"tier": "gold"}
    request = queue(fakes, token, *sent).body["requestId"]
    get(fakes, token, request, "status")
    status = get(fakes, token, request, "status")["status"]

    pages = [get(fakes, token, request, f"results?page={page}") for page in (1, 2, 3, 4)]

    assert (status["resultStatus"], status["hasErrors"]) == ("HasErrors", True)
    assert [len(page["items"]) for page in pages] == [50, 50, 20, 0]
    assert [page["count"] for page in pages] == [120] * 4
    assert [item["status"] for item in pages[1]["items"]].index("Error") == 20
    assert len(rows(fakes)) == 119


def test_two_rows_with_one_key_in_a_request_deadlock(fakes: Fakes, token: str) -> None:
    request = queue(fakes, token, {"SubscriberKey": "p-1", "n": 1}, {"SubscriberKey": "p-1", "n": 2}).body["requestId"]
    get(fakes, token, request, "status")

    items = get(fakes, token, request, "results")["items"]

    assert [item["status"] for item in items] == ["OK", "Error"]
    assert "Rerun the transaction" in items[1]["message"]
    assert rows(fakes)["p-1"]["n"] == 1


def test_an_insert_of_a_key_that_is_there_is_an_error_of_its_row(fakes: Fakes, token: str) -> None:
    queue(fakes, token, {"SubscriberKey": "p-1"})
    told = queue(fakes, token, {"SubscriberKey": "p-1", "n": 2}, {"SubscriberKey": "p-2"}, method="POST")
    get(fakes, token, told.body["requestId"], "status")

    items = get(fakes, token, told.body["requestId"], "results")["items"]

    assert [item["status"] for item in items] == ["Error", "OK"]
    assert items[0]["message"].startswith("Violation of PRIMARY KEY constraint")
    assert rows(fakes)["p-1"] == {"SubscriberKey": "p-1"}


def test_columns_have_lengths_and_no_others_exist(fakes: Fakes, token: str) -> None:
    fakes.salesforce.configure(
        data_extensions={"people": {"keys": ["SubscriberKey"], "columns": {"SubscriberKey": 50, "tier": 4}}}
    )
    token = f"Bearer {login(fakes).body['access_token']}"
    told = queue(
        fakes,
        token,
        {"SubscriberKey": "p-1", "tier": "gold"},
        {"SubscriberKey": "p-2", "tier": "silver"},
        {"SubscriberKey": "p-3", "colour": "red"},
    )
    get(fakes, token, told.body["requestId"], "status")

    items = get(fakes, token, told.body["requestId"], "results")["items"]

    assert [item["status"] for item in items] == ["OK", "Error", "Error"]
    assert list(rows(fakes)) == ["p-1"]


@pytest.mark.parametrize("body", [[], [{}], [{"SubscriberKey": {"nested": 1}}], ["p-1"]])
def test_a_request_that_is_not_as_documented_is_refused(fakes: Fakes, token: str, body: list[Any]) -> None:
    told = queue(fakes, token, *body)

    assert told.status == 400
    assert told.body["resultMessages"][0]["resultType"] == "Error"


def test_an_unknown_data_extension_too_many_rows_and_too_many_bytes_are_refused(fakes: Fakes, token: str) -> None:
    fakes.salesforce.configure(max_rows=2, max_bytes=200)
    row = {"SubscriberKey": "p-1"}

    assert queue(fakes, token, row, path=ROWS.replace("people", "nobody")).status == 400
    assert queue(fakes, token, row, row, row).status == 400
    assert queue(fakes, token, {**row, "text": "x" * 200}).status == 413


def test_an_external_key_is_found_as_the_path_spells_it(fakes: Fakes) -> None:
    fakes.salesforce.configure(data_extensions={"All people": {"keys": ["SubscriberKey"]}})
    token = f"Bearer {login(fakes).body['access_token']}"

    told = queue(fakes, token, {"SubscriberKey": "p-1"}, path=ROWS.replace("people", "All%20people"))

    assert told.status == 202
    assert list(fakes.salesforce.state()["rows"]["All people"]) == ["p-1"]


def test_results_are_forgotten_after_a_day(fakes: Fakes, token: str) -> None:
    request = queue(fakes, token, {"SubscriberKey": "p-1"}).body["requestId"]
    fakes.advance(86_401)
    token = f"Bearer {login(fakes).body['access_token']}"

    assert get(fakes, token, request, "status")["resultMessages"]


def test_a_rowset_is_written_up_to_its_first_bad_row(fakes: Fakes, token: str) -> None:
    fakes.salesforce.configure(
        data_extensions={"people": {"keys": ["SubscriberKey"], "columns": {"SubscriberKey": 9, "n": 1}}}
    )
    token = f"Bearer {login(fakes).body['access_token']}"
    sent = [{"keys": {"SubscriberKey": f"p-{n}"}, "values": {"n": "x" * n}} for n in (1, 2, 0)]

    told = ask(fakes.salesforce, ROWSET, sent, Authorization=token)

    assert (told.status, told.body["errorcode"]) == (400, 10006)
    assert told.body["additionalErrors"][0]["message"]
    assert list(rows(fakes)) == ["p-1"]
    assert ask(fakes.salesforce, ROWSET, sent[:1], Authorization=token).body == sent[:1]


@pytest.mark.parametrize(
    "sent",
    [
        [{"keys": {"SubscriberKey": "p"}, "values": {"n": 1}}] * 51,
        [{"keys": {"Email": "p"}, "values": {"n": 1}}],
        [{"keys": {"SubscriberKey": "p"}}],
    ],
)
def test_a_rowset_beyond_its_limits_is_refused(fakes: Fakes, token: str, sent: Any) -> None:
    assert ask(fakes.salesforce, ROWSET, sent, Authorization=token).status == 400
    assert rows(fakes) == {}


def test_a_row_may_have_more_columns_than_are_advised_unless_a_limit_is_set(fakes: Fakes, token: str) -> None:
    row = [{"keys": {"SubscriberKey": "p"}, "values": {f"c{n}": 1 for n in range(50)}}]

    assert ask(fakes.salesforce, ROWSET, row, Authorization=token).status == 200
    fakes.salesforce.configure(max_columns=50)
    assert ask(fakes.salesforce, ROWSET, row, Authorization=token).status == 400


def test_a_contact_enters_a_journey_as_often_as_it_is_sent_until_it_is_deleted(fakes: Fakes, token: str) -> None:
    fakes.salesforce.configure(events=["welcome"])
    queue(fakes, token, {"SubscriberKey": "p-1"}, {"SubscriberKey": "p-2"})
    event = {"ContactKey": "p-1", "EventDefinitionKey": "welcome", "Data": {"offer": "A"}}
    enter = "/interaction/v1/events"

    entered = [ask(fakes.salesforce, enter, event, Authorization=token).status for _ in range(2)]
    unknown = ask(fakes.salesforce, enter, {**event, "EventDefinitionKey": "goodbye"}, Authorization=token)
    deletion = ask(
        fakes.salesforce,
        "/contacts/v1/contacts/actions/delete?type=keys",
        {"values": ["p-1"], "DeleteOperationType": "ContactAndAttributes"},
        Authorization=token,
    )

    assert entered == [201, 201]
    assert (unknown.status, unknown.body["errorcode"]) == (400, 30003)
    assert deletion.body["operationInitiated"] is True
    assert fakes.salesforce.state()["events"] == [event, event]
    assert fakes.salesforce.state()["deleted"] == ["p-1"]
    assert list(rows(fakes)) == ["p-2"]
    assert ask(fakes.salesforce, enter, event, Authorization=token).status == 400


def test_what_a_journey_calls_an_entry_is_not_for_the_sender_to_say(fakes: Fakes, token: str) -> None:
    event = {"ContactKey": "p-1", "EventDefinitionKey": "welcome", "Data": {"eventInstanceId": "mine"}}

    told = ask(fakes.salesforce, "/interaction/v1/events", event, Authorization=token)

    assert fakes.salesforce.state()["events"][0]["Data"] == told.body != event["Data"]


def test_an_entry_beyond_ascii_says_that_it_is_utf_8(fakes: Fakes, token: str) -> None:
    event = {"ContactKey": "p-1", "EventDefinitionKey": "welcome", "Data": {"city": "Köln"}}

    def enter(content_type: str) -> int:
        headers: dict[str, Any] = {"Content_Type": content_type, "Authorization": token}
        return ask(fakes.salesforce, "/interaction/v1/events", event, **headers).status

    assert (enter("application/json"), enter("application/json; charset=UTF-8")) == (400, 201)


def test_slower_and_blocked_are_told_apart_by_their_code(fakes: Fakes, token: str) -> None:
    fakes.salesforce.script(Step("throttle", at=[1], wait=5), Step("blocked", at=[2]))

    slower, blocked = (queue(fakes, token, {"SubscriberKey": "p-1"}) for _ in range(2))

    assert (slower.status, slower.body["errorcode"], slower.headers["retry-after"]) == (429, 50100, "5")
    assert (blocked.status, blocked.body["errorcode"]) == (429, 50200)
    assert "retry-after" not in blocked.headers
    assert rows(fakes) == {}


def test_a_queue_that_ends_in_error_and_a_transient_400(fakes: Fakes, token: str) -> None:
    fakes.salesforce.script(Step("aborted", at=[1]), Step("transient", path="rowset", at=[1]))
    request = queue(fakes, token, {"SubscriberKey": "p-1"}).body["requestId"]
    get(fakes, token, request, "status")

    transient = ask(fakes.salesforce, ROWSET, [{"keys": {"SubscriberKey": "p"}, "values": {"n": 1}}], Authorization=token)

    assert get(fakes, token, request, "status")["status"]["requestStatus"] == "Error"
    assert (transient.status, transient.body["errorcode"], "additionalErrors" in transient.body) == (400, 10006, False)
    assert rows(fakes) == {}


def test_rows_that_the_script_wants_refused_are_errors_of_their_own(fakes: Fakes, token: str) -> None:
    fakes.salesforce.script(Step("partial", at=[1], share=0.5))
    request = queue(fakes, token, *[{"SubscriberKey": f"p-{n}"} for n in range(4)]).body["requestId"]
    get(fakes, token, request, "status")

    assert [item["status"] for item in get(fakes, token, request, "results")["items"]] == ["Error", "OK", "Error", "OK"]
    assert list(rows(fakes)) == ["p-1", "p-3"]
