"""A person's word that a plan may leave, given while nobody plans."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from personalake.config import Settings
from personalake.errors import InputError
from personalake.lake import Lake
from personalake.lake.lease import lease
from personalake.pipelines.activation_plans import plans
from personalake.pipelines.plan_states import approve


def approve_plan(lake: Lake, settings: Settings, plan_id: str) -> dict[str, Any]:
    """Approve a plan that waits for it; otherwise a run that replaces it could be overtaken.

    Args:
        lake: The tables.
        settings: How leases are kept.
        plan_id: The plan.

    Returns:
        The plan.

    Raises:
        InputError: If there is no such plan, it does not wait, or is too old to be sent.
        LeaseHeldError: If plan_activation is at work.
    """
    path, kept = lake.locations.lease("plan_activation"), settings.lease
    with lease(path, f"approve-{uuid.uuid4().hex[:8]}", kept.heartbeat_seconds, kept.stale_after_seconds):
        _require_fresh(lake, settings, plan_id)
        return approve(lake, plan_id, datetime.now(UTC))


def _require_fresh(lake: Lake, settings: Settings, plan_id: str) -> None:
    """A person's word does not make what a plan rests on any newer."""
    for plan in plans(lake.ledger):
        sync = settings.audiences.get(plan.sync or "")
        age = datetime.now(UTC) - plan.planned_at
        if plan.plan_id == plan_id and plan.state == "awaiting_approval" and sync and age > timedelta(sync.max_age_days):
            raise InputError(
                f"{plan_id} is too old to be approved: made {age.days} days ago, max_age_days is {sync.max_age_days}.",
                "Run plan_activation again, and approve the plan that takes its place.",
            )
