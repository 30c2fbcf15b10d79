"""Syncs that were turned off, renamed or sent elsewhere: whom they left at a destination is said, without a session."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from personalake.config import Settings
from personalake.config.audiences import Sync
from personalake.config.name_checks import name_problems
from personalake.pipelines.left_behind import LeftBehind, left_behind
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN
from tests.pipelines.outbox_rows import PLANNED_AT, a_lake

SYNC: dict[str, Any] = {
    "audience": {"where": "false"}, "destination": "ads", "mode": "mirror", "purposes": ["personalisation"],
    "key_field": "id", "membership": "is_member",
}  # fmt: skip
OFF: dict[str, Any] = {**SYNC, "enabled": False}
BOTH = ["personalisation", "analytics"]
ADS = {kind: {"kind": "csv_drop", "folder": "/tmp/ads", "columns": ["id", "is_member"]} for kind in ("ads", "others")}
# Taken, taken and taken away later, refused, in doubt.
TOLD = (("a", "accepted", False), ("b", "confirmed", False), ("b", "accepted", True), ("c", "rejected", False),
        ("d", "unknown", False))  # fmt: skip
# Of the sync that is called so by now: one of the two who are held, and one of whom nothing is held there.
TOLD_BY_NOW = (("a", "accepted", False), ("d", "rejected", False), ("e", "accepted", False))


def found(folder: Path, connections: Any = ADS, mode: str = "mirror", **syncs: Any) -> list[LeftBehind]:
    ledger = a_lake(folder).ledger
    plan = {
        "sync": "loyal",
        "destination": "ads",
        "plan_id": "p",
        "mode": mode,
        "state": "superseded",
        "logged_at": PLANNED_AT,
    }
    rows: list[dict[str, Any]] = []
    log: list[dict[str, Any]] = []
    for sync, told in (("loyal", TOLD), ("vips", TOLD_BY_NOW)):
        for place, (key, state, removal) in enumerate(told):
            of_delivery = {"delivery_id": f"{sync}{place}", "destination": "ads"}
            of_person = {"person_id": key, "sync_key": key, "payload_hash": key, "removal": removal}
            rows.append({**of_delivery, **of_person, "sync": sync, "plan_id": "p"})
            log.append({**of_delivery, "state": state, "logged_at": PLANNED_AT + timedelta(hours=place)})
    ledger.append(ACTIVATION_PLAN, [plan])
    ledger.append(ACTIVATION_OUTBOX, rows)
    ledger.append(ACTIVATION_LOG, log)
    return list(left_behind(ledger, Settings(root=folder, connections=connections, audiences=syncs)))


@pytest.mark.parametrize(
    ("syncs", "why"),
    [
        ({}, "is gone"),
        ({"loyal": {**SYNC, "enabled": False}}, "is turned off"),
        ({"loyal": {**SYNC, "destination": "others"}}, "goes to others by now"),
    ],
)
def test_whom_a_mirrored_sync_left_behind_is_said(tmp_path: Path, syncs: dict[str, Any], why: str) -> None:
    assert found(tmp_path, **syncs) == [LeftBehind("loyal", "ads", 2, why, "mirror", ())]


@pytest.mark.parametrize(
    ("syncs", "people", "beside"),
    [
        ({"loyal": OFF, "vips": SYNC}, 1, ("vips",)),
        ({"loyal": OFF, "vips": {**SYNC, "fields": {"town": "city"}}}, 1, ("vips",)),
        # Whom it does not take away, or not all of what was set, is left all the same.
        ({"loyal": {**OFF, "fields": {"town": "city"}}, "vips": SYNC}, 2, ("vips",)),
        ({"loyal": OFF, "vips": {**SYNC, "mode": "upsert"}}, 2, ("vips",)),
        ({"loyal": OFF, "vips": {**SYNC, "mode": "archive"}}, 2, ("vips",)),
        # Who withdraws what it does not ask for stays there; who withdraws what both ask for does not.
        ({"loyal": {**OFF, "purposes": BOTH}, "vips": SYNC}, 2, ("vips",)),
        ({"loyal": {**OFF, "purposes": ["analytics"]}, "vips": SYNC}, 2, ("vips",)),
        ({"loyal": OFF, "vips": {**SYNC, "purposes": BOTH}}, 1, ("vips",)),
        ({"loyal": {**OFF, "purposes": BOTH}, "vips": {**SYNC, "purposes": BOTH[::-1]}}, 1, ("vips",)),
        # Each decision may ask for a purpose of its own.
        ({"loyal": {**OFF, "audience": {"decisions": {}}}, "vips": SYNC}, 2, ("vips",)),
        ({"loyal": OFF, "vips": {**SYNC, "audience": {"decisions": {}}}}, 1, ("vips",)),
        # Nor by one that nothing plans.
        ({"loyal": OFF, "vips": {**SYNC, "schedule": "on demand"}}, 2, ("vips",)),
        # Nor where nobody knows what was set.
        ({"vips": SYNC}, 2, ("vips",)),
        ({"loyal": {**OFF, "membership": None}, "vips": SYNC}, 2, ("vips",)),
        ({"vips": {**SYNC, "enabled": False}}, 2, ()),
        ({"vips": {**SYNC, "destination": "others"}}, 2, ()),
    ],
)
def test_whom_another_sync_there_takes_away_is_not_left_behind(
    tmp_path: Path, syncs: dict[str, Any], people: int, beside: tuple[str, ...]
) -> None:
    assert [(one.people, one.beside) for one in found(tmp_path, **syncs)] == [(people, beside)]


def test_a_connection_that_is_off_takes_nobody_away(tmp_path: Path) -> None:
    off = {"ads": {**ADS["ads"], "enabled": False}}

    assert [one.people for one in found(tmp_path, off, loyal=OFF, vips=SYNC)] == [2]


def test_nobody_is_left_behind_by_a_sync_that_goes_on_or_never_took_anybody_away(tmp_path: Path) -> None:
    assert found(tmp_path / "on", loyal=SYNC) == []
    assert found(tmp_path / "kept", mode="upsert") == []
    assert list(left_behind(a_lake(tmp_path / "empty").ledger, Settings(root=tmp_path))) == []


def test_the_way_out_that_is_told_is_one_beside_the_sync_that_took_its_place(tmp_path: Path) -> None:
    vips = Sync.model_validate({**SYNC, "audience": {"where": "orders > 3"}, "fields": {"town": "city"}})
    told = Sync.model_validate({**SYNC, "fields": {"town": "city"}, "bounds": {"max_removed_share": 1}})

    settings = Settings(root=tmp_path, connections=ADS, audiences={"loyal": told, "vips": vips})

    assert list(name_problems(settings)) == []
    assert list(name_problems(settings.model_copy(update={"audiences": {"loyal": vips, "vips": vips}}))) != []
