"""The small fault matrix: every fault alone, every kill alone, and kills under lost replies. `make bench` runs the whole."""

import gc
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from personalake.activation.connectors import connect
from personalake.activation.connectors.base import HttpConnector
from personalake.activation.erasure import delete
from tests.activation.doubles import FakeClock, sent
from tests.activation.matrix import CASES, FAULTS, KILLS, PATIENCE, TodaysClock, judged, played
from tests.fakes import Fakes, Step
from tests.fakes.fixtures import fakes, started_fakes

__all__ = ["fakes", "started_fakes"]
COUNT = 8
ALONE = [(None, fault) for fault in FAULTS] + [(kill, "none") for kill in KILLS]
TOGETHER = [(kill, "lost") for kill in ("after request", "before record")]


@pytest.mark.parametrize("kind", sorted(CASES))
@pytest.mark.parametrize(("kill", "fault"), ALONE + TOGETHER, ids=lambda value: str(value))
def test_the_vendor_ends_up_with_what_the_connection_promises(fakes: Fakes, kind: str, kill: str | None, fault: str) -> None:
    case = CASES[kind]
    policy = case.connector(fakes, FakeClock()).declaration.unknown

    found = played(case, fakes, kill, fault, COUNT)

    assert judged(case, found, COUNT, policy) == []


@pytest.mark.parametrize("kind", sorted(CASES))
def test_a_run_without_faults_is_accepted_whole_in_as_few_requests_as_fit(fakes: Fakes, kind: str) -> None:
    case = CASES[kind]

    found = played(case, fakes, None, "none", COUNT)

    (report,) = found.reports
    most = case.connector(fakes, FakeClock()).declaration.limits.max_items or 4
    assert set(found.states.values()) <= {"accepted", "confirmed"}
    assert found.effects == Counter(range(COUNT))
    assert report.traffic.requests == COUNT // min(most, 4)
    assert (report.traffic.retries, report.may_repeat) == (0, 0)


def test_an_upload_that_hangs_leaves_no_failure_behind_that_nobody_looks_at(
    fakes: Fakes, caplog: pytest.LogCaptureFixture
) -> None:
    played(CASES["sftp"], fakes, None, "hang", COUNT)

    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize("kind", ["braze_send", "fcm", "tealium", "webhook", "sfmc_journey"])
def test_who_opts_in_is_sent_to_twice_and_it_is_counted(fakes: Fakes, kind: str) -> None:
    case = CASES[kind]

    found = played(case, fakes, None, "lost", COUNT, unknown="at_least_once")

    twice = sum(times > 1 for times in found.effects.values())
    assert judged(case, found, COUNT, "at_least_once") == []
    assert set(found.states.values()) <= {"accepted", "confirmed"}
    assert 0 < twice <= found.may_repeat


def test_the_judge_notices_a_connection_that_promises_too_much(fakes: Fakes) -> None:
    honest = CASES["braze_send"]

    found = played(honest, fakes, None, "lost", COUNT, unknown="at_least_once")

    assert judged(replace(honest), found, COUNT, "resend_same_key") != []


@pytest.mark.parametrize("kind", ["segment", "braze_track", "onesignal", "sfmc_rows"])
def test_items_that_the_vendor_refuses_do_not_keep_their_neighbours(fakes: Fakes, kind: str) -> None:
    case = CASES[kind]
    handle = getattr(fakes, case.vendor)
    handle.configure(**case.configure)
    handle.script(Step("partial", at=[1], items=[1]))

    _, journal = sent(case.deliveries(4), case.connector(fakes, TodaysClock()), clock=TodaysClock())

    states = Counter(journal.states.values())
    if kind in ("segment", "onesignal"):
        # Segment says nothing about it: a reply of success, and the event is gone. OneSignal names a user who has a device
        # that is not subscribed, and does not say whether there is another one.
        assert states == {"accepted": 4}
    else:
        assert states["rejected"] == 1
        assert states["accepted"] + states["confirmed"] == 3


@pytest.mark.parametrize("kind", ["tealium", "sfmc_rows", "fcm"])
def test_a_token_that_ends_in_mid_batch_is_replaced_once_for_all(fakes: Fakes, kind: str) -> None:
    case = CASES[kind]
    handle = getattr(fakes, case.vendor)
    handle.configure(**case.configure)
    handle.script(Step("expire_tokens", at=[3]))

    connector = case.connector(fakes, TodaysClock(), max_in_flight=8)
    report, journal = sent(case.deliveries(24), connector, clock=TodaysClock())

    assert isinstance(connector, HttpConnector)
    assert report.stopped is None
    assert set(journal.states.values()) <= {"accepted", "confirmed"}
    assert handle.state()["tokens"] == 2


TOKEN = "secret://segment/public"
# Whom each vendor is asked to forget, and how its state shows whom it knows.
KNOWN: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], set[str]]]] = {
    "segment": ("p0", lambda state: {event["userId"] for event in state["events"]}),
    "braze_track": ("p0", lambda state: {profile["external_id"] for profile in state["profiles"].values()}),
    "sfmc_rows": ("0", lambda state: set(state["rows"]["people"])),
    "onesignal": ("p0", lambda state: {"p0", "p1"} - set(state["deleted"])),
    "tealium": ("v0", lambda state: {event["tealium_visitor_id"] for event in state["events"]}),
}


@pytest.mark.parametrize("kind", sorted(KNOWN))
@pytest.mark.parametrize("fault", ["status 500", "reset", "lost"])
def test_who_is_to_be_forgotten_is_gone_in_the_end_whatever_fails_and_nobody_else_is(
    fakes: Fakes, kind: str, fault: str
) -> None:
    case, (who, known) = CASES[kind], KNOWN[kind]
    handle = case.handle(fakes)
    handle.configure(**case.configure, **({"delete_seconds": 0} if kind == "tealium" else {}))
    handle.reset()
    case.prepare(handle, 4)
    sent(case.deliveries(4), case.connector(fakes, TodaysClock()), clock=TodaysClock())
    before = known(handle.state())
    handle.script(*FAULTS[fault])
    more = {"api_endpoint": handle.url, "api_token": TOKEN} if kind == "segment" else {}
    resolve, token = case.resolve(fakes), fakes.segment.api_token

    for _ in range(4):
        connection = case.connection(fakes, patience=PATIENCE, **more)
        connector = connect("there", connection, TodaysClock(), lambda it: token if it == TOKEN else resolve(it))
        (receipt,) = delete([who], connector, TodaysClock(), random.Random(1))
        if receipt.state in ("accepted", "confirmed"):
            break

    assert receipt.state in ("accepted", "confirmed")
    assert before - known(handle.state()) == {who}
