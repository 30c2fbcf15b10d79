"""Syncs that took away who left, and are gone, off or elsewhere by now: whom they hold there nobody takes away any more."""

from collections.abc import Iterator
from typing import NamedTuple

from personalake.activation.syncs.diff import LEAVING, REMOVED
from personalake.activation.syncs.plan_state import in_order
from personalake.activation.syncs.unchanged import lay_out_held
from personalake.common.in_memory import in_memory
from personalake.config import Settings
from personalake.lake import Ledger
from personalake.pipelines.merged import merged_table
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN

_OUTBOX = ("delivery_id", "person_id", "payload_hash", "plan_id", "sync_key", "removal")
_LOG = ("delivery_id", "state", "logged_at")
_TAKING_AWAY = frozenset(mode for mode, changes in LEAVING.items() if REMOVED in changes)


class LeftBehind(NamedTuple):
    """What one sync has left at a destination.

    Args:
        sync: Its name.
        destination: Where it went.
        people: How many keys the destination is known to hold of it.
        why: What became of the sync.
        mode: By which mode it took people away.
    """

    sync: str
    destination: str
    people: int
    why: str
    mode: str


def left_behind(ledger: Ledger, settings: Settings) -> Iterator[LeftBehind]:
    """Who is held by syncs that promised to take away who leaves, and are not planned there any more."""
    rows = ledger.read(ACTIVATION_PLAN, ("plan_id", "sync", "destination", "mode", "state", "logged_at"))
    last = {(row["sync"], row["destination"]): row["mode"] for row in in_order(rows) if row["sync"] is not None}
    for (name, destination), mode in sorted(last.items()):
        sync = settings.audiences.get(name)
        if mode not in _TAKING_AWAY or (sync is not None and sync.enabled and sync.destination == destination):
            continue
        if people := _held(ledger, name, destination):
            goes_on = sync is not None and sync.enabled
            why = f"goes to {sync.destination} by now" if sync and goes_on else "is turned off" if sync else "is gone"
            yield LeftBehind(name, destination, people, why, mode)


def _held(ledger: Ledger, name: str, destination: str) -> int:
    of_sync = [("destination", "=", destination), ("sync", "=", name), ("plan_id", "!=", None)]
    with in_memory(threads=2) as opened:
        opened.register("given_outbox", ledger.scan(ACTIVATION_OUTBOX, of_sync).reader(_OUTBOX))
        opened.register("given_log", ledger.scan(ACTIVATION_LOG, [("destination", "=", destination)]).reader(_LOG))
        opened.register("became", merged_table(ledger))
        lay_out_held(opened, is_message=False, standing=None)
        return int(opened.execute("SELECT count(*) FROM held WHERE holder_id IS NOT NULL").fetchall()[0][0])
