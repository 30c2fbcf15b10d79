"""The job that sends, over Delta tables and without a session; what the vendor then holds is the judge."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from personalake.activation.delivery import Claimed, Outcome, State
from personalake.config import Settings
from personalake.errors import ConfigError, LeaseHeldError, PersonalakeError, SendingStoppedError
from personalake.lake import Lake
from personalake.pipelines import send_activation
from personalake.pipelines import sending_lease as leases
from personalake.pipelines.activation_journal import LakeJournal, Stamps
from personalake.pipelines.activation_plans import plans
from personalake.pipelines.activation_status import sent_so_far
from personalake.pipelines.activation_totals import totals_so_far
from personalake.pipelines.approve_plan import reject_plan
from personalake.pipelines.awaited import awaits_results
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.last_look import LastLook
from personalake.pipelines.open_ends import left_waiting
from personalake.pipelines.registry import BY_NAME
from personalake.pipelines.runner import run_job
from personalake.pipelines.send_activation import send_planned
from personalake.pipelines.sending_lease import sending_lease
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN, DATA_HEALTH, DECISION, RUN
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import CONSENT_CURRENT, PERSON_LINK
from tests.activation.matrix import (
    CASES,
    FAULTS,
    KILLS,
    PATIENCE,
    Case,
    DyingJournal,
    Found,
    Killed,
    TodaysClock,
    dying,
    judged,
)
from tests.fakes import Fakes, Step
from tests.fakes.fixtures import fakes, started_fakes
from tests.pipelines.outbox_rows import (
    PLANNED_AT,
    PURPOSE,
    a_lake,
    answered,
    changed,
    context,
    planned,
    send,
    settings,
    states,
)

__all__ = ["fakes", "started_fakes"]
LISTER = "`personalake activation unknown --destination there` lists the unknown"
SEGMENT, WEBHOOK, FCM = CASES["segment"], CASES["webhook"], CASES["fcm"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return a_lake(tmp_path / "lakehouse")


def held(case: Case, fakes: Fakes) -> Counter[int]:
    return case.effects(case.looked_at(case.handle(fakes)))


def for_several(lake: Lake, cases: Sequence[Case]) -> None:
    """One plan with four deliveries for each destination, which is called by its kind."""
    for case in cases:
        rows = [{"delivery_id": f"{case.kind}-{one.delivery_id}", "person_id": one.person_id, "destination": case.kind,
                 "operation": one.operation, "payload": one.payload, "plan_id": "plan-1", "removal": True}
                for one in case.deliveries(4)]  # fmt: skip
        lake.ledger.append(ACTIVATION_OUTBOX, rows)
    lake.ledger.append(ACTIVATION_PLAN, [{"plan_id": "plan-1", "state": "ready", "logged_at": PLANNED_AT}])


def unlimited(case: Case, fakes: Fakes) -> None:
    case.handle(fakes).configure(**case.configure)
    case.handle(fakes).reset()
    case.prepare(case.handle(fakes), 24)


def test_a_plan_is_sent_whole_once_and_the_log_and_the_equation_say_so(lake: Lake, fakes: Fakes) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 10)

    result = send(lake, fakes, SEGMENT)
    again = send(lake, fakes, SEGMENT)

    assert held(SEGMENT, fakes) == Counter(range(10))
    rows = sorted(lake.ledger.read(ACTIVATION_LOG), key=lambda row: row["logged_at"])
    assert Counter(row["state"] for row in rows) == {"in_flight": 10, "accepted": 10}
    assert all(row["pack_id"] and row["destination"] == "there" and row["may_repeat"] in (None, False) for row in rows)
    assert set(states(lake).values()) == {"accepted"}
    (health,) = lake.ledger.read(DATA_HEALTH)
    assert (health["source"], health["rows_in"], health["rows_accepted"], health["balanced"]) == ("there", 10, 10, True)
    assert (result.rows_read, result.message) == (10, "there: 10 of 10 sent")
    assert (again.skipped, again.message) == (True, "nothing is left to send")


@pytest.mark.parametrize("state", ["awaiting_approval", "stopped", "superseded", "rejected"])
def test_a_plan_that_does_not_stand_is_not_sent(lake: Lake, fakes: Fakes, state: str) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 4)
    changed(lake, state)

    send(lake, fakes, SEGMENT)

    assert not held(SEGMENT, fakes)
    assert set(states(lake).values()) == ({"cancelled"} if state in ("superseded", "rejected") else set())


def test_a_plan_is_sent_once_it_is_approved(lake: Lake, fakes: Fakes) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 4)
    changed(lake, "awaiting_approval", days=1)
    changed(lake, "approved", days=2)

    send(lake, fakes, SEGMENT)

    assert held(SEGMENT, fakes) == Counter(range(4))


def test_nothing_to_send_starts_no_session_and_takes_no_time(lake: Lake) -> None:
    spec = BY_NAME["send_activation"]

    first = run_job(spec, settings(lake, {}), lake)
    second = run_job(spec, settings(lake, {}), lake)

    assert (first.status, first.result.message) == ("skipped", "no connection is enabled in conf/connections.yml")
    assert second.result.message == "nothing new since the last run"
    assert first.seconds + second.seconds < 0.5
    assert not spec.needs_session


def test_consent_withdrawn_since_the_plan_a_held_out_person_and_a_decision_that_is_gone_are_cancelled_with_the_reason(
    lake: Lake, fakes: Fakes
) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 2)
    planned(lake, SEGMENT, 0)
    as_of, decided = date(2026, 1, 1), []
    for number, status in enumerate(("act", "holdout", None)):
        name = f"x{number}"
        operation, payload = SEGMENT.items(10 + number)
        row = {"delivery_id": name, "person_id": "p1", "destination": "there", "operation": operation}
        lake.ledger.append(
            ACTIVATION_OUTBOX,
            [{**row, "payload": json.dumps(payload), "purpose": "email_marketing", "plan_id": "plan-1", "decision_id": name,
              "as_of": as_of}],
        )  # fmt: skip
        decided += [{"decision_id": name, "as_of": as_of, "status": status}] if status else []
    lake.ledger.append(DECISION, decided)
    lake.ledger.append(CONSENT_CURRENT, [{"person_id": "p1", "purpose": "email_marketing", "status": "granted"}])
    lake.ledger.append(PERSON_LINK, [{"namespace": "n", "value": "p1", "person_id": "p1"}])
    answered(lake, ["p0"], "withdrawn")

    result = send(lake, fakes, SEGMENT)

    assert held(SEGMENT, fakes) == Counter([10])
    rows = lake.ledger.read(ACTIVATION_LOG, ("delivery_id", "state", "reason"), [("state", "=", "cancelled")])
    assert {row["delivery_id"]: row["reason"] for row in rows} == {
        "d000": "no consent at this moment",
        "d001": "no consent at this moment",
        "x1": "holdout",
        "x2": "no longer current: its decision is gone",
    }
    assert result.message == "there: 1 of 5 sent, 4 cancelled"


def test_who_is_suppressed_since_the_plan_is_not_reached(lake: Lake, fakes: Fakes) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 6)
    since = {"since": PLANNED_AT, "person_id": "p1", "scope": "email", "suppression_id": "s"}
    lake.ledger.append(SUPPRESSION, [since])

    result = send(lake, fakes, SEGMENT)

    assert held(SEGMENT, fakes) == Counter([0, 1, 4, 5])
    assert result.figures["destinations"]["there"]["reasons"] == {"cancelled: suppressed": 2}


def test_who_withdrew_after_they_may_have_got_it_is_said_to_be_unknown_once_and_sent_again_once_they_consent(
    lake: Lake, fakes: Fakes
) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 4)
    LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), [])).claim([Claimed(("d000", "d001"), "pack-1")])
    answered(lake, ["p0"], "withdrawn")

    first = send(lake, fakes, SEGMENT)
    size = lake.ledger.rows(ACTIVATION_LOG)
    again = send(lake, fakes, SEGMENT)
    lake.dry_run = True
    foretold = send(lake, fakes, SEGMENT)
    lake.dry_run = False

    assert first.figures["destinations"]["there"]["reasons"] == {
        "unknown: may have left before: no consent at this moment": 2
    }
    assert (again.skipped, lake.ledger.rows(ACTIVATION_LOG)) == (True, size)
    assert "there: 2 deliveries are unknown" in again.message
    assert foretold.message == "would send nothing"
    answered(lake, ["p0"], "granted", number=2)
    assert send(lake, fakes, SEGMENT).message == "there: 2 of 2 sent"
    assert held(SEGMENT, fakes) == Counter(range(4))
    assert all(row["balanced"] for row in lake.ledger.read(DATA_HEALTH))


def claimed_together(lake: Lake, fakes: Fakes, kind: str) -> Case:
    """Four deliveries of one request that an earlier run claimed, and may have sent."""
    case = CASES[kind]
    unlimited(case, fakes)
    planned(lake, case, 4)
    claims = [Claimed(tuple(f"d{n:03}" for n in range(4)), "pack-1")]
    LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), [])).claim(claims)
    return case


@pytest.mark.parametrize("kind", ["onesignal", "csv_drop"])
def test_who_was_left_out_when_a_request_was_made_again_does_not_leave_under_its_name(
    lake: Lake, fakes: Fakes, kind: str
) -> None:
    case = claimed_together(lake, fakes, kind)
    answered(lake, ["p0"], "withdrawn")
    send(lake, fakes, case)
    there = held(case, fakes)

    answered(lake, ["p0"], "granted", number=2)
    again = send(lake, fakes, case)

    assert (again.skipped, held(case, fakes)) == (True, there) == (True, Counter([2, 3]))
    assert states(lake)["d000"] == "unknown"


@pytest.mark.parametrize("kind", ["onesignal", "csv_drop"])
def test_who_of_a_stopped_request_is_still_out_when_others_of_it_leave_does_not_leave_under_its_name_later(
    lake: Lake, fakes: Fakes, kind: str
) -> None:
    case = claimed_together(lake, fakes, kind)
    answered(lake, ["p0", "p1"], "withdrawn")
    nobody = send(lake, fakes, case)
    answered(lake, ["p1"], "granted", number=2)
    send(lake, fakes, case)
    there = held(case, fakes)
    answered(lake, ["p0"], "granted", number=3)

    again = send(lake, fakes, case)

    assert nobody.figures["destinations"]["there"]["requests"] == 0
    assert (again.skipped, held(case, fakes)) == (True, there) == (True, Counter([2, 3]))
    assert states(lake) == {"d000": "unknown", "d001": "unknown", "d002": there_is(case), "d003": there_is(case)}


def there_is(case: Case) -> str:
    return "confirmed" if case.kind == "csv_drop" else "accepted"


def test_a_removal_of_somebody_who_withdrew_leaves_and_nothing_else_leaves_without_a_purpose(
    lake: Lake, fakes: Fakes
) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 4, purpose=None, removal=True)
    answered(lake, ["p0"], "withdrawn")
    lake.ledger.append(SUPPRESSION, [{"since": PLANNED_AT, "person_id": "p1", "scope": "all", "suppression_id": "s"}])
    operation, payload = SEGMENT.items(10)
    said = {"delivery_id": "said", "person_id": "p2", "operation": operation, "payload": json.dumps(payload)}
    lake.ledger.append(
        ACTIVATION_OUTBOX, [{**said, "destination": "there", "plan_id": "plan-1", "purpose": None, "removal": False}]
    )

    send(lake, fakes, SEGMENT)

    assert held(SEGMENT, fakes) == Counter(range(4))
    assert states(lake)["said"] == "cancelled"


@examples(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    moment=st.integers(0, 20),
    who=st.sets(st.integers(0, 5), min_size=1),
    back=st.booleans(),
    fault=st.sampled_from(("none", "throttle", "status 500", "lost")),
)
def test_nobody_is_sent_to_who_does_not_grant_the_purpose_whenever_it_is_withdrawn(
    started_fakes: Fakes, moment: int, who: set[int], back: bool, fault: str
) -> None:
    """Withdrawn at any step of a run, in chunks of four with requests of two: the vendor gets nothing after that.

    Not by a request that is tried again either, though it was filled before. Only the one request that had its last look
    when the withdrawal was written, and is on its way, cannot be called back.
    """
    fakes, people = started_fakes, [f"p{one}" for one in sorted(who)]
    unlimited(SEGMENT, fakes)
    SEGMENT.handle(fakes).script(*FAULTS[fault])
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        lake = a_lake(Path(folder))
        planned(lake, SEGMENT, 12)
        if back:
            answered(lake, people, "granted", 1)
        there: list[set[int]] = []

        def withdraw(leaving: set[int]) -> None:
            answered(lake, people, "withdrawn", 2)
            there.append(set(held(SEGMENT, fakes)) | leaving)

        _at(patch, moment, withdraw)

        send(lake, fakes, SEGMENT, max_items=2, chunk_items=4, max_in_flight=1, recheck_seconds=0)

        after = set(held(SEGMENT, fakes))
    before = there[0] if there else after
    withdrawn = {number for number in range(12) if number // 2 in who}
    assert not (after - before) & withdrawn
    assert after >= set(range(12)) - withdrawn


def _at(patch: pytest.MonkeyPatch, moment: int, act: Callable[[set[int]], None]) -> None:
    """Act once, before the numbered step: a claim, a look, a record, or after a request; told what leaves just then."""
    lock, steps, leaving = threading.Lock(), iter(range(1_000)), set[int]()

    def step() -> None:
        with lock:
            if next(steps) == moment:
                act(set(leaving))

    class Watched(LakeJournal):
        def claim(self, claims: Sequence[Claimed]) -> None:
            step()
            super().claim(claims)

        def record(self, outcomes: Sequence[Outcome]) -> None:
            step()
            super().record(outcomes)

    class Look(LastLook):
        def __call__(self, deliveries: Any) -> dict[str, str]:
            step()
            with lock:
                if len(deliveries) <= 2:  # a request's, not a chunk's, which is looked at again
                    leaving.clear()
                    leaving.update(int(one.delivery_id[1:]) for one in deliveries)
            return super().__call__(deliveries)

    connect = send_activation.connect

    def watched(*given: Any) -> Any:
        connector: Any = connect(*given)
        post = connector.post

        async def posted(pack: Any) -> Any:
            answer = await post(pack)
            with lock:
                leaving.clear()
            step()
            return answer

        connector.post = posted
        return connector

    patch.setattr(send_activation, "LakeJournal", Watched)
    patch.setattr(send_activation, "LastLook", Look)
    patch.setattr(send_activation, "connect", watched)


@pytest.mark.parametrize("kill", KILLS)
@pytest.mark.parametrize("kind", ["segment", "webhook", "csv_drop"])
def test_killed_at_any_step_and_run_again_the_vendor_has_what_the_connection_promises(
    lake: Lake, fakes: Fakes, monkeypatch: pytest.MonkeyPatch, kind: str, kill: str
) -> None:
    case = CASES[kind]
    unlimited(case, fakes)
    planned(lake, case, 12)
    with monkeypatch.context() as patch:
        _dies(patch, kill)
        reached = kill == "before poll"
        try:
            send(lake, fakes, case)
        except Killed:
            reached = True
    assert reached

    send(lake, fakes, case)
    rows = lake.ledger.rows(ACTIVATION_LOG)
    send(lake, fakes, case)

    assert lake.ledger.rows(ACTIVATION_LOG) == rows
    policy = case.connection(fakes).unknown
    told = {int(name[1:]): state for name, state in states(lake).items()}
    assert judged(case, Found(told, held(case, fakes), 0, ()), 12, policy) == []


_SENDER = """
import json, random, sys
from pathlib import Path
from personalake.pipelines.send_activation import send_planned
from personalake.pipelines.system_clock import SystemClock
from tests.pipelines.outbox_rows import a_lake, context, settings
lake = a_lake(Path(sys.argv[1]))
given = context(lake, settings(lake, {"there": json.loads(sys.argv[2])}))
send_planned(given, SystemClock(), random.Random(1), json.loads(sys.argv[3]).__getitem__)
"""


def killed_while_it_sends(lake: Lake, fakes: Fakes, case: Case, claims: int) -> None:
    """A process sends to a destination that answers nothing, until it is killed a second after so many claims."""
    case.handle(fakes).script(Step("hang", every=1))
    connection = json.dumps(case.connection(fakes, **case.small).model_dump(mode="json"))
    told = (str(lake.locations.root), connection, json.dumps(case.secrets(case.handle(fakes))))
    here = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(here / "lib"), str(here)))}
    process = subprocess.Popen([sys.executable, "-c", _SENDER, *told], env=environ)
    try:
        for _ in range(300):
            if lake.ledger.rows(ACTIVATION_LOG) >= claims:
                break
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(1)
    finally:
        process.kill()
        process.wait()
    case.handle(fakes).reset()


def test_of_a_process_that_is_killed_little_is_unknown_and_what_is_said_again_is_planned_once(
    lake: Lake, fakes: Fakes
) -> None:
    planned(lake, WEBHOOK, 400)
    # Of a plan of 400, what is claimed before anything is known of the destination's speed: two chunks.
    first = 2 * 4 * 16
    killed_while_it_sends(lake, fakes, WEBHOOK, first)
    claimed = Counter(states(lake).values())
    anew = [{**row, "delivery_id": f"{row['delivery_id']}-2", "plan_id": "plan-2"}
            for row in lake.ledger.read(ACTIVATION_OUTBOX)]  # fmt: skip
    lake.ledger.append(ACTIVATION_OUTBOX, anew)
    changed(lake, "superseded")
    lake.ledger.append(ACTIVATION_PLAN, [{"plan_id": "plan-2", "state": "ready", "logged_at": TodaysClock().now()}])

    send(lake, fakes, WEBHOOK)

    assert claimed == {"in_flight": first}
    told = sent_so_far(lake.ledger)
    assert [(one.plan_id, one.planned, one.taken, one.unknown, one.again, one.cancelled) for one in told] == [
        ("plan-2", 400, 400, 0, 0, 0),
        ("plan-1", 400, 0, 128, 128, 272),
    ]
    (total,) = totals_so_far(lake.ledger, told)
    assert (total.planned, total.taken, total.unknown, total.again, total.cancelled) == (400, 400, 128, 128, 0)
    assert total.seconds < 60
    assert told[1].spells == ()


def _dies(patch: pytest.MonkeyPatch, kill: str) -> None:
    connect = send_activation.connect

    def dying_connector(*given: Any) -> Any:
        connector = connect(*given)
        dying(connector, kill)
        return connector

    patch.setattr(send_activation, "connect", dying_connector)
    patch.setattr(send_activation, "LakeJournal", lambda *given: DyingJournal(LakeJournal(*given), kill))


def test_a_plan_beyond_its_volume_stops_before_anything_leaves_and_the_run_fails(lake: Lake, fakes: Fakes) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 6)

    with pytest.raises(
        SendingStoppedError, match=r"there: 0 of 6 sent, 6 pending; STOPPED: 6 deliveries are planned; .*is 5"
    ) as stop:
        send(lake, fakes, SEGMENT, bounds={"max_deliveries": 5})

    assert stop.value.exit_code != 0
    assert not held(SEGMENT, fakes)
    (health,) = lake.ledger.read(DATA_HEALTH)
    assert (health["rows_in"], health["rows_accepted"], health["rows_quarantined"]) == (6, 0, 6)
    send(lake, fakes, SEGMENT, bounds={"max_deliveries": 6})
    assert held(SEGMENT, fakes) == Counter(range(6))


def test_a_window_is_full_of_what_an_earlier_run_sent(lake: Lake, fakes: Fakes) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 6)
    bounds = {"max_in_window": 6, "window_seconds": 900}
    send(lake, fakes, SEGMENT, bounds=bounds)
    rows = [
        {"delivery_id": f"e{n}", "person_id": "p0", "destination": "there", "operation": one.operation, "plan_id": "plan-1",
         "payload": one.payload, "purpose": PURPOSE, "removal": False}
        for n, one in enumerate(SEGMENT.deliveries(1))
    ]  # fmt: skip
    lake.ledger.append(ACTIVATION_OUTBOX, rows)

    with pytest.raises(SendingStoppedError, match=r"7 in 900 seconds; bounds.max_in_window is 6"):
        send(lake, fakes, SEGMENT, bounds=bounds)

    assert "e0" not in states(lake) or states(lake)["e0"] == "pending"
    assert send(lake, fakes, SEGMENT, bounds={**bounds, "max_in_window": 7}).message == "there: 1 of 1 sent"


def test_the_strictest_destination_decides_how_old_a_look_may_be() -> None:
    def errand(seconds: float) -> Any:
        return SimpleNamespace(connector=SimpleNamespace(declaration=SimpleNamespace(recheck_seconds=seconds)))

    assert send_activation._rest([errand(5), errand(2)]) == pytest.approx(0.1)
    assert send_activation._rest([errand(3_600)]) == 1.0


def test_a_token_that_is_revoked_in_mid_batch_stops_the_run_and_the_rest_is_sent_once_it_is_mended(
    lake: Lake, fakes: Fakes
) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 12)
    fakes.segment.script(Step("revoke", at=[2]))

    with pytest.raises(SendingStoppedError, match=r"there: 2 of 12 sent, 10 pending; STOPPED: .*401"):
        send(lake, fakes, SEGMENT, max_items=2, max_in_flight=1, chunk_items=2)
    found = Counter(states(lake).values())
    assert (found["accepted"], found["pending"] + 12 - found.total()) == (2, 10)
    assert found.total() < 12
    fakes.segment.restore()
    send(lake, fakes, SEGMENT, max_items=2)

    assert held(SEGMENT, fakes) == Counter(range(12))
    assert set(states(lake).values()) == {"accepted"}


def test_a_destination_that_answers_pages_is_left_alone_and_what_it_may_have_taken_is_held(lake: Lake, fakes: Fakes) -> None:
    unlimited(WEBHOOK, fakes)
    planned(lake, WEBHOOK, 12)
    fakes.webhook.script(Step("html", every=1))

    with pytest.raises(SendingStoppedError, match="requests in a row failed"):
        send(lake, fakes, WEBHOOK, max_in_flight=1)

    found = Counter(states(lake).values())
    assert set(found) == {"unknown", "pending"}
    # One request at a time: of twelve, two or three chunks of four are claimed before it stops.
    assert found.total() in (8, 12)
    fakes.webhook.reset()
    send(lake, fakes, WEBHOOK)
    assert Counter(states(lake).values()) == {"unknown": found["unknown"], "accepted": 12 - found["unknown"]}
    assert sum(held(WEBHOOK, fakes).values()) == 12 - found["unknown"]


def waits_before_claims(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Sending says that it has got to its claims, and waits there until it is told to go on."""
    at_work, go_on = threading.Event(), threading.Event()

    class Slow(LakeJournal):
        def claim(self, claims: Sequence[Claimed]) -> None:
            at_work.set()
            go_on.wait(20)
            super().claim(claims)

    monkeypatch.setattr(send_activation, "LakeJournal", Slow)
    return at_work, go_on


