"""Deliveries whose fate nobody knows, as a person needs them who asks the destination; reads without Spark."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from personalake.activation.backlog import Backlog
from personalake.activation.delivery import Delivery
from personalake.activation.known_as import known_as
from personalake.config import Settings
from personalake.config.nearest import nearest
from personalake.errors import InputError
from personalake.lake import Ledger
from personalake.pipelines.activation_plans import log_about, owed, plans
from personalake.pipelines.activation_status import CLAIMED


@dataclass(frozen=True)
class Unknown:
    """One of them; nothing in it says whom it is about.

    Args:
        delivery_id: As `activation resolve` takes it.
        sync: The sync that it is of; empty where its plan is of none.
        plan_id: Its plan.
        change: What is done there, e.g. track, and whether that takes somebody away.
        since: When it was claimed, or first was in doubt.
        reason: Why nobody knows.
        known_as: What to ask the destination for; empty where it was told nothing by which it could find it.
    """

    delivery_id: str
    sync: str
    plan_id: str
    change: str
    since: datetime
    reason: str
    known_as: str


def unknown_deliveries(ledger: Ledger, settings: Settings, destination: str, sync: str | None = None) -> Iterator[Unknown]:
    """Those of a destination, request by request.

    Args:
        ledger: The tables.
        settings: Connections, and syncs by name.
        destination: Its name.
        sync: Only those of this sync.

    Raises:
        InputError: If there is no such destination, or no such sync.
    """
    known = plans(ledger)
    require_destination(destination, settings, owed(ledger, known))
    syncs = {plan.plan_id: plan.sync or "" for plan in known}
    if sync is not None and sync not in {*syncs.values(), *settings.audiences}:
        named = nearest(sync, sorted({*filter(None, syncs.values()), *settings.audiences}))
        raise InputError(f"There is no sync {sync}, and never was a plan of one: {named}")
    chosen = [plan for plan in known if sync is None or plan.sync == sync]
    parts = owed(ledger, chosen, [destination]).get(destination)
    if not parts:
        return iter(())
    connection = settings.connections.get(destination)
    return (
        Unknown(
            one.delivery_id,
            syncs.get(one.plan_id or "", ""),
            one.plan_id or "",
            f"{one.operation}, taking away" if one.removal else one.operation,
            one.claim.claimed_at,
            one.claim.doubt or CLAIMED,
            known_as(destination, connection, one) or "",
        )
        for one in _doubtful(Backlog(parts, log_about(ledger, chosen, destination)))
        if one.claim is not None
    )


def _doubtful(backlog: Backlog) -> Iterator[Delivery]:
    with backlog:
        yield from backlog.doubtful()


def require_destination(destination: str, settings: Settings, planned: Collection[str]) -> None:
    """Go on only if there is such a destination: a misspelt one has nothing unknown, and that would be no answer.

    Raises:
        InputError: If there is none.
    """
    there = sorted({*settings.connections, *planned})
    if destination not in there:
        raise InputError(f"There is no destination {destination}.", f"There are: {', '.join(there) or 'none'}.")
