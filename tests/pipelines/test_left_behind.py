"""Syncs that were turned off, renamed or sent elsewhere: whom they left at a destination is said, without a session."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from personalake.config import Settings
from personalake.config.audiences import Sync
from personalake.pipelines.left_behind import LeftBehind, left_behind
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN
from tests.pipelines.outbox_rows import PLANNED_AT, a_lake

SYNC: dict[str, Any] = {
    "audience": {"where": "false"}, "destination": "ads", "mode": "mirror", "purposes": ["personalisation"],
    "key_field": "id", "membership": "is_member",
}  # fmt: skip
ADS = {kind: {"kind": "csv_drop", "folder": "/tmp/ads", "columns": ["id", "is_member"]} for kind in ("ads", "others")}
# Taken, taken and taken away later, refused, in doubt.
TOLD = (("a", "accepted", False), ("b", "confirmed", False), ("b", "accepted", True), ("c", "rejected", False),
        ("d", "unknown", False))  # fmt: skip


def found(folder: Path, mode: str = "mirror", **syncs: Any) -> list[LeftBehind]:
    ledger = a_lake(folder).ledger
    whose = {"sync": "loyal", "destination": "ads", "plan_id": "p"}
    plan = {**whose, "mode": mode, "state": "superseded", "logged_at": PLANNED_AT}
    rows = [
        {**whose, "delivery_id": f"d{place}", "person_id": key, "sync_key": key, "payload_hash": key, "removal": removal}
        for place, (key, _, removal) in enumerate(TOLD)
    ]  # fmt: skip
    log = [
        {"delivery_id": f"d{place}", "destination": "ads", "state": state, "logged_at": PLANNED_AT + timedelta(hours=place)}
        for place, (_, state, _) in enumerate(TOLD)
    ]
    ledger.append(ACTIVATION_PLAN, [plan])
    ledger.append(ACTIVATION_OUTBOX, rows)
    ledger.append(ACTIVATION_LOG, log)
    return list(left_behind(ledger, Settings(root=folder, connections=ADS, audiences=syncs)))


@pytest.mark.parametrize(
    ("syncs", "why"),
    [
        ({}, "is gone"),
        ({"loyal": {**SYNC, "enabled": False}}, "is turned off"),
        ({"loyal": {**SYNC, "destination": "others"}}, "goes to others by now"),
    ],
)
def test_whom_a_mirrored_sync_left_behind_is_said(tmp_path: Path, syncs: dict[str, Any], why: str) -> None:
    assert found(tmp_path, **syncs) == [LeftBehind("loyal", "ads", 2, why, "mirror")]


def test_nobody_is_left_behind_by_a_sync_that_goes_on_or_never_took_anybody_away(tmp_path: Path) -> None:
    assert found(tmp_path / "on", loyal=SYNC) == []
    assert found(tmp_path / "kept", mode="upsert") == []
    assert list(left_behind(a_lake(tmp_path / "empty").ledger, Settings(root=tmp_path))) == []


def test_the_way_out_that_is_told_is_one() -> None:
    assert Sync.model_validate({**SYNC, "bounds": {"max_removed_share": 1}}).audience.where == "false"