def test_of_two_runs_at_once_one_sends_and_the_other_says_that_it_is_running(
    lake: Lake, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 6)
    case = SEGMENT.connection(fakes)
    at_work, go_on = waits_before_claims(monkeypatch)
    connect, resolve = send_activation.connect, SEGMENT.resolve(fakes)
    monkeypatch.setattr(send_activation, "connect", lambda *given: connect(*given[:3], resolve))
    chosen, outcomes = settings(lake, {"there": case}), []
    first = threading.Thread(target=lambda: outcomes.append(run_job(BY_NAME["send_activation"], chosen, lake)))
    first.start()
    assert at_work.wait(20)

    with pytest.raises(LeaseHeldError) as refusal:
        run_job(BY_NAME["send_activation"], chosen, a_lake(lake.locations.root))
    go_on.set()
    first.join(20)

    assert refusal.value.exit_code == 3
    assert [outcome.status for outcome in outcomes] == ["done"]
    assert held(SEGMENT, fakes) == Counter(range(6))


def test_a_plan_that_is_rejected_while_it_is_sent_does_not_leave_and_its_sender_takes_it_back(
    lake: Lake, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 6)
    at_work, go_on = waits_before_claims(monkeypatch)
    results: list[str] = []
    first = threading.Thread(target=lambda: results.append(send(lake, fakes, SEGMENT, recheck_seconds=0).message))
    first.start()
    assert at_work.wait(20)

    row, cancelled, busy = reject_plan(lake, settings(lake, {}), "plan-1")
    go_on.set()
    first.join(20)

    assert (row["state"], cancelled) == ("rejected", 0)
    assert [error.what.partition(", process")[0] for error in busy] == [
        "send_activation.there is held by send_activation (run run"
    ]
    assert not held(SEGMENT, fakes)
    assert set(states(lake).values()) == {"cancelled"}
    assert results == ["there: 0 of 6 sent, 6 cancelled"]


