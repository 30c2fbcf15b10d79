"""A person's word that a plan may leave, or may not, given while nobody plans."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from personalake.config import Settings
from personalake.errors import InputError, LeaseHeldError
from personalake.lake import Lake
from personalake.lake.lease import lease
from personalake.pipelines.activation_journal import Stamps
from personalake.pipelines.activation_plans import cancel_superseded, plans
from personalake.pipelines.plan_states import approve, is_too_old, reject
from personalake.pipelines.sending_lease import sending_lease
from personalake.pipelines.system_clock import SystemClock


def approve_plan(lake: Lake, settings: Settings, plan_id: str) -> dict[str, Any]:
    """Approve a plan that waits for it; otherwise a run that replaces it could be overtaken.

    Args:
        lake: The tables.
        settings: How leases are kept.
        plan_id: The plan, or the beginning of its name.

    Returns:
        The plan.

    Raises:
        InputError: If there is no such plan, it does not wait, or is too old to be sent.
        LeaseHeldError: If plan_activation is at work.
    """
    with _while_nobody_plans(lake, settings, "approve"):
        return approve(lake, plan_id, datetime.now(UTC), partial(_require_fresh, settings))


def reject_plan(lake: Lake, settings: Settings, plan_id: str) -> tuple[dict[str, Any], int, list[LeaseHeldError]]:
    """Reject a plan that waits or may leave, and take back what it has not sent.

    The plan falls first: a run that is sending it stops at its next look, and takes back the rest itself.

    Args:
        lake: The tables.
        settings: How leases are kept.
        plan_id: The plan, or the beginning of its name.

    Returns:
        The plan; how many deliveries were cancelled; and who is sending there, so that the rest is left to them.

    Raises:
        InputError: If there is no such plan, or nothing of it would leave anyway.
        LeaseHeldError: If plan_activation is at work.
    """

    @contextmanager
    def hold(destination: str) -> Iterator[Callable[[], None]]:
        with sending_lease(settings, lake, destination, f"reject-{uuid.uuid4().hex[:8]}", "activation reject") as held:
            yield held.require

    with _while_nobody_plans(lake, settings, "reject"):
        row = reject(lake, plan_id, datetime.now(UTC))
        known = plans(lake.ledger)
        stamps = Stamps.after(lake.ledger, SystemClock(), [plan.changed_at for plan in known])
        gone = [plan for plan in known if plan.plan_id == row["plan_id"]]
        return row, *cancel_superseded(lake, gone, stamps, hold)


@contextmanager
def _while_nobody_plans(lake: Lake, settings: Settings, what: str) -> Iterator[None]:
    path, kept = lake.locations.lease("plan_activation"), settings.lease
    name = f"{what}-{uuid.uuid4().hex[:8]}"
    with lease(path, name, kept.heartbeat_seconds, kept.stale_after_seconds, f"activation {what}"):
        yield


def _require_fresh(settings: Settings, plan: dict[str, Any], planned_at: datetime) -> None:
    """A person's word does not make what a plan rests on any newer."""
    sync = settings.audiences.get(plan["sync"] or "")
    now = datetime.now(UTC)
    if sync and is_too_old(planned_at, sync.max_age_days, now):
        days = (now - planned_at).days
        raise InputError(
            f"{plan['plan_id']} is too old to be approved: made {days} days ago, max_age_days is {sync.max_age_days}.",
            "Run plan_activation with a later as-of, and approve the plan that takes its place.",
        )
