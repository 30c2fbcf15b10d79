"""Erasure at each destination, and the receipt that it leaves."""

import asyncio
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from personalake.activation.answers import NotYet, Refused, Taken
from personalake.activation.connectors.base import HttpConnector
from personalake.activation.delivery import Name, State
from personalake.activation.erasure import ErasureReceipt, delete, delete_each
from personalake.activation.transport import ReplyLost, Request
from tests.activation.connectors.settings import connector_of
from tests.activation.connectors.test_answers import Replying, reply
from tests.activation.doubles import START, FakeClock


def erased(kind: str, transport: "Transporting", *people: str | Name, **settings: object) -> list[ErasureReceipt]:
    connector = connector_of(kind, **settings)
    assert isinstance(connector, HttpConnector)
    connector.transport = transport  # type: ignore[assignment]
    return delete(people, connector, FakeClock(), random.Random(1))


class Transporting(Replying):
    async def __aenter__(self) -> "Transporting":
        return self

    async def __aexit__(self, *failure: object) -> None:
        return None

    @property
    def asked(self) -> list[Request]:
        return [r for r in self.requests if "token" not in r.url and "/v3/auth/" not in r.url]


def hashed(person: str) -> str:
    return hashlib.sha256(person.encode()).hexdigest()


@pytest.mark.parametrize("kind", ["segment", "segment_suppression"])
def test_segment_suppresses_and_deletes_by_a_regulation(kind: str) -> None:
    transport = Transporting(reply(200, {"data": {"regulateId": "reg-1"}}))

    receipts = erased(kind, transport, "u1", "u2")

    (request,) = transport.asked
    assert (request.method, request.url) == ("POST", "https://api.segmentapis.com/regulations")
    assert json.loads(request.body) == {
        "regulationType": "SUPPRESS_WITH_DELETE",
        "subjectType": "USER_ID",
        "subjectIds": ["u1", "u2"],
    }
    assert receipts[0] == ErasureReceipt(hashed("u1"), "there", State.ACCEPTED, None, "reg-1", START)


def test_braze_deletes_fifty_external_ids_a_call() -> None:
    transport = Transporting(*[reply(201, {"deleted": 50, "message": "success"})] * 2)

    receipts = erased("braze_track", transport, *(f"u{n}" for n in range(60)))

    assert [len(json.loads(request.body)["external_ids"]) for request in transport.asked] == [50, 10]
    assert {receipt.state for receipt in receipts} == {State.ACCEPTED}
    assert len(receipts) == 60


def test_braze_deletes_what_looks_like_an_address_or_a_number_by_that_as_well() -> None:
    transport = Transporting(*[reply(201, {"deleted": n, "message": "success"}) for n in (3, 1, 1, 0, 1, 0)])

    receipts = erased("braze_track", transport, "u1", "ann@home.example", "+491701234567")

    # Two profiles have the address, one has the number: each is asked for until nobody has it.
    ids, mails, *again, phones, last = (json.loads(request.body) for request in transport.asked)
    assert (again, last) == ([mails, mails], phones)
    assert set(ids["external_ids"]) == {"u1", "ann@home.example", "+491701234567"}
    assert mails == {"email_addresses": [{"email": "ann@home.example", "prioritization": ["most_recently_updated"]}]}
    assert phones == {"phone_numbers": [{"phone": "+491701234567", "prioritization": ["most_recently_updated"]}]}
    assert {receipt.state for receipt in receipts} == {State.ACCEPTED}


def test_braze_is_asked_by_bare_numbers_where_it_takes_them_in_no_other_form() -> None:
    number, taken = Name("+491701234567", "phone"), reply(201, {"deleted": 1, "message": "success"})
    transport = Transporting(reply(400, {"message": "phone_numbers must be strings"}), taken)

    receipts = erased("braze_track", transport, number)

    assert json.loads(transport.asked[-1].body) == {"phone_numbers": ["+491701234567"]}
    assert [receipt.state for receipt in receipts] == [State.ACCEPTED]
    assert len(transport.asked) == 2


def test_braze_deletes_by_aliases_and_ids_of_its_own_where_syncs_name_people_so() -> None:
    transport = Transporting(*[reply(201, {"deleted": 1, "message": "success"})] * 3)

    erased("braze_track", transport, "u1", "5f" * 12, alias_labels=["crm"])

    _, aliases, own = (json.loads(request.body) for request in transport.asked)
    assert {one["alias_name"] for one in aliases["user_aliases"]} == {"u1", "5f" * 12}
    assert {one["alias_label"] for one in aliases["user_aliases"]} == {"crm"}
    assert own == {"braze_ids": ["5f" * 12]}


