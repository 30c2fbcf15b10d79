"""Syncs that took away who left, and are gone, off or elsewhere by now: whom they hold there nobody takes away any more."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import duckdb

from personalake.activation.syncs.diff import TAKING_LEAVERS
from personalake.activation.syncs.plan_state import WITHDRAWALS, in_order
from personalake.activation.syncs.unchanged import lay_out_held
from personalake.common.in_memory import in_memory
from personalake.config import Settings
from personalake.config.audiences import Sync
from personalake.config.schedules import ON_DEMAND
from personalake.lake import Ledger
from personalake.pipelines.merged import merged_table
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN

GONE = "is gone"
_OUTBOX = ("delivery_id", "person_id", "payload_hash", "plan_id", "sync_key", "removal")
_LOG = ("delivery_id", "state", "logged_at")


class LeftBehind(NamedTuple):
    """What one sync has left at a destination.

    Args:
        sync: Its name.
        destination: Where it went.
        people: How many keys the destination is known to hold of it, and of no sync that would take them away.
        why: What became of the sync.
        mode: By which mode it took people away.
        beside: Enabled syncs that go there: what they set under the same names would be taken away with it.
    """

    sync: str
    destination: str
    people: int
    why: str
    mode: str
    beside: tuple[str, ...]


def left_behind(ledger: Ledger, settings: Settings) -> Iterator[LeftBehind]:
    """Who is held by syncs that promised to take away who leaves, and are not planned there any more."""
    rows = ledger.read(ACTIVATION_PLAN, ("plan_id", "sync", "destination", "mode", "state", "logged_at"))
    last = {(row["sync"], row["destination"]): row["mode"] for row in in_order(rows) if _is_of_sync(row)}
    for (name, destination), mode in sorted(last.items()):
        sync = settings.audiences.get(name)
        if mode not in TAKING_LEAVERS or (sync is not None and sync.enabled and sync.destination == destination):
            continue
        beside = {other: one for other, one in sorted(settings.audiences.items()) if _goes(one, destination)}
        goes_there = _is_on(settings, destination)
        covering = [other for other, one in beside.items() if goes_there and _takes_all(one, sync, mode)]
        if people := _held(ledger, name, destination, covering):
            goes_on = sync is not None and sync.enabled
            why = f"goes to {sync.destination} by now" if sync and goes_on else "is turned off" if sync else GONE
            yield LeftBehind(name, destination, people, why, mode, tuple(beside))


def _is_of_sync(row: Mapping[str, Any]) -> bool:
    """Whether a plan says by which mode a sync takes people away: not one of withdrawals alone, nor one of files."""
    return row["sync"] is not None and row["mode"] != WITHDRAWALS


def _goes(sync: Sync, destination: str) -> bool:
    return sync.enabled and sync.destination == destination


def _is_on(settings: Settings, destination: str) -> bool:
    connection = settings.connections.get(destination)
    return connection is not None and connection.enabled


def _takes_all(one: Sync, former: Sync | None, mode: str) -> bool:
    """Whether whom a sync takes away surely keeps nothing of what another one has set there by a mode.

    What a sync that is gone, or goes elsewhere, had set there nobody knows, nor what one had set whose fields are gone. Who
    withdraws a purpose is taken away only by syncs that ask for it.
    """
    if (
        former is None
        or former.destination != one.destination
        or one.schedule == ON_DEMAND
        or one.mode not in ("mirror", mode)
        or not _asks_for_all(one, former)
    ):
        return False
    says_what = bool(former.fields) or former.membership is not None or former.subscription_group_id is not None
    is_same_place = (former.group, former.subscription_group_id) == (one.group, one.subscription_group_id)
    is_same = former.fields.keys() <= one.fields.keys() and former.membership in (None, one.membership)
    return says_what and is_same_place and is_same


def _asks_for_all(one: Sync, former: Sync) -> bool:
    """Whether one asks for all purposes that the other asked for; each decision may have one of its own."""
    return former.audience.decisions is None and set(former.purposes) <= set(one.purposes)


def _held(ledger: Ledger, name: str, destination: str, covering: Sequence[str]) -> int:
    """How many keys a destination holds of one sync, and of none of some others."""
    with in_memory(threads=2) as opened:
        opened.register("became", merged_table(ledger))
        lay_out_held_by(opened, ledger, name, destination)
        opened.execute("CREATE TABLE behind AS SELECT sync_key FROM held WHERE holder_id IS NOT NULL")
        for other in covering:
            opened.execute("DROP TABLE held")
            lay_out_held_by(opened, ledger, other, destination)
            opened.execute("DELETE FROM behind WHERE sync_key IN (SELECT sync_key FROM held WHERE holder_id IS NOT NULL)")
        return int(opened.execute("SELECT count(*) FROM behind").fetchall()[0][0])


def lay_out_held_by(
    opened: duckdb.DuckDBPyConnection, ledger: Ledger, name: str, destination: str, is_held: bool = False
) -> None:
    """Make the table `held` of one sync, see `lay_out_held`.

    Args:
        opened: A database that can read `became`.
        ledger: The tables.
        name: Name of the sync.
        destination: Name of the connection.
        is_held: Whether a lost reply is held there.
    """
    of_sync = [("destination", "=", destination), ("sync", "=", name), ("plan_id", "!=", None)]
    opened.register("given_outbox", ledger.scan(ACTIVATION_OUTBOX, of_sync).reader(_OUTBOX))
    opened.register("given_log", ledger.scan(ACTIVATION_LOG, [("destination", "=", destination)]).reader(_LOG))
    lay_out_held(opened, is_message=False, standing=None, is_held=is_held)
