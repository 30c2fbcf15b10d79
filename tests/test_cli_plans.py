"""Plans on the console: what a person sees of them, and lets leave."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from personalake.errors import InputError, LeaseHeldError
from personalake.lake import Ledger, Locations
from personalake.lake.lease import lease
from personalake.pipelines.plan_states import latest_plans
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN
from tests.console import typed

DAY, MOMENT = date(2026, 11, 25), datetime(2026, 11, 25, 8, tzinfo=UTC)
PLAN = {
    "destination": "crm", "mode": "mirror", "as_of": DAY, "added": 120_000, "changed": 30, "removed": 4, "unchanged": 5,
    "refused": {"no consent at this moment": 1_234}, "holdout": 6, "bytes": 9_000_000, "calls": 1_601, "seconds": 32.0,
    "data_points": 480_000, "reason": None, "logged_at": MOMENT,
}  # fmt: skip


class Console:
    """The console script over one lake that holds plans and nothing else."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder, self._capsys = folder, capsys
        self.locations = Locations(folder / "lake")
        self.ledger = Ledger(self.locations, _no_session)
        (folder / "conf" / "environments").mkdir(parents=True)
        (folder / "conf" / "environments" / "local.yml").write_text("as_of: 2026-11-25\n")
        (folder / "conf" / "base.yml").write_text(f"root: {folder}/lake\n")

    def plans(self, **states: str) -> None:
        rows = [{**PLAN, "plan_id": f"plan_{name}", "sync": name, "state": state} for name, state in states.items()]
        self.ledger.append(ACTIVATION_PLAN, rows)

    def states(self) -> dict[str, str]:
        return {name.removeprefix("plan_"): row["state"] for name, row in latest_plans(self.ledger).items()}

    def run(self, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
        return typed(["activation", *words, "--conf-dir", str(self._folder / "conf")], {}, monkeypatch, self._capsys)


def _no_session() -> Any:
    raise AssertionError("a session was started")


@pytest.fixture
def console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Console:
    return Console(tmp_path, capsys)


def test_a_plan_is_told_with_what_leaves_what_does_not_and_what_it_costs(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert console.run(monkeypatch, "plan")[0] == 4  # a lake that is not there is not one without plans
    console.locations.root.mkdir()
    assert "No plan yet" in console.run(monkeypatch, "plan")[1]
    console.plans(regulars="awaiting_approval", lapsed="ready", old="superseded")

    code, out, _ = console.run(monkeypatch, "plan")

    assert code == 0
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[lines.index("plan_regulars") :][:7] == [
        "plan_regulars",
        "  regulars to crm, mirror, as of 2026-11-25",
        "  awaiting approval",
        "  120,000 added, 30 changed, 4 removed, 5 unchanged, 1,234 refused, 6 held out",
        "  1,601 calls, about 32 s, 480,000 data points",
        "  1,234 refused: no consent at this moment",
        "",
    ]
    assert "plan_lapsed" in out
    assert "plan_old" not in out
    assert "plan_old" in console.run(monkeypatch, "plan", "--all")[1]
    assert "plan_lapsed" not in console.run(monkeypatch, "plan", "--sync", "regulars")[1]
    assert console.run(monkeypatch, "plan", "ol")[1].splitlines()[0].rstrip() == "plan_old"


def test_a_person_lets_a_plan_leave_that_waits_and_no_other(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    console.plans(regulars="awaiting_approval", lapsed="stopped")

    code, out, _ = console.run(monkeypatch, "approve", "plan_regulars")

    assert code == 0
    assert out.strip() == "plan_regulars is approved: 120,034 deliveries to crm leave with the next send_activation."
    assert console.states() == {"regulars": "approved", "lapsed": "stopped"}

    code, _, err = console.run(monkeypatch, "approve", "plan_lapsed")

    assert code == InputError.exit_code
    assert "plan_lapsed does not wait for approval: it is stopped." in err.replace("\n", " ")
    assert "No plan is waiting; see `personalake activation plan`." in err
    assert console.states() == {"regulars": "approved", "lapsed": "stopped"}


def test_nothing_is_approved_while_plans_are_made(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    console.plans(regulars="awaiting_approval")

    with lease(console.locations.lease("plan_activation"), "a run", 10, 60):
        code, _, err = console.run(monkeypatch, "approve", "plan_regulars")

    assert code == LeaseHeldError.exit_code
    assert "plan_activation" in err
    assert console.states() == {"regulars": "awaiting_approval"}


def test_the_beginning_of_a_name_is_enough_if_no_other_begins_like_that(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.plans(ab1="awaiting_approval", ab2="awaiting_approval", c="awaiting_approval")

    code, _, err = console.run(monkeypatch, "approve", "plan_ab")

    assert code == InputError.exit_code
    assert "plan_ab begins the names of 2 plans: plan_ab1, plan_ab2." in err
    assert console.run(monkeypatch, "approve", "ab2")[0] == 0
    assert console.run(monkeypatch, "reject", "plan_c")[0] == 0
    assert console.states() == {"ab1": "awaiting_approval", "ab2": "approved", "c": "rejected"}


def test_a_rejected_plan_is_taken_back_with_that_reason_and_cannot_be_approved(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.plans(regulars="awaiting_approval", old="superseded")
    row = {"person_id": "p", "destination": "crm", "operation": "identify", "payload": "{}", "plan_id": "plan_regulars"}
    console.ledger.append(ACTIVATION_OUTBOX, [{**row, "delivery_id": name} for name in ("d1", "d2")])

    code, out, _ = console.run(monkeypatch, "reject", "regulars")

    assert code == 0
    assert out.startswith("plan_regulars is rejected: 2 deliveries to crm are cancelled.")
    logged = console.ledger.read(ACTIVATION_LOG, ("delivery_id", "state", "reason"))
    assert {row["delivery_id"]: (row["state"], row["reason"]) for row in logged} == dict.fromkeys(
        ("d1", "d2"), ("cancelled", "no longer current: its plan was rejected by a person")
    )
    assert "it is rejected" in console.run(monkeypatch, "approve", "regulars")[2]
    code, _, err = console.run(monkeypatch, "reject", "old")
    assert code == InputError.exit_code
    assert "plan_old would not leave anyway: it is superseded." in err
    assert "Waiting" not in err


@pytest.mark.parametrize(
    ("mode", "removed", "told"),
    [
        (
            "mirror",
            2,
            " Who of them may not be told anything any more is taken away all the same, by the next plan_activation.",
        ),
        (
            "withdrawals",
            2,
            " They may not be told anything any more: a later as-of, or the next plan if it is of other people, takes them "
            "away all the same.",
        ),
        ("mirror", 0, ""),
    ],
)
def test_who_rejects_removals_is_told_that_withdrawals_come_again(
    console: Console, monkeypatch: pytest.MonkeyPatch, mode: str, removed: int, told: str
) -> None:
    row = {**PLAN, "plan_id": "plan_r", "sync": "regulars", "state": "ready", "mode": mode, "removed": removed}
    console.ledger.append(ACTIVATION_PLAN, [row])

    code, out, _ = console.run(monkeypatch, "reject", "r")

    assert (code, out.strip()) == (0, f"plan_r is rejected: 0 deliveries to crm are cancelled.{told}")


def test_where_a_sender_holds_the_destination_what_is_rejected_is_left_to_it(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.plans(regulars="approved")
    row = {"person_id": "p", "destination": "crm", "operation": "identify", "payload": "{}", "plan_id": "plan_regulars"}
    console.ledger.append(ACTIVATION_OUTBOX, [{**row, "delivery_id": "d1"}])

    with lease(console.locations.lease("send_activation.crm"), "a run", 10, 60):
        code, out, _ = console.run(monkeypatch, "reject", "regulars")

    assert code == 0
    assert "crm is being sent to" in out
    assert console.states() == {"regulars": "rejected"}
    assert console.ledger.rows(ACTIVATION_LOG) == 0


def test_a_sync_that_there_is_not_has_no_plans_because_it_is_misspelt(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.plans(vip="ready")

    code, _, told = console.run(monkeypatch, "plan", "--sync", "vpi")

    assert code == InputError.exit_code
    assert "There is no sync vpi in conf/audiences.yml: there are: none" in told
    assert "plan_vip" in console.run(monkeypatch, "plan", "--sync", "vip")[1]


@pytest.mark.parametrize(
    "words",
    [
        ("plan",),
        ("status",),
        ("unknown", "--destination", "there"),
        ("approve", "plan_regulars"),
        ("reject", "plan_big"),
        ("resolve", "--destination", "there", "--as", "taken"),
    ],
)
def test_who_looks_and_approves_needs_no_secret_of_a_destination(
    console: Console, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    there = "{kind: braze_track, instance: rest.iad-01.braze.com, api_key: 'secret://braze/key', enabled: true}"
    (console._folder / "conf" / "connections.yml").write_text(f"there: {there}\n")
    console.plans(regulars="awaiting_approval", big="awaiting_approval")

    code, out, err = console.run(monkeypatch, *words)

    assert (code, err) == (0, "")
    assert "secret" not in out
