"""What was sent so far: plans and their deliveries by state, for the console and the report; reads without Spark."""

from collections.abc import Iterable, Mapping
from typing import Any

from personalake.activation.spells import Spell, spells_of_sending
from personalake.activation.syncs.diff import REFUSED
from personalake.activation.syncs.plan_state import STANDING
from personalake.activation.tally import tally
from personalake.lake import Ledger
from personalake.pipelines.activation_plans import PlanState, plans
from personalake.pipelines.activation_results import why_stopped
from personalake.reports.data import Sent
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, DATA_HEALTH

_TAKEN = ("accepted", "confirmed")
CLAIMED = "claimed, and no outcome yet: on the way now, or left so by a run that died"
_WITH_REASONS = ("rejected", "unknown", "cancelled", "pending")


def sent_so_far(ledger: Ledger) -> list[Sent]:
    """One entry for each plan and destination, the newest plan first; none before the first plan."""
    known = {plan.plan_id: (place, plan) for place, plan in enumerate(plans(ledger))}
    if not known:
        return []
    since = min(plan.planned_at for _, plan in known.values())
    outbox = ledger.scan(ACTIVATION_OUTBOX, [("plan_id", "!=", None)])
    counted: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    log = ledger.scan(ACTIVATION_LOG, [("logged_at", ">=", since)])
    for row in tally(outbox, log, list(known)):
        counted.setdefault((row["plan_id"], row["destination"]), []).append(row)
    spells = spells_of_sending(outbox, log)
    stopped = _stopped(ledger)
    found = [
        (known[plan_id][0],
         _sent(known[plan_id][1], destination, rows, stopped.get(destination), spells.get((plan_id, destination), ())))
        for (plan_id, destination), rows in counted.items()
        if plan_id in known
    ]  # fmt: skip
    return [sent for _, sent in sorted(found, key=lambda pair: (-pair[0], pair[1].destination))]


def _stopped(ledger: Ledger) -> dict[str, str]:
    """Why sending to a destination stopped when it last was sent to, of those where it did."""
    rows = ledger.read(DATA_HEALTH, ("source", "reasons", "recorded_at"), [("job", "=", "send_activation")])
    last = {row["source"]: why_stopped(row["reasons"] or {}) for row in sorted(rows, key=lambda row: row["recorded_at"])}
    return {destination: why for destination, why in last.items() if why is not None}


def _sent(
    plan: PlanState, destination: str, rows: Iterable[Mapping[str, Any]], stopped: str | None, spells: tuple[Spell, ...]
) -> Sent:
    rows = list(rows)
    reasons: dict[tuple[str, str], int] = {(REFUSED, why): count for why, count in plan.refused.items()}
    for row in rows:
        if row["state"] in _WITH_REASONS and row["reason"] is not None:
            reasons[row["state"], row["reason"]] = row["deliveries"]
    claimed = _count(rows, "in_flight")
    if claimed:
        reasons["in flight", CLAIMED] = claimed
    planned, taken = sum(row["deliveries"] for row in rows), _count(rows, *_TAKEN)
    return Sent(
        destination=destination,
        sync=plan.sync or "",
        plan_id=plan.plan_id,
        plan_state=plan.state,
        planned_at=plan.planned_at,
        planned=planned,
        taken=taken,
        confirmed=_count(rows, "confirmed"),
        rejected=_count(rows, "rejected"),
        unknown=_count(rows, "unknown"),
        in_flight=claimed,
        again=sum(row["again"] for row in rows),
        cancelled=_count(rows, "cancelled"),
        pending=_count(rows, "pending"),
        may_repeat=sum(row["may_repeat"] for row in rows),
        data_points=None if plan.data_points is None else round(plan.data_points * taken / planned),
        spells=spells,
        last_at=max((row["last_at"] for row in rows if row["last_at"]), default=None),
        reasons=reasons,
        bytes=round((plan.bytes or 0) * taken / planned),
        stopped=stopped if plan.state in STANDING else None,
    )


def _count(rows: Iterable[Mapping[str, Any]], *states: str) -> int:
    return sum(row["deliveries"] for row in rows if row["state"] in states)