def test_what_this_run_has_claimed_itself_does_not_count_against_the_cap(lake: Lake, fakes: Fakes) -> None:
    unlimited(FCM, fakes)
    given = to_read(lake, fakes)

    result = send_planned(given, TodaysClock(), random.Random(1), FCM.resolve(fakes))

    # Of two messages to one person one leaves, to whichever destination comes first: neither both nor none.
    assert sum(held(FCM, fakes).values()) == 1
    assert sorted(states(lake).values()) == ["accepted", "cancelled"]
    assert result.rows_read == 2


def test_who_is_kept_back_by_a_cap_got_nothing_for_sure_though_the_run_dies(
    lake: Lake, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlimited(FCM, fakes)
    given = to_read(lake, fakes)
    with monkeypatch.context() as patch:
        _dies(patch, "before record")
        with pytest.raises(Killed):
            send_planned(given, TodaysClock(), random.Random(1), FCM.resolve(fakes))

    send_planned(given, TodaysClock(), random.Random(1), FCM.resolve(fakes))

    assert sum(held(FCM, fakes).values()) == 1
    assert sorted(states(lake).values()) == ["cancelled", "unknown"]


def to_read(lake: Lake, fakes: Fakes) -> JobContext:
    """One message of each of two syncs to the same person, over two destinations, where one in a week is enough."""
    operation = "message"
    for number, (sync, destination) in enumerate({"vip": "there", "news": "here"}.items()):
        plan = {"plan_id": f"plan-{number}", "sync": sync, "as_of": date(2026, 1, 1)}
        lake.ledger.append(ACTIVATION_PLAN, [{**plan, "state": "ready", "logged_at": TodaysClock().now()}])
        row = {**plan, "delivery_id": f"d{number}", "person_id": "p0", "destination": destination, "operation": operation,
               "payload": json.dumps(FCM.items(number)[1]), "purpose": "email_marketing", "removal": False}  # fmt: skip
        lake.ledger.append(ACTIVATION_OUTBOX, [row])
    lake.ledger.append(CONSENT_CURRENT, [{"person_id": "p0", "purpose": "email_marketing", "status": "granted"}])
    lake.ledger.append(PERSON_LINK, [{"namespace": "n", "value": "p0", "person_id": "p0"}])
    sync = {"audience": {"where": "person_id <> ''"}, "mode": "insert", "purposes": ["email_marketing"], "template": "t"}
    given: dict[str, Any] = {"root": lake.locations.root, "frequency_cap": {"deliveries": 1, "days": 7}}
    there = FCM.connection(fakes, patience=PATIENCE)
    audiences = {"vip": {**sync, "destination": "there"}, "news": {**sync, "destination": "here"}}
    return context(
        lake, Settings.model_validate({**given, "audiences": audiences, "connections": {"there": there, "here": there}})
    )


def test_two_runs_at_once_to_different_destinations_do_not_pass_the_cap_over_all_messages(
    lake: Lake, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlimited(FCM, fakes)
    everything = to_read(lake, fakes)
    at_work, go_on = waits_before_claims(monkeypatch)

    def run_to(destination: str) -> JobResult:
        chosen = replace(everything, options={"destination": destination}, run_id=f"to {destination}")
        return send_planned(chosen, TodaysClock(), random.Random(1), FCM.resolve(fakes))

    results: list[str] = []
    first = threading.Thread(target=lambda: results.append(run_to("there").message))
    first.start()
    assert at_work.wait(20)

    with pytest.raises(LeaseHeldError, match="frequency_cap"):
        run_to("here")
    go_on.set()
    first.join(20)
    after = run_to("here")

    assert results == ["there: 1 of 1 sent"]
    assert held(FCM, fakes) == Counter([0])
    assert after.message == "here: 0 of 1 sent, 1 cancelled"
    assert states(lake) == {"d0": "accepted", "d1": "cancelled"}


def test_a_destination_in_somebody_elses_hands_is_left_out_and_said(lake: Lake, fakes: Fakes) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 6)
    chosen = settings(lake, {})

    with sending_lease(chosen, lake, "there", "another"), pytest.raises(LeaseHeldError, match=r"send_activation.there"):
        send(lake, fakes, SEGMENT)

    assert not held(SEGMENT, fakes)
    send(lake, fakes, SEGMENT)
    assert held(SEGMENT, fakes) == Counter(range(6))


def test_a_plan_that_its_bounds_stopped_is_told_once_the_others_are_sent(lake: Lake, fakes: Fakes) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 4)
    beyond = "3 of 4 would be removed, bounds.max_removed_share is 0.2"
    rows = [{"plan_id": f"plan-{sync}", "sync": sync, "destination": where, "state": "stopped", "reason": reason,
             "logged_at": PLANNED_AT}
            for sync, where, reason in (("vip", "there", beyond), ("few", "there", "2 people may be sent, min_people is 5"),
                                        ("old", "gone", beyond), ("off", "there", beyond), ("left", "there", beyond),
                                        ("moved", "there", beyond))]  # fmt: skip
    lake.ledger.append(ACTIVATION_PLAN, rows)
    sync = {"audience": {"where": "orders > 1"}, "destination": "there", "purposes": ["personalisation"]}
    audiences = {"vip": sync, "few": sync, "old": sync, "off": {**sync, "enabled": False},
                 "moved": {**sync, "destination": "elsewhere"}}  # fmt: skip
    there = SEGMENT.connection(fakes, **SEGMENT.small, patience=PATIENCE)
    chosen = Settings.model_validate({"root": lake.locations.root, "connections": {"there": there}, "audiences": audiences})

    with pytest.raises(
        SendingStoppedError, match=f"vip to there: plan-vip is stopped, nothing of it is sent: {beyond}"
    ) as told:
        send_planned(context(lake, chosen), TodaysClock(), random.Random(1), SEGMENT.resolve(fakes))

    assert held(SEGMENT, fakes) == Counter(range(4))
    assert "conf/audiences.yml" in told.value.remedy
    removing = {**rows[0], "state": "ready", "reason": f"{beyond}; only 1 person", "logged_at": PLANNED_AT + timedelta(1)}
    lake.ledger.append(ACTIVATION_PLAN, [removing])
    with pytest.raises(SendingStoppedError, match=r"plan-vip takes withdrawn people away, nothing else is sent: 3 of 4"):
        send_planned(context(lake, chosen), TodaysClock(), random.Random(1), SEGMENT.resolve(fakes))
    # What nobody plans any more, since its sync is off, gone or goes elsewhere, would be told for ever.
    assert not any(f"plan-{name}" in str(told.value) for name in ("few", "old", "off", "left", "moved"))


