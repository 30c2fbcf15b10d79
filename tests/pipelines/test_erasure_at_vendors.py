"""A person is forgotten at every destination that can forget, by the key that it knows them by; the others are named."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from personalake.activation.connectors import connect
from personalake.config import Settings
from personalake.errors import ConfigError
from personalake.lake import Lake
from personalake.pipelines import erase_customers, erasure_destinations, erasure_later
from personalake.pipelines.awaited import awaits_deletions
from personalake.pipelines.job import JobContext
from personalake.pipelines.privacy_key import erasure_key
from personalake.pipelines.progress import Progress
from personalake.privacy.receipts import verifies
from personalake.tables.erasure import ERASURE_RECEIPT, ERASURE_REQUEST
from personalake.tables.gold import ACTIVATION_OUTBOX
from personalake.tables.silver import PERSON_LINK
from tests.activation.doubles import sent
from tests.activation.matrix import CASES, TodaysClock
from tests.fakes import Fakes
from tests.fakes.fixtures import fakes, started_fakes
from tests.pipelines.outbox_rows import a_lake

__all__ = ["fakes", "started_fakes"]
TOKEN = "secret://segment/public"
KINDS = ("segment", "braze_track", "sfmc_rows", "onesignal", "tealium", "webhook", "fcm", "email", "csv_drop")
WHO, ELSE = f"p_{'7' * 24}", f"p_{'8' * 24}"
# What each vendor calls the two; most of the fakes' people are p0 and p1.
CALLED = {"tealium": ("v0", "v1"), "sfmc_rows": ("0", "1")}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two people, each known to every vendor by another name than here."""
    lake = a_lake(tmp_path / "lake")
    links = [{"namespace": "crm", "value": f"number-{who}", "person_id": who} for who in (WHO, ELSE)]
    lake.ledger.append(PERSON_LINK, links)
    rows = [
        {"delivery_id": f"{kind}-{key}", "person_id": who, "destination": kind, "plan_id": "plan", "sync": "vip",
         "sync_key": key, "payload": "{}", "removal": False}
        for kind in KINDS for who, key in zip((WHO, ELSE), CALLED.get(kind, ("p0", "p1")), strict=True)
    ]  # fmt: skip
    lake.ledger.append(ACTIVATION_OUTBOX, rows)
    return lake


