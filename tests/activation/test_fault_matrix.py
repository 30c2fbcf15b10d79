"""The small fault matrix: every fault alone, every kill alone, and kills under lost replies. `make bench` runs the whole."""

from collections import Counter
from dataclasses import replace

import pytest

from personalake.activation.connectors.base import HttpConnector
from tests.activation.doubles import FakeClock, sent
from tests.activation.matrix import CASES, FAULTS, KILLS, TodaysClock, judged, played
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
    if kind == "segment":
        # Segment says nothing about it: a reply of success, and the event is gone.
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