def test_braze_is_asked_by_the_kind_of_name_that_it_was_told_and_by_no_other() -> None:
    transport = Transporting(*[reply(201, {"deleted": n, "message": "success"}) for n in (1, 1, 1, 0)])
    named = [
        Name("77", "user_alias/crm"), Name("78", "user_alias/card"), Name("a@x.example", "external_id"),
        Name("b@x.example", "email"),
    ]  # fmt: skip

    receipts = erased("braze_track", transport, *named, alias_labels=["crm", "card"])

    found = [json.loads(request.body) for request in transport.asked]
    assert found[:3] == [
        {"external_ids": ["a@x.example"]},
        {"user_aliases": [{"alias_name": "77", "alias_label": "crm"}]},
        {"user_aliases": [{"alias_name": "78", "alias_label": "card"}]},
    ]
    assert [one["email"] for body in found[3:] for one in body["email_addresses"]] == ["b@x.example"]
    assert [receipt.identifier_hash for receipt in receipts] == [hashed(name.value) for name in named]


def test_salesforce_deletes_contacts_by_key() -> None:
    transport = Transporting(reply(200, {"operationInitiated": True, "operationID": 2038, "hasErrors": False}))

    (receipt,) = erased("sfmc_rows", transport, "c1")

    (request,) = transport.asked
    assert request.url.endswith("/contacts/v1/contacts/actions/delete?type=keys")
    assert json.loads(request.body) == {"values": ["c1"], "DeleteOperationType": "ContactAndAttributes"}
    assert receipt.reference == "2038"


def of_tealium(*replies: Any, host: str = "eu-central-1-platform.tealiumapis.com") -> Transporting:
    """Tealium's platform: tokens come with a host."""
    transport = Transporting(*replies)

    async def send(request: Request) -> object:
        transport.requests.append(request)
        return reply(200, {"token": "t", "host": host}) if "/v3/auth/" in request.url else transport.replies.pop(0)

    transport.send = send  # type: ignore[assignment,method-assign]
    return transport


def test_tealium_deletes_at_the_regional_host_and_nowhere_else() -> None:
    good, evil = of_tealium(reply(200, {"transactionId": "t1"})), of_tealium(host="evil.example")

    (receipt,) = erased("tealium", good, "a b&c")
    (refused,) = erased("tealium", evil, "v1")

    base = "https://eu-central-1-platform.tealiumapis.com/v3/privacy/visitor/accounts/acme/profiles/main"
    assert (good.asked[0].url, good.asked[0].body) == (base, b"attributeId=86&attributeValue=a+b%26c")
    assert (receipt.state, receipt.reference) == (State.ACCEPTED, "t1")
    assert evil.asked == []
    assert refused.state is State.PENDING


def test_tealium_is_asked_by_the_value_within_the_id_of_a_known_visitor() -> None:
    transport = of_tealium(reply(202, {"transactionId": "t1"}))

    erased("tealium", transport, "__acme_main__86_c 1__")

    assert transport.asked[0].body == b"attributeId=86&attributeValue=c+1"


def test_a_visitor_whom_tealium_does_not_have_is_deleted_and_not_asked_about() -> None:
    (receipt,) = erased("tealium", of_tealium(reply(404, b'Visitor not found in system { "transactionId": 86-c1 }')), "c1")

    assert (receipt.state, receipt.reference) == (State.ACCEPTED, None)


@pytest.mark.parametrize(
    ("status", "answer"),
    [("PENDING", NotYet()), ("SUCCESS", Taken(State.CONFIRMED)), ("FAILED", Refused("the deletion is FAILED"))],
)
def test_tealium_says_later_what_became_of_a_deletion(status: str, answer: Any) -> None:
    connector, transport = connector_of("tealium"), of_tealium(reply(200, {"t/1": status}))
    connector.transport = transport  # type: ignore[attr-defined]

    assert asyncio.run(connector.ask_erasure("t/1")) == answer
    assert transport.asked[0].url.endswith("/v3/privacy/visitor/accounts/acme/profiles/main/transactions/t%2F1")


@pytest.mark.parametrize("status", [202, 404])
def test_onesignal_deletes_a_user_who_may_be_gone_already(status: int) -> None:
    transport = Transporting(reply(status, {"errors": [{"title": "not found"}]} if status == 404 else {}))

    (receipt,) = erased("onesignal", transport, "u/1")

    assert (transport.asked[0].method, transport.asked[0].url) == (
        "DELETE",
        "https://api.onesignal.com/apps/app-1/users/by/external_id/u%2F1",
    )
    assert receipt.state is State.ACCEPTED


def test_onesignal_deletes_by_every_label_that_syncs_use_and_a_device_by_its_own_id() -> None:
    gone = {"errors": [{"title": "not found"}]}
    device = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
    transport = Transporting(reply(404, gone), reply(202, {}), reply(404, gone), reply(404, gone), reply(200, {}))

    receipts = erased("onesignal", transport, "u1", device, alias_labels=["external_id", "crm"])

    found = {request.url.removeprefix("https://api.onesignal.com/apps/app-1/") for request in transport.asked}
    assert {request.method for request in transport.asked} == {"DELETE"}
    assert found == {
        "users/by/external_id/u1", "users/by/crm/u1", f"users/by/external_id/{device}", f"users/by/crm/{device}",
        f"subscriptions/{device}",
    }  # fmt: skip
    assert {receipt.state for receipt in receipts} == {State.ACCEPTED}


