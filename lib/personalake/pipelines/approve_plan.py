"""A person's word that a plan may leave, given while nobody plans."""

import uuid
from datetime import UTC, datetime
from typing import Any

from personalake.config import Settings
from personalake.lake import Lake
from personalake.lake.lease import lease
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
        InputError: If there is no such plan, or it does not wait.
        LeaseHeldError: If plan_activation is at work.
    """
    path, kept = lake.locations.lease("plan_activation"), settings.lease
    with lease(path, f"approve-{uuid.uuid4().hex[:8]}", kept.heartbeat_seconds, kept.stale_after_seconds):
        return approve(lake, plan_id, datetime.now(UTC))
