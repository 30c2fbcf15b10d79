"""Plans by their state, and what each owes to whom: the outbox beside the log."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import pyarrow as pa

from personalake.activation.backlog import Backlog, Part
from personalake.activation.delivery import Delivery, Outcome, State
from personalake.activation.recent import left_recently
from personalake.activation.syncs.plan_state import REJECTED, STANDING, SUPERSEDED, in_order
from personalake.config.connections.base import Bounds
from personalake.errors import LeaseHeldError
from personalake.lake import Lake, Ledger
from personalake.lake.conditions import Conditions
from personalake.lake.scan import Scan
from personalake.pipelines.activation_journal import LakeJournal, Stamps
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN, RUN

# Plans that are over, and what is said of what they still owed.
_OVER = {
    SUPERSEDED: "no longer current: its plan is superseded",
    REJECTED: "no longer current: its plan was rejected by a person",
}
_CHUNK = 50_000
_COUNTS = ("added", "changed", "removed")
_READ = ("plan_id", "sync", "state", "destination", "data_points", "bytes", "refused", "reason", "logged_at", *_COUNTS)


@dataclass(frozen=True)
class PlanState:
    """Where a plan stands: the last of its rows in `gold.activation_plan`.

    Args:
        plan_id: The plan.
        sync: Name of the sync that it is for.
        state: ready, awaiting_approval, approved, stopped, rejected or superseded.
        data_points: What the vendor bills for all of it, estimated; null where it bills none.
        planned_at: When it was first made.
        changed_at: When it came into its state.
        stands_since: Since when it may be sent; null if it may not.
        has_stood: Whether it ever could.
        bytes: Bytes of all its payloads; null if nobody counted them.
        destination: Where it goes.
        refused: Who of its audience was left out of it, by reason; the holdout apart.
        deliveries: How many it has.
        reason: Why it, or what was wanted besides, may not leave; null if all may.
    """

    plan_id: str
    sync: str | None
    state: str
    data_points: int | None
    planned_at: datetime
    changed_at: datetime
    stands_since: datetime | None
    has_stood: bool
    bytes: int | None = None
    destination: str | None = None
    refused: Mapping[str, int] = field(default_factory=dict)
    deliveries: int = 0
    reason: str | None = None


def plans(ledger: Ledger) -> list[PlanState]:
    """Every plan, in the order in which they were made; none before the first."""
    rows = ledger.read(ACTIVATION_PLAN, _READ)
    histories: dict[str, list[dict[str, Any]]] = {}
    for row in in_order(rows):
        histories.setdefault(row["plan_id"], []).append(row)
    found = [_state(history) for history in histories.values()]
    return sorted(found, key=lambda plan: (plan.planned_at, plan.plan_id))


def _state(history: Sequence[dict[str, Any]]) -> PlanState:
    last, since = history[-1], None
    for row in history:
        since = (since or row["logged_at"]) if row["state"] in STANDING else None
    has_stood = any(row["state"] in STANDING for row in history)
    return PlanState(
        last["plan_id"], last["sync"], last["state"], last["data_points"], history[0]["logged_at"], last["logged_at"],
        since, has_stood, last["bytes"], last["destination"], last["refused"] or {},
        sum(last[name] or 0 for name in _COUNTS), last["reason"],
    )  # fmt: skip


def owed(
    ledger: Ledger, chosen: Sequence[PlanState], destinations: Collection[str] | None = None
) -> Mapping[str, list[Part]]:
    """Rows of the outbox by destination, one entry for each of the plans."""
    if not chosen:
        return {}
    order = {plan.plan_id: place for place, plan in enumerate(chosen)}
    found: dict[str, list[Part]] = {}
    pairs = _distinct(ledger, chosen, ("destination", "plan_id"))
    for destination, plan_id in sorted(pairs, key=lambda pair: (pair[0], order[pair[1]])):
        if destinations is None or destination in destinations:
            rows = ledger.scan(ACTIVATION_OUTBOX, [("destination", "=", destination), ("plan_id", "=", plan_id)])
            found.setdefault(destination, []).append(Part(plan_id, rows, chosen[order[plan_id]].stands_since))
    return found


def log_about(ledger: Ledger, chosen: Sequence[PlanState], destination: str) -> Scan:
    """What has become so far of the plans' deliveries; settled for good only for who holds the destination's lease."""
    since = min(plan.planned_at for plan in chosen)
    return ledger.scan(ACTIVATION_LOG, [("destination", "=", destination), ("logged_at", ">=", since)])


def left_lately(ledger: Ledger, destination: str, bounds: Bounds, now: datetime) -> tuple[tuple[float, int], ...]:
    """What left for a destination within its window, in whichever run: seconds ago, and deliveries."""
    if bounds.max_in_window is None:
        return ()
    since = now - timedelta(seconds=bounds.window_seconds)
    return left_recently(ledger.scan(ACTIVATION_LOG, [("destination", "=", destination), ("logged_at", ">", since)]), now)


def as_ofs_of(ledger: Ledger, chosen: Sequence[PlanState]) -> list[date]:
    """As-ofs of the decisions behind some plans."""
    found = _distinct(ledger, chosen, ("as_of",), [("decision_id", "!=", None)])
    return sorted({as_of for (as_of,) in found if as_of is not None})


def superseded(known: Sequence[PlanState], ledger: Ledger) -> list[PlanState]:
    """Plans that stood when sending last came to its end, or later, and have been replaced or rejected since."""
    gone = [plan for plan in known if plan.state == REJECTED or (plan.state == SUPERSEDED and plan.has_stood)]
    if not gone:
        return []
    runs = ledger.read(RUN, ("job", "status", "started_at"), [("job", "=", "send_activation"), ("status", "!=", "failed")])
    last = max((row["started_at"] for row in runs), default=None)
    return [plan for plan in gone if last is None or plan.changed_at >= last]


def cancel_superseded(
    lake: Lake, gone: Sequence[PlanState], stamps: Stamps, hold: Callable[[str], AbstractContextManager[Callable[[], None]]]
) -> tuple[int, list[LeaseHeldError]]:
    """Log what plans that are over still owed: cancelled, or unknown if it may have left.

    Args:
        lake: The tables.
        gone: The plans.
        stamps: Times of the rows.
        hold: Holds a destination's lease meanwhile, without which two runs would each write down what the other is about to.

    Returns:
        How many were cancelled, and of which destinations nothing was, since somebody else is sending there.
    """
    cancelled, busy = 0, list[LeaseHeldError]()
    reasons = {plan.plan_id: _OVER[plan.state] for plan in gone}
    for destination, parts in owed(lake.ledger, gone).items():
        try:
            with (
                hold(destination) as require,
                Backlog(parts, log_about(lake.ledger, gone, destination)) as backlog,
            ):
                journal = LakeJournal(lake, destination, stamps, require)
                outcomes = (_taken_back(one, reasons) for one in backlog.deliveries(lambda delivery: True))
                while some := list(islice(outcomes, _CHUNK)):
                    journal.record(some)
                    cancelled += sum(outcome.state is State.CANCELLED for outcome in some)
        except LeaseHeldError as error:
            busy.append(error)
    return cancelled, busy


def _taken_back(delivery: Delivery, reasons: Mapping[str, str]) -> Outcome:
    which, why = (delivery.delivery_id,), reasons[delivery.plan_id or ""]
    if delivery.claim is None:
        return Outcome(which, State.CANCELLED, why)
    return Outcome(which, State.UNKNOWN, f"may have left before: {why}", delivery.claim.pack_id)


def _distinct(
    ledger: Ledger, chosen: Sequence[PlanState], columns: Sequence[str], where: Conditions = ()
) -> set[tuple[Any, ...]]:
    of_plans = ("plan_id", "in", [plan.plan_id for plan in chosen])
    rows = ledger.scan(ACTIVATION_OUTBOX, [of_plans, *where]).reader(columns)
    return {row for batch in rows for row in _unique(batch)}


def _unique(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    grouped = pa.Table.from_batches([batch]).group_by(list(batch.schema.names)).aggregate([])
    return zip(*(column.to_pylist() for column in grouped.columns), strict=True)