def test_onesignal_is_asked_by_the_label_under_which_it_was_told_and_by_no_other() -> None:
    device = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
    transport = Transporting(*[reply(202, {})] * 4)
    labelled = [Name("77", "crm"), Name("77", "card"), Name(device, "external_id"), Name(device, "subscription_id")]

    receipts = erased("onesignal", transport, *labelled, alias_labels=["external_id", "crm", "card"])

    found = [request.url.removeprefix("https://api.onesignal.com/apps/app-1/") for request in transport.asked]
    assert sorted(found) == [
        f"subscriptions/{device}", "users/by/card/77", "users/by/crm/77", f"users/by/external_id/{device}"
    ]  # fmt: skip
    assert [receipt.identifier_hash for receipt in receipts] == [hashed(name.value) for name in labelled]


def test_a_lost_reply_is_asked_again_because_erasing_twice_is_erasing_once() -> None:
    transport = Transporting(ReplyLost("TimeoutError"), reply(201, {"deleted": 1, "message": "success"}))

    (receipt,) = erased("braze_track", transport, "u1")

    assert len(transport.asked) == 2
    assert receipt.state is State.ACCEPTED


def test_a_destination_that_hangs_is_given_up_once_a_run_and_not_for_each_request() -> None:
    tries = 3
    transport = Transporting(*[ReplyLost("TimeoutError")] * (4 * tries))
    connector = connector_of("braze_track", patience={"max_tries": tries})
    connector.transport = transport  # type: ignore[attr-defined]

    receipts = delete_each([["ann-4711"], ["bob"], ["zoe", "zoe2"]], connector, FakeClock(), random.Random(1))

    assert len(transport.asked) == tries
    (ann,), (bob,), zoe = receipts
    assert ann.state is State.UNKNOWN
    assert bob.reason == f"not asked: an earlier request of this run was left unknown: {ann.reason}"
    assert {receipt.state for receipt in (bob, *zoe)} == {State.PENDING}
    assert [receipt.identifier_hash for receipt in (bob, *zoe)] == [hashed("bob"), hashed("zoe"), hashed("zoe2")]
    assert "TimeoutError" in str(bob.reason)


def test_requests_leave_one_by_one_over_one_connector_and_a_refusal_keeps_nobody_from_being_asked() -> None:
    done = reply(201, {"deleted": 1, "message": "success"})
    transport = Transporting(done, reply(400, {"message": "no such user"}), done)
    connector = connector_of("braze_track")
    connector.transport = transport  # type: ignore[attr-defined]

    receipts = delete_each([["ann"], ["bob"], ["zoe"]], connector, FakeClock(), random.Random(1))

    assert [[receipt.state for receipt in one] for one in receipts] == [
        [State.ACCEPTED], [State.REJECTED], [State.ACCEPTED],
    ]  # fmt: skip
    assert [json.loads(request.body)["external_ids"] for request in transport.asked] == [["ann"], ["bob"], ["zoe"]]


def test_a_destination_that_refuses_the_account_leaves_receipts_that_are_pending() -> None:
    receipts = erased("braze_send", Transporting(reply(401, {})), *(f"u{n}" for n in range(120)), max_in_flight=1)

    assert {receipt.state for receipt in receipts} == {State.PENDING}
    assert len(receipts) == 120


def test_nobody_is_kept_at_fcm_and_file_readers_get_a_list(tmp_path: Path) -> None:
    (at_fcm,) = delete(["u1"], connector_of("fcm"), FakeClock(), random.Random(1))
    receipts = delete(["u1", "u2"], connector_of("csv_drop", tmp_path), FakeClock(), random.Random(1))

    (file,) = tmp_path.glob("erasure_personalake_*.csv")
    assert at_fcm.state is State.ACCEPTED
    assert file.read_bytes() == b"erased_id\r\nu1\r\nu2\r\n"
    assert {receipt.state for receipt in receipts} == {State.ACCEPTED}


def test_a_folder_that_tealium_reads_gets_no_list(tmp_path: Path) -> None:
    (receipt,) = delete(["u1"], connector_of("tealium_file", tmp_path), FakeClock(), random.Random(1))

    assert (receipt.state, receipt.reason) == (
        State.REJECTED,
        "Tealium reads no lists of people to forget; it deletes by a connection of kind tealium",
    )
    assert not list(tmp_path.iterdir())


def test_a_receipt_does_not_hold_whom_it_is_about() -> None:
    (receipt,) = erased("segment", Transporting(reply(400, {"message": "no user ann-4711"})), "ann-4711")

    assert receipt.state is State.REJECTED
    assert "ann-4711" not in str(receipt)
