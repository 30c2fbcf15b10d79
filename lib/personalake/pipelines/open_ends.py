"""What a run that has nothing to send leaves as it is: deliveries that nobody knows about, plans that wait for a person."""

from collections import Counter
from collections.abc import Sequence

from personalake.lake import Ledger
from personalake.pipelines.activation_plans import PlanState
from personalake.pipelines.activation_status import sent_so_far
from personalake.reports.words import plural


def open_ends(ledger: Ledger, known: Sequence[PlanState]) -> list[str]:
    """A sentence for each destination with unknown deliveries, and for each plan that waits to be approved."""
    unknown: Counter[str] = Counter()
    for sent in sent_so_far(ledger):
        unknown[sent.destination] += sent.unknown
    told = [
        f"{name}: {plural(count, 'delivery is', 'deliveries are')} unknown, see `personalake activation resolve`"
        for name, count in sorted(unknown.items())
        if count
    ]
    waiting = [plan for plan in known if plan.state == "awaiting_approval"]
    return told + [
        f"{plan.plan_id} waits for approval with {plural(plan.deliveries, 'delivery', 'deliveries')}"
        f"{f' to {plan.destination}' if plan.destination else ''}"
        for plan in waiting
    ]