def only_stopped(lake: Lake, fakes: Fakes) -> Settings:
    """A lake whose only plan was stopped by the bounds of its sync to `there`; `here` is a connection, too."""
    beyond = "3 of 4 would be removed, bounds.max_removed_share is 0.2"
    row = {"plan_id": "plan-vip", "sync": "vip", "destination": "there", "state": "stopped", "reason": beyond}
    lake.ledger.append(ACTIVATION_PLAN, [{**row, "logged_at": PLANNED_AT}])
    sync = {"audience": {"where": "orders > 1"}, "destination": "there", "purposes": ["personalisation"]}
    there = SEGMENT.connection(fakes, **SEGMENT.small, patience=PATIENCE)
    connections = {"there": there, "here": there}
    return Settings.model_validate({"root": lake.locations.root, "connections": connections, "audiences": {"vip": sync}})


def test_a_stopped_plan_is_told_though_nothing_else_is_to_be_sent_and_in_a_dry_run_beforehand(
    lake: Lake, fakes: Fakes
) -> None:
    chosen = only_stopped(lake, fakes)
    lake.dry_run = True
    foretold = send_planned(context(lake, chosen), TodaysClock(), random.Random(1), SEGMENT.resolve(fakes))
    lake.dry_run = False

    with pytest.raises(SendingStoppedError) as told:
        send_planned(context(lake, chosen), TodaysClock(), random.Random(1), SEGMENT.resolve(fakes))

    assert told.value.what.startswith("vip to there: plan-vip is stopped, nothing of it is sent: 3 of 4 would be removed")
    assert foretold.message == f"would send nothing; would FAIL: {told.value.what}"
    assert foretold.figures["would_fail"] == [told.value.what]


