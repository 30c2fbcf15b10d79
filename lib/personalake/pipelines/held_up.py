"""Plans of which something does not leave until a person has looked: for whoever sends, for the console and the report."""

from collections.abc import Iterator, Mapping, Sequence

from personalake.activation.syncs.plan_state import AWAITING, READY, STOPPED
from personalake.config.audiences import Sync
from personalake.pipelines.activation_plans import PlanState
from personalake.reports.words import plural

_BOUND = "bounds."
_REMEDY = (
    "Look at it with `personalake activation plan {plan}`; if that much is meant, plan again with "
    "--set audiences.{sync}.bounds.<name>=<figure>."
)


def beyond_bounds(known: Sequence[PlanState], syncs: Mapping[str, Sync]) -> Iterator[tuple[PlanState, str]]:
    """Plans beyond the bounds of their syncs, each with what becomes of it.

    Of a sync that is gone, turned off, or goes elsewhere by now nothing is planned there that could take its place.

    Args:
        known: All plans.
        syncs: The syncs of today.
    """
    for plan in known:
        if _BOUND not in (plan.reason or "") or not _is_planned_still(plan, syncs):
            continue
        if plan.state == STOPPED:
            yield plan, "is stopped, nothing of it is sent"
        elif plan.state == READY:
            yield plan, "takes withdrawn people away, nothing else is sent"


def held_up(known: Sequence[PlanState], syncs: Mapping[str, Sync]) -> list[str]:
    """A sentence or two for each plan that waits for a person, or is beyond its bounds.

    Args:
        known: All plans.
        syncs: The syncs of today.
    """
    found = [
        f"{_lead(plan)} {what}: {plan.reason}. {_REMEDY.format(plan=plan.plan_id, sync=plan.sync)}"
        for plan, what in beyond_bounds(known, syncs)
    ]
    waiting = [plan for plan in known if plan.state == AWAITING and _is_planned_still(plan, syncs)]
    return found + [
        f"{_lead(plan)} waits for approval with {plural(plan.deliveries, 'delivery', 'deliveries')}: {plan.reason}. "
        f"`personalake activation approve {plan.plan_id}` lets it leave."
        for plan in waiting
    ]


def _lead(plan: PlanState) -> str:
    return f"{plan.sync} to {plan.destination}: {plan.plan_id}"


def _is_planned_still(plan: PlanState, syncs: Mapping[str, Sync]) -> bool:
    sync = syncs.get(plan.sync or "")
    return sync is not None and sync.enabled and sync.destination == plan.destination
