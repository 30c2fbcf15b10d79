"""What a run that has nothing to send leaves as it is: deliveries that nobody knows about, plans that wait for a person."""

from collections.abc import Mapping, Sequence

from personalake.activation.last_state import last_states
from personalake.activation.syncs.plan_state import AWAITING
from personalake.common.in_memory import in_memory
from personalake.lake import Ledger
from personalake.pipelines.activation_plans import PlanState
from personalake.reports.words import plural
from personalake.tables.gold import ACTIVATION_LOG

_UNKNOWN = f"""
SELECT destination, count(*) FROM ({last_states("log", "any_value(log.destination) AS destination")})
WHERE state IN ('in_flight', 'unknown') GROUP BY destination
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


def _unknown(ledger: Ledger, known: Sequence[PlanState]) -> Mapping[str, int]:
    """Deliveries that are unknown, by destination, from a few columns of the log alone."""
    if not known:
        return {}
    since = min(plan.planned_at for plan in known)
    with in_memory(threads=2) as opened:
        log = ledger.scan(ACTIVATION_LOG, [("logged_at", ">=", since)])
        opened.register("log", log.reader(("delivery_id", "destination", "state", "logged_at")))
        return dict(opened.execute(_UNKNOWN).fetchall())