def test_a_plan_that_was_stopped_for_one_destination_does_not_fail_a_run_for_another(lake: Lake, fakes: Fakes) -> None:
    chosen = only_stopped(lake, fakes)

    result = send_planned(context(lake, chosen, destination="here"), TodaysClock(), random.Random(1), SEGMENT.resolve(fakes))

    assert (result.skipped, result.message) == (True, "no plan is ready to be sent")


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("no key file", "is not a service account's key file"),
        (json.dumps({"client_email": "a", "private_key": "no PEM", "token_uri": "b"}), "a secret of it cannot be read"),
    ],
)
def test_a_connection_that_cannot_be_made_is_named_and_the_others_are_sent_to(
    lake: Lake, fakes: Fakes, key: str, problem: str
) -> None:
    for case in (SEGMENT, FCM):
        unlimited(case, fakes)
    for_several(lake, [FCM, SEGMENT])
    connections = {case.kind: case.connection(fakes, **case.small) for case in (FCM, SEGMENT)}

    def resolve(reference: str) -> str:
        return key if reference in FCM.secrets(FCM.handle(fakes)) else SEGMENT.resolve(fakes)(reference)

    with pytest.raises(PersonalakeError, match=f"fcm: .*{problem}") as raised:
        send_planned(context(lake, settings(lake, connections)), TodaysClock(), random.Random(1), resolve)

    assert raised.value.exit_code == ConfigError.exit_code
    assert "no PEM" not in str(raised.value)
    assert held(SEGMENT, fakes) == Counter(range(4))
    assert all(state in ("accepted", "confirmed") for state in states(lake).values())