def forgetting(lake: Lake, fakes: Fakes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> JobContext:
    """Every vendor holds both people; the job reaches the fakes with their secrets."""
    connections: dict[str, Any] = {}
    for kind in KINDS:
        case, handle = CASES[kind], CASES[kind].handle(fakes)
        handle.configure(**case.configure, **({"delete_seconds": 0} if kind == "tealium" else {}))
        handle.reset()
        case.prepare(handle, 4)
        more: dict[str, Any] = {"folder": folder / "exports" / "drop"} if kind == "csv_drop" else {}
        more |= {"api_endpoint": handle.url, "api_token": TOKEN} if kind == "segment" else {}
        connections[kind] = case.connection(fakes, **{**case.small, **more})
        sent(case.deliveries(4), case.connector(fakes, TodaysClock()), clock=TodaysClock())
    token = fakes.segment.api_token

    def connected(name: str, connection: Any, clock: Any) -> Any:
        resolve = CASES[name].resolve(fakes)
        return connect(name, connection, clock, lambda it: token if it == TOKEN else resolve(it))

    monkeypatch.setattr(erasure_destinations, "connect", connected)
    monkeypatch.setattr(erasure_later, "connect", connected)
    settings = Settings.model_validate(
        {
            "root": lake.locations.root, "landing": folder / "landing", "exports": folder / "exports",
            "report": {"path": folder / "report"}, "erasure": {"retention_hours": 0, "access": folder / "access"},
        }
    )  # fmt: skip
    settings = settings.model_copy(update={"connections": connections})
    options = {"identifier": f"crm=number-{WHO}"}
    return JobContext(settings, lake, date(2026, 1, 1), date(2026, 1, 1), "run", options, Progress(stream=io.StringIO()))


def test_no_vendor_holds_the_person_afterwards_and_each_answer_is_receipted(
    lake: Lake, fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = forgetting(lake, fakes, tmp_path, monkeypatch)
    assert {event["userId"] for event in CASES["segment"].handle(fakes).state()["events"]} == {"p0", "p1"}

    erase_customers.run(context)

    state = {kind: CASES[kind].handle(fakes).state() for kind in KINDS}
    assert {event["userId"] for event in state["segment"]["events"]} == {"p1"}
    assert "p0" in state["segment"]["suppressed"]
    assert {profile["external_id"] for profile in state["braze_track"]["profiles"].values()} == {"p1"}
    assert set(state["sfmc_rows"]["rows"]["people"]) == {"1", "2", "3"}
    assert "p0" in state["onesignal"]["deleted"]
    assert {event["tealium_visitor_id"] for event in state["tealium"]["events"]} == {"v1"}
    told = [told["body"] for told in state["webhook"]["deliveries"] if told["body"].get("type") == "person.erased"]
    assert {"id": "p0"} in [body["data"] for body in told]
    assert all(datetime.fromisoformat(body["timestamp"]).tzinfo == UTC for body in told)
    (listed,) = (tmp_path / "exports" / "drop").glob("erasure_*.csv")
    assert "p0" in listed.read_text().splitlines()
    assert "p1" not in "".join(str(state[kind].get("deleted")) for kind in KINDS)
    key = erasure_key(context.settings, lake.locations)
    receipts = lake.ledger.read(ERASURE_RECEIPT)
    assert all(verifies(key, row) for row in receipts)
    answered = {row["place"]: row["outcome"] for row in receipts if row["kind"] == "destination"}
    assert answered == {**dict.fromkeys(KINDS, "asked"), "email": "failed"}
    assert not any(WHO in str(row) for row in receipts)


def test_a_deletion_that_takes_days_is_asked_about_until_it_is_done_and_receipted_once(
    lake: Lake, fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = forgetting(lake, fakes, tmp_path, monkeypatch)
    crm = CASES["sfmc_rows"].handle(fakes)
    crm.configure(deletion="Suppressed")
    erase_customers.run(context)
    later = [replace(context, options={}, run_id=f"later-{number}", run_started_at=datetime.now(UTC)) for number in range(3)]
    assert awaits_deletions(context.settings, lake)

    told = [erase_customers.run(later[0]).message]
    crm.configure(deletion="Completed")
    told += [erase_customers.run(one).message for one in later[1:]]

    earlier = "no request is open; earlier ones, at destinations: {} erased"
    assert told == [earlier.format(2), earlier.format(1), "no request is open"]
    rows = lake.ledger.read(ERASURE_RECEIPT, None, [("kind", "=", "destination")])
    rows.sort(key=lambda row: row["recorded_at"])
    tell = ("segment", "sfmc_rows", "tealium")
    outcomes = {kind: [row["outcome"] for row in rows if row["place"] == kind] for kind in (*tell, "fcm")}
    assert outcomes == {**{kind: ["asked", "erased"] for kind in tell}, "fcm": ["asked"]}
    assert all(verifies(erasure_key(context.settings, lake.locations), row) for row in rows)
    assert not awaits_deletions(context.settings, lake)


def test_who_does_not_say_whether_a_deletion_is_done_is_named_and_the_others_are_asked_all_the_same(
    lake: Lake, fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = forgetting(lake, fakes, tmp_path, monkeypatch)
    CASES["tealium"].handle(fakes).configure(delete_seconds=3_600)
    erase_customers.run(context)
    runs = [replace(context, options={}, run_id=f"later-{number}", run_started_at=datetime.now(UTC)) for number in range(3)]
    reached = erasure_later.connect

    def keyless(name: str, connection: Any, clock: Any) -> Any:
        if name == "sfmc_rows":
            raise ConfigError(["secret://crm/key is not set"])
        return (
            connect(name, connection, clock, lambda it: "revoked") if name == "segment" else reached(name, connection, clock)
        )

    monkeypatch.setattr(erasure_later, "connect", keyless)

    first, second = (erase_customers.run(one) for one in runs[:2])
    monkeypatch.setattr(erasure_later, "connect", reached)
    mended = erase_customers.run(runs[2])

    assert (first.skipped, first.message) == (second.skipped, second.message)
    assert not first.skipped
    assert "sfmc_rows does not say (1 problem in the configuration: - secret://crm/key is not set)" in first.message
    assert "segment does not say (status 401" in first.message
    assert mended.message == "no request is open; earlier ones, at destinations: 2 erased"
    rows = lake.ledger.read(ERASURE_RECEIPT, None, [("kind", "=", "destination"), ("place", "=", "segment")])
    rows.sort(key=lambda row: row["recorded_at"])
    assert [row["outcome"] for row in rows] == ["asked", "asked", "erased"]
    assert rows[1]["detail"].startswith("not known whether it is done: status 401")


def test_the_last_state_names_who_cannot_forget_by_a_request_and_who_is_told_by_a_list(
    lake: Lake, fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = forgetting(lake, fakes, tmp_path, monkeypatch)

    told = erase_customers.run(context).message

    last = max(lake.ledger.read(ERASURE_REQUEST), key=lambda row: row["changed_at"])
    assert last["state"] == "done"
    assert told == (
        "requests: 1 done; of 1, places that do not erase by request have to be seen to by hand; "
        "the column reason of gold.erasure_request says more"
    )
    assert last["reason"].endswith(
        "; lists of whom to forget, to be deleted once followed: csv_drop; not erased by request, see receipts: email"
    )


def test_what_one_vendor_calls_somebody_is_told_to_no_other(
    lake: Lake, fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase_customers.run(forgetting(lake, fakes, tmp_path, monkeypatch))

    assert "v0" not in CASES["braze_track"].handle(fakes).state()["deleted"]
    assert "p0" not in CASES["tealium"].handle(fakes).state()["deleted"]
