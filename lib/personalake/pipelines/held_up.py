"""Plans of which something does not leave until a person has looked: for whoever sends, for the console and the report."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from personalake.activation.syncs.plan_state import AWAITING, READY, STOPPED
from personalake.config.audiences import Sync
from personalake.pipelines.activation_plans import PlanState
from personalake.pipelines.plan_states import is_too_old
from personalake.reports.words import plural

_BOUND, _FEW = "bounds.", "min_people is "
_REMEDY = (
    "Look at it with `personalake activation plan {plan}`; if that much is meant, plan again with "
    "--set audiences.{sync}.bounds.<name>=<figure>."
)
_APPROVE = "`personalake activation approve {0}` lets it leave."
_TOO_OLD = (
    "It is too old to be approved by now: run plan_activation with a later as-of, and approve the plan that takes its place."
)
# What becomes of a plan, of which not all may leave.
_BECOMES = {
    STOPPED: "is stopped, nothing of it is sent",
    READY: "takes withdrawn people away, nothing else is sent",
}


def beyond_bounds(known: Sequence[PlanState], syncs: Mapping[str, Sync]) -> Iterator[tuple[PlanState, str]]:
    """Plans beyond the bounds of their syncs, each with what becomes of it.

    Of a sync that is gone, turned off, or goes elsewhere by now nothing is planned there that could take its place.

    Args:
        known: All plans.
        syncs: The syncs of today.
    """
    return ((plan, what) for plan, what in _not_whole(known, syncs) if _BOUND in (plan.reason or ""))


def too_small(known: Sequence[PlanState], syncs: Mapping[str, Sync]) -> list[str]:
    """A sentence for each plan that does not leave since too few people are meant: nothing is wrong, and nothing to do.

    Args:
        known: All plans.
        syncs: The syncs of today.
    """
    found = ((plan, what, plan.reason or "") for plan, what in _not_whole(known, syncs))
    return [f"{_lead(plan)} {what}: {why}." for plan, what, why in found if _FEW in why and _BOUND not in why]


def held_up(known: Sequence[PlanState], syncs: Mapping[str, Sync], now: datetime) -> list[str]:
    """A sentence or two for each plan that waits for a person, or is beyond its bounds.

    Args:
        known: All plans.
        syncs: The syncs of today.
        now: The time at which it is said.
    """
    found = [
        f"{_lead(plan)} {what}: {plan.reason}. {_REMEDY.format(plan=plan.plan_id, sync=plan.sync)}"
        for plan, what in beyond_bounds(known, syncs)
    ]
    waiting = [plan for plan in known if plan.state == AWAITING and _is_planned_still(plan, syncs)]
    return found + [
        f"{_lead(plan)} waits for approval with {plural(plan.deliveries, 'delivery', 'deliveries')}: {plan.reason}. "
        f"{_word(plan, syncs[plan.sync or ''], now)}"
        for plan in waiting
    ]


def _word(plan: PlanState, sync: Sync, now: datetime) -> str:
    """What a person can do for a plan that waits."""
    return _TOO_OLD if is_too_old(plan.planned_at, sync.max_age_days, now) else _APPROVE.format(plan.plan_id)


def _not_whole(known: Sequence[PlanState], syncs: Mapping[str, Sync]) -> Iterator[tuple[PlanState, str]]:
    return ((plan, _BECOMES[plan.state]) for plan in known if plan.state in _BECOMES and _is_planned_still(plan, syncs))


def _lead(plan: PlanState) -> str:
    return f"{plan.sync} to {plan.destination}: {plan.plan_id}"


def _is_planned_still(plan: PlanState, syncs: Mapping[str, Sync]) -> bool:
    sync = syncs.get(plan.sync or "")
    return sync is not None and sync.enabled and sync.destination == plan.destination