def test_what_a_replaced_plan_still_owed_is_cancelled_and_what_it_had_claimed_is_unknown(lake: Lake, fakes: Fakes) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 6)
    journal = LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), []))
    journal.claim([Claimed(("d000", "d001"), "pack-1")])
    changed(lake, "superseded")

    result = send(lake, fakes, SEGMENT)

    assert Counter(states(lake).values()) == {"unknown": 2, "cancelled": 4}
    assert result.message.startswith("4 of superseded or rejected plans taken back; there: 2 deliveries are unknown")
    assert not held(SEGMENT, fakes)


def test_what_a_replaced_plan_still_owed_waits_while_somebody_else_is_sending_there(lake: Lake, fakes: Fakes) -> None:
    planned(lake, SEGMENT, 6)
    changed(lake, "superseded")

    with (
        sending_lease(settings(lake, {}), lake, "there", "another"),
        pytest.raises(LeaseHeldError, match=r"activation.there"),
    ):
        send(lake, fakes, SEGMENT)

    assert states(lake) == {}
    assert send(lake, fakes, SEGMENT).message == "6 of superseded or rejected plans taken back"


def test_a_replaced_plan_that_is_made_again_is_sent_after_all(lake: Lake, fakes: Fakes) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 6)
    changed(lake, "superseded")
    send(lake, fakes, SEGMENT)
    assert set(states(lake).values()) == {"cancelled"}

    changed(lake, "ready", days=36_500)
    send(lake, fakes, SEGMENT)
    again = send(lake, fakes, SEGMENT)

    assert held(SEGMENT, fakes) == Counter(range(6))
    assert again.skipped


def test_what_firebase_only_checked_is_sent_once_it_is_to_be_delivered(lake: Lake, fakes: Fakes) -> None:
    planned(lake, FCM, 4)

    send(lake, fakes, FCM, validate_only=True)
    assert (set(states(lake).values()), held(FCM, fakes)) == ({"pending"}, Counter())
    send(lake, fakes, FCM)

    assert set(states(lake).values()) == {"accepted"}
    assert held(FCM, fakes) == Counter(range(4))


def test_results_that_outlast_the_polling_are_asked_for_by_later_runs_until_each_row_is_settled(
    lake: Lake, fakes: Fakes
) -> None:
    case = CASES["sfmc_rows"]
    unlimited(case, fakes)
    case.handle(fakes).configure(pending_polls=1_000_000)
    case.handle(fakes).script(Step("partial", at=[1], items=[1]))
    planned(lake, case, 4)
    patience = {**PATIENCE, "poll_limit_seconds": 2}
    chosen = settings(lake, {"there": case.connection(fakes, patience=patience)})

    def run(**more: Any) -> JobResult:
        return send(lake, fakes, case, max_items=2, patience=patience, **more)

    run()
    before = states(lake)
    assert awaits_results(chosen, lake)
    waiting = run()
    case.handle(fakes).configure(pending_polls=0)
    answered = run()

    assert set(before.values()) == {"accepted"}
    assert waiting.message == "nothing is left to send"
    assert answered.message == "there: of earlier requests 3 confirmed, 1 rejected"
    assert states(lake) == {"d000": "confirmed", "d001": "rejected", "d002": "confirmed", "d003": "confirmed"}
    (refused,) = lake.ledger.read(ACTIVATION_LOG, ("delivery_id", "reason", "reference"), [("state", "=", "rejected")])
    assert refused["reason"].startswith("row: ")
    assert not awaits_results(chosen, lake)
    assert run().message == "nothing is left to send"


