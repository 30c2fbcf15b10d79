"""Against the fakes: erasure that reaches the vendor, limits that hold, a pace that is kept."""

import json
import random
from dataclasses import replace

import pytest

from personalake.activation.delivery import Delivery, State
from personalake.activation.erasure import delete
from personalake.activation.sending import send
from personalake.pipelines.system_clock import SystemClock
from tests.activation.doubles import MemoryJournal, sent
from tests.activation.matrix import CASES, TodaysClock
from tests.fakes import Fakes, Step
from tests.fakes.fixtures import fakes, started_fakes

__all__ = ["fakes", "started_fakes"]


@pytest.mark.parametrize("kind", ["segment", "braze_track", "sfmc_rows", "onesignal", "tealium"])
def test_who_is_erased_is_named_to_the_vendor_even_if_a_reply_is_lost(fakes: Fakes, kind: str) -> None:
    case = CASES[kind]
    handle = getattr(fakes, case.vendor)
    handle.configure(**case.configure)
    people = ["p0", "p1", "p2"] if kind != "tealium" else ["v0", "v1", "v2"]
    sent(case.deliveries(6), case.connector(fakes, TodaysClock()), clock=TodaysClock())
    handle.script(Step("lost", at=[1]))
    more = {"api_endpoint": handle.url} if kind == "segment" else {}
    known = case.secrets(handle) | ({"secret://segment/token": handle.api_token} if kind == "segment" else {})

    receipts = delete(
        people,
        type(case)(**{**case.__dict__, "secrets": lambda handle: known}).connector(fakes, TodaysClock(), **more),
        TodaysClock(),
        random.Random(1),
    )

    assert {receipt.state for receipt in receipts} == {State.ACCEPTED}
    assert set(people) <= set(handle.state()["deleted"])


def test_a_help_desk_opens_each_ticket_once_although_a_reply_is_lost(fakes: Fakes) -> None:
    fakes.webhook.configure(is_desk=True)
    fakes.webhook.script(Step("lost", at=[2]))
    said = [
        {"subject": f"Ask {n}", "comment": {"body": "3 orders"}, "requester": {"email": "a@shop.example"}} for n in range(4)
    ]
    said[3]["comment"] = {}
    tickets = [Delivery(f"d{n}", f"p{n}", "message", json.dumps({"ticket": one})) for n, one in enumerate(said)]
    settings = {"form": "fields", "basic": "secret://desk/login", "unknown": "at_least_once", "max_in_flight": 1}
    secrets = {"secret://desk/login": fakes.webhook.login, "secret://desk/secret": fakes.webhook.secret}
    case = replace(CASES["webhook"], secrets=lambda _: secrets)

    _, journal = sent(tickets, case.connector(fakes, TodaysClock(), **settings), clock=TodaysClock())

    assert journal.states == {"d0": "accepted", "d1": "accepted", "d2": "accepted", "d3": "rejected"}
    assert "RecordInvalid" in (journal.outcomes["d3"].reason or "")
    assert fakes.webhook.state()["tickets"] == said[:3]
    assert fakes.webhook.counters()["duplicates"] == 1


@pytest.mark.parametrize("kind", ["segment", "braze_track", "braze_send", "sfmc_rowset", "tealium"])
def test_the_vendors_own_limits_are_never_exceeded(fakes: Fakes, kind: str) -> None:
    case = CASES[kind]
    handle = getattr(fakes, case.vendor)
    handle.configure(**case.configure)
    case.prepare(handle, 200)

    report, journal = sent(case.deliveries(200), case.whole(fakes, TodaysClock()), clock=TodaysClock())

    assert set(journal.states.values()) <= {"accepted", "confirmed"}
    assert handle.counters()["rejects"] == {}
    assert report.traffic.requests == len({outcome.pack_id for outcome in journal.outcomes.values()})


def test_a_hundred_events_a_second_are_a_hundred_events_a_second(fakes: Fakes) -> None:
    case = CASES["tealium"]
    connector = case.whole(fakes, SystemClock(), rates=[{"amount": 100, "of": "items"}])

    report = send(case.deliveries(150), connector, SystemClock(), MemoryJournal(), random.Random(1))

    assert report.states == {"accepted": 150}
    assert 1.4 <= report.seconds <= 1.9
    assert fakes.tealium.counters()["statuses"] == {"200": 16}


def test_two_runs_of_one_sync_at_once_repeat_nothing_where_the_destination_knows_keys(fakes: Fakes) -> None:
    case = CASES["segment"]

    for _ in range(2):
        sent(case.deliveries(8), case.connector(fakes, TodaysClock()), clock=TodaysClock())

    assert case.effects(fakes.segment.state()) == dict.fromkeys(range(8), 1)


def test_two_messages_of_one_campaign_both_reach_a_person(fakes: Fakes) -> None:
    case = CASES["braze_send"]
    case.prepare(fakes.braze, 1)
    recipient = {"external_user_id": "p0"}
    deliveries = [
        Delivery(
            f"d{n}",
            "p",
            "send",
            json.dumps({"campaign_id": "c", "recipients": [{**recipient, "trigger_properties": {"n": n}}]}),
        )
        for n in range(2)
    ]

    _, journal = sent(deliveries, case.whole(fakes, TodaysClock()), clock=TodaysClock())

    assert set(journal.states.values()) == {"accepted"}
    assert case.effects(fakes.braze.state()) == {0: 1, 1: 1}
