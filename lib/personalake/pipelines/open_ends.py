"""What a run that sends leaves as it is: deliveries nobody knows about, plans that wait for a person or a connection."""

from collections.abc import Mapping, Sequence

from personalake.activation.last_state import last_states
from personalake.activation.syncs.plan_state import AWAITING
from personalake.common.in_memory import in_memory
from personalake.config.connections import Connection
from personalake.lake import Ledger
from personalake.pipelines.activation_plans import PlanState
from personalake.reports.words import plural
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX

_UNKNOWN = f"""
SELECT destination, count(*) FROM ({last_states("log", "any_value(log.destination) AS destination")})
WHERE state IN ('in_flight', 'unknown') GROUP BY destination
"""
_PENDING = f"""
SELECT plan_id, count(*) FROM outbox LEFT JOIN ({last_states("log")}) AS last USING (delivery_id)
WHERE coalesce(state, 'pending') = 'pending' GROUP BY plan_id
"""


def open_ends(ledger: Ledger, known: Sequence[PlanState]) -> list[str]:
    """A sentence for each destination with unknown deliveries, and for each plan that waits to be approved.

    Args:
        ledger: The tables.
        known: All plans.
    """
    told = [
        f"{name}: {plural(count, 'delivery is', 'deliveries are')} unknown, "
        f"see `personalake activation unknown --destination {name}`"
        for name, count in sorted(_unknown(ledger, known).items())
    ]
    waiting = [plan for plan in known if plan.state == AWAITING]
    return told + [
        f"{plan.plan_id} waits for approval with {plural(plan.deliveries, 'delivery', 'deliveries')}"
        f"{f' to {plan.destination}' if plan.destination else ''}"
        for plan in waiting
    ]


def left_waiting(ledger: Ledger, known: Sequence[PlanState], connections: Mapping[str, Connection]) -> list[str]:
    """A sentence for each plan that may leave, and does not since its connection is off, renamed or gone.

    Args:
        ledger: The tables.
        known: All plans.
        connections: The connections of today.
    """
    on = {name for name, one in connections.items() if one.enabled}
    stuck = {plan.plan_id: plan for plan in known if plan.stands_since is not None and plan.destination not in {*on, None}}
    if not stuck:
        return []
    since = min(plan.planned_at for plan in stuck.values())
    with in_memory(threads=2) as opened:
        outbox = ledger.scan(ACTIVATION_OUTBOX, [("plan_id", "in", list(stuck))])
        opened.register("outbox", outbox.reader(("delivery_id", "plan_id")))
        log = ledger.scan(ACTIVATION_LOG, [("logged_at", ">=", since)])
        opened.register("log", log.reader(("delivery_id", "state", "logged_at")))
        counted = dict(opened.execute(_PENDING).fetchall())
    return [_waits_for(plan, counted[name], connections) for name, plan in stuck.items() if name in counted]


def _waits_for(plan: PlanState, count: int, connections: Mapping[str, Connection]) -> str:
    waits = plural(count, "delivery waits", "deliveries wait")
    is_what = "off" if plan.destination in connections else "not"
    return (
        f"{plan.plan_id}: {waits} for {plan.destination}, which is {is_what} in conf/connections.yml; "
        f"`personalake activation reject {plan.plan_id}` takes back what is not to leave"
    )


def _unknown(ledger: Ledger, known: Sequence[PlanState]) -> Mapping[str, int]:
    """Deliveries that are unknown, by destination, from a few columns of the log alone."""
    if not known:
        return {}
    since = min(plan.planned_at for plan in known)
    with in_memory(threads=2) as opened:
        log = ledger.scan(ACTIVATION_LOG, [("logged_at", ">=", since)])
        opened.register("log", log.reader(("delivery_id", "destination", "state", "logged_at")))
        return dict(opened.execute(_UNKNOWN).fetchall())