def test_a_destination_that_will_not_say_what_became_of_earlier_requests_is_told_of_with_its_reason(
    lake: Lake, fakes: Fakes
) -> None:
    case = CASES["sfmc_rows"]
    unlimited(case, fakes)
    case.handle(fakes).configure(pending_polls=1_000_000)
    planned(lake, case, 4)
    patience = {**PATIENCE, "poll_limit_seconds": 2}
    send(lake, fakes, case, max_items=2, patience=patience)
    case.handle(fakes).script(Step("status", status=403, path="/async/"))

    with pytest.raises(SendingStoppedError, match="there: it does not say what became of earlier requests: status 403"):
        send(lake, fakes, case, max_items=2, patience=patience)

    assert set(states(lake).values()) == {"accepted"}


def test_what_somebody_else_settled_before_the_lease_was_ours_is_not_sent_again(
    lake: Lake, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlimited(WEBHOOK, fakes)
    planned(lake, WEBHOOK, 6)
    lease = leases.sending_lease

    def after_another_run(*given: Any) -> Any:
        journal = LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), []))
        journal.record([Outcome(tuple(one.delivery_id for one in WEBHOOK.deliveries(6)), State.CONFIRMED)])
        return lease(*given)

    monkeypatch.setattr(leases, "sending_lease", after_another_run)

    assert send(lake, fakes, WEBHOOK).message == "nothing is left to send"
    assert held(WEBHOOK, fakes) == Counter()


@pytest.mark.parametrize("wakes", ["before it claims", "before it sends", "before it writes down"])
def test_a_run_that_stood_still_while_another_sent_stops_and_nothing_is_sent_twice(
    lake: Lake, fakes: Fakes, monkeypatch: pytest.MonkeyPatch, wakes: str
) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 6)
    lease = lake.locations.lease("send_activation.there")

    def taken_over() -> None:
        lease.write_text(json.dumps({"run_id": "another", "pid": 1, "host": "elsewhere"}))

    class Paused(LakeJournal):
        def claim(self, claims: Sequence[Claimed]) -> None:
            if wakes == "before it claims":
                taken_over()
            super().claim(claims)
            if wakes == "before it sends":
                taken_over()

        def record(self, outcomes: Sequence[Outcome]) -> None:
            if wakes == "before it writes down":
                taken_over()
            super().record([*outcomes, Outcome(("d-left",), State.PENDING)])

    monkeypatch.setattr(send_activation, "LakeJournal", Paused)
    with pytest.raises(LeaseHeldError, match="was lost while this run stood still"):
        send(lake, fakes, SEGMENT)

    has_left = wakes == "before it writes down"
    assert held(SEGMENT, fakes) == (Counter(range(6)) if has_left else Counter())
    found = {"before it claims": {}, "before it sends": {"in_flight": 6}, "before it writes down": {"accepted": 6}}
    assert Counter(states(lake).values()) == found[wakes]
    assert json.loads(lease.read_text())["run_id"] == "another"


def test_of_two_who_claim_from_one_state_of_the_log_the_second_is_refused(lake: Lake) -> None:
    first, second = (LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), [])) for _ in range(2))
    elsewhere = LakeJournal(lake, "here", Stamps.after(lake.ledger, TodaysClock(), []))

    first.claim([Claimed(("d000",), "pack-1")])
    first.claim([Claimed(("d001",), "pack-2")])
    elsewhere.claim([Claimed(("e000",), "pack-1")])
    with pytest.raises(LeaseHeldError, match="Another run has claimed deliveries to there"):
        second.claim([Claimed(("d000", "d002"), "pack-3")])
    LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), [])).claim([Claimed(("d003",), "pack-4")])

    assert sorted(row["delivery_id"] for row in lake.ledger.read(ACTIVATION_LOG)) == ["d000", "d001", "d003", "e000"]


def test_a_destination_where_something_is_only_taken_back_is_not_held_while_another_is_sent_to(
    lake: Lake, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(lake, SEGMENT, 4)
    planned(lake, SEGMENT, 2, destination="other", plan="old")
    changed(lake, "superseded", plan="old")

    class Looking(LakeJournal):
        def claim(self, claims: Sequence[Claimed]) -> None:
            with sending_lease(settings(lake, {}), lake, "other", "another run"):
                super().claim(claims)

    monkeypatch.setattr(send_activation, "LakeJournal", Looking)

    send(lake, fakes, SEGMENT)

    told = Counter((row["destination"], row["state"]) for row in lake.ledger.read(ACTIVATION_LOG))
    assert told == {("other", "cancelled"): 2, ("there", "in_flight"): 4, ("there", "accepted"): 4}


def test_a_clock_that_is_set_back_does_not_make_old_states_new(lake: Lake, fakes: Fakes) -> None:
    clock = TodaysClock()
    stamps = Stamps.after(lake.ledger, clock, [])
    journal = LakeJournal(lake, "there", stamps)
    journal.claim([Claimed(("d000",), "pack-1")])
    first = stamps.next()

    class SetBack(TodaysClock):
        def now(self) -> Any:
            return first.replace(year=2020)

    later = LakeJournal(lake, "there", Stamps.after(lake.ledger, SetBack(), []))
    later.record([Outcome(("d000",), State.ACCEPTED)])

    assert states(lake) == {"d000": "accepted"}


def test_a_dry_run_says_how_much_would_leave_and_sends_nothing(lake: Lake, fakes: Fakes) -> None:
    unlimited(SEGMENT, fakes)
    planned(lake, SEGMENT, 6)
    lake.dry_run = True

    result = send(lake, fakes, SEGMENT)

    assert result.message == "would send there: 6"
    answered(lake, ["p1"], "withdrawn")
    told = send(lake, fakes, SEGMENT)
    assert told.message == "would send there: 4, and cancel 2 (2 no consent at this moment)"
    assert told.figures["destinations"]["there"]["would_cancel"] == {"no consent at this moment": 2}
    assert (held(SEGMENT, fakes), lake.ledger.rows(ACTIVATION_LOG), lake.ledger.rows(RUN)) == (Counter(), 0, 0)


def test_a_dry_run_says_what_would_be_held_taken_back_or_stopped_by_bounds(lake: Lake, fakes: Fakes) -> None:
    unlimited(WEBHOOK, fakes)
    planned(lake, WEBHOOK, 3, plan="plan-0")
    LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), [])).claim([Claimed(("d000",), "pack-1")])
    rows = lake.ledger.read(ACTIVATION_OUTBOX)
    lake.ledger.append(
        ACTIVATION_OUTBOX, [{**row, "delivery_id": f"old-{n}", "plan_id": "old"} for n, row in enumerate(rows)]
    )
    lake.ledger.append(ACTIVATION_PLAN, [{"plan_id": "old", "state": "ready", "logged_at": PLANNED_AT}])
    changed(lake, "superseded", plan="old")

    def told(bounds: dict[str, Any]) -> tuple[str, str]:
        lake.dry_run = True
        foretold = send(lake, fakes, WEBHOOK, bounds=bounds)
        lake.dry_run = False
        try:
            return foretold.message, send(lake, fakes, WEBHOOK, bounds=bounds).message
        except SendingStoppedError as error:
            return foretold.message, error.what

    stopped = told({"max_deliveries": 1})
    assert stopped[0] == (
        "would send there: 0, and hold 1 as unknown; would STOP: 2 deliveries are planned; bounds.max_deliveries is 1; "
        "would take back 3 of superseded or rejected plans"
    )
    assert "STOPPED: 2 deliveries are planned; bounds.max_deliveries is 1" in stopped[1]
    going = told({"max_in_window": 3, "window_seconds": 900})
    assert going == ("would send there: 2, and hold 1 as unknown", f"there: 2 of 3 sent, 1 unknown; {LISTER}")
    lake.ledger.append(ACTIVATION_OUTBOX, [{**rows[0], "delivery_id": f"more-{n}"} for n in range(2)])
    full = told({"max_in_window": 4, "window_seconds": 900})
    assert full[0] == "would send there: 1; would STOP: 5 in 900 seconds; bounds.max_in_window is 4"
    assert full[1].startswith("there: 1 of 2 sent, 1 pending; STOPPED: 5 in 900 seconds; bounds.max_in_window is 4")


def test_with_nothing_left_to_send_what_is_unknown_and_who_waits_for_approval_is_said(lake: Lake, fakes: Fakes) -> None:
    unlimited(WEBHOOK, fakes)
    planned(lake, WEBHOOK, 4)
    LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), [])).claim([Claimed(("d000",), "pack-1")])
    waiting = {"plan_id": "plan-2", "destination": "there", "state": "awaiting_approval", "added": 3, "changed": 1}
    lake.ledger.append(ACTIVATION_PLAN, [{**waiting, "logged_at": PLANNED_AT}])
    send(lake, fakes, WEBHOOK)

    again = send(lake, fakes, WEBHOOK)

    assert again.skipped
    assert again.message == (
        "nothing is left to send; there: 1 delivery is unknown, see `personalake activation unknown --destination there`; "
        "plan-2 waits for approval with 4 deliveries to there"
    )


def test_what_waits_for_a_connection_that_is_off_or_gone_is_named_with_its_plan(lake: Lake, fakes: Fakes) -> None:
    unlimited(WEBHOOK, fakes)
    connection = WEBHOOK.connection(fakes, **WEBHOOK.small, patience=PATIENCE)
    planned(lake, WEBHOOK, 4)
    told = {"as_of": PLANNED_AT.date(), "state": "ready", "logged_at": PLANNED_AT}
    lake.ledger.append(ACTIVATION_PLAN, [{**told, "plan_id": "plan-2", "sync": "vips", "destination": "hook"}])
    rows = [{"delivery_id": f"h{n}", "person_id": "p", "destination": "hook", "plan_id": "plan-2"} for n in range(3)]
    lake.ledger.append(ACTIVATION_OUTBOX, rows)
    logged = {"delivery_id": "h0", "destination": "hook", "state": "accepted", "logged_at": PLANNED_AT + timedelta(1)}
    lake.ledger.append(ACTIVATION_LOG, [logged])

    def run(**hook: Any) -> JobResult:
        given = context(lake, settings(lake, {"there": connection, **hook}))
        return send_planned(given, TodaysClock(), random.Random(1), WEBHOOK.resolve(fakes))

    off = {"hook": connection.model_copy(update={"enabled": False})}
    waits = (
        "plan-2: 2 deliveries wait for hook, which is {} in conf/connections.yml; "
        "`personalake activation reject plan-2` takes back what is not to leave"
    )
    assert run(**off).message == f"there: 4 of 4 sent; {waits.format('off')}"
    assert run(**off).message == f"nothing is left to send; {waits.format('off')}"
    assert run().message == f"nothing is left to send; {waits.format('not')}"
    assert left_waiting(lake.ledger, plans(lake.ledger), {"hook": connection}) == []
    asked = context(lake, settings(lake, {"there": connection, **off}), destination="there")
    assert send_planned(asked, TodaysClock(), random.Random(1), WEBHOOK.resolve(fakes)).message == "nothing is left to send"


def test_an_error_of_one_destination_hides_no_other_and_the_gravest_comes_first(
    lake: Lake, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for case in (SEGMENT, WEBHOOK, FCM):
        unlimited(case, fakes)
    for_several(lake, [SEGMENT, WEBHOOK, FCM])
    connections = {
        case.kind: case.connection(fakes, **{**case.small, "patience": PATIENCE, **more})
        for case, more in ((SEGMENT, {}), (WEBHOOK, {"bounds": {"max_deliveries": 3}}), (FCM, {}))
    }
    written = LakeJournal.record

    def record(self: LakeJournal, outcomes: Sequence[Outcome]) -> None:
        if self._destination == "segment":
            raise OSError("the disk is full")
        written(self, outcomes)

    monkeypatch.setattr(LakeJournal, "record", record)

    def resolve(reference: str) -> str:
        return FCM.secrets(FCM.handle(fakes)).get(reference) or SEGMENT.resolve(fakes)(reference)

    with pytest.raises(PersonalakeError) as raised:
        send_planned(context(lake, settings(lake, connections)), TodaysClock(), random.Random(1), resolve)

    places = [raised.value.what.find(text) for text in ("FAILED: OSError", "webhook: 0 of 4 sent", "fcm: 4 of 4 sent")]
    assert raised.value.what.startswith("segment: ")
    assert 0 < places[0] < places[1] < places[2], raised.value.what
    assert isinstance(raised.value.__cause__, OSError)
    assert raised.value.exit_code == 1
