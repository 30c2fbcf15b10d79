"""Deliveries whose fate nobody knows, settled by a person who has asked the destination."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Literal

from personalake.activation.backlog import Backlog
from personalake.activation.clock import Clock
from personalake.activation.delivery import Delivery, Outcome, State
from personalake.config import Settings
from personalake.errors import InputError
from personalake.lake import Lake
from personalake.pipelines.activation_journal import LakeJournal, Stamps
from personalake.pipelines.activation_plans import log_about, owed, plans
from personalake.pipelines.sending_lease import sending_lease

Verdict = Literal["taken", "send_again", "given_up"]
_STATES = {"taken": State.ACCEPTED, "send_again": State.PENDING, "given_up": State.REJECTED}
_WORDS = {"taken": "it is there", "send_again": "send it again", "given_up": "it is not there, and is not sent again"}
# A removal that did not arrive leaves somebody there; were it refused, no plan would ever take them away.
_NOT_TAKEN_AWAY = (State.CANCELLED, "nobody was taken away there, a later plan does it")
_LATER = "the next plan of its sync says it again, its own does not stand"
_CHUNK = 50_000
_NAMED = 10


def settle_unknown(
    lake: Lake, settings: Settings, destination: str, verdict: Verdict, clock: Clock, deliveries: Sequence[str] = ()
) -> int:
    """Log a verdict on unknown deliveries to a destination.

    Args:
        lake: The tables.
        settings: How leases are kept.
        destination: Its name.
        verdict: `taken`: it is there. `send_again`: the next run sends it, and it counts as perhaps sent twice; where its
            plan does not stand any more, the next plan of its sync that is made says it.
            `given_up`: it is not there, and stays away; who was to be taken away is taken away by a later plan.
        clock: Time.
        deliveries: Ids of those that are meant; all by default.

    Returns:
        How many were settled.

    Raises:
        LeaseHeldError: If the destination is being sent to.
        InputError: If there is no such destination, or a delivery is not among its unknown ones.
    """
    known = plans(lake.ledger)
    planned = owed(lake.ledger, known)
    there = sorted({*settings.connections, *planned})
    if destination not in there:
        raise InputError(f"There is no destination {destination}.", f"There are: {', '.join(there) or 'none'}.")
    count, chosen = 0, frozenset(deliveries)
    name = f"settle-{uuid.uuid4().hex[:8]}"
    with sending_lease(settings, lake, destination, name, "activation resolve") as held:
        parts = planned.get(destination)
        if not parts:
            _require_known(chosen, ())
            return 0
        stamps = Stamps.after(lake.ledger, clock, [plan.changed_at for plan in known])
        journal = LakeJournal(lake, destination, stamps, held.require)
        with Backlog(parts, log_about(lake.ledger, known, destination)) as backlog:
            _require_known(chosen, [one.delivery_id for one in backlog.doubtful()] if chosen else ())
            standing = frozenset(plan.plan_id for plan in known if plan.stands_since is not None)
            settled = _settled(backlog.doubtful(), verdict, chosen, standing)
            while some := list(islice(settled, _CHUNK)):
                journal.record(some)
                count += len(some)
    return count


def _require_known(chosen: Collection[str], unknown: Collection[str]) -> None:
    """Nothing is settled if one of those that are meant is not there: it may be misspelt."""
    if missing := sorted(set(chosen) - set(unknown)):
        more = f", and {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
        told = ", ".join(sorted(unknown)[:_NAMED]) or "none"
        raise InputError(f"Not among the unknown deliveries: {', '.join(missing)}.", f"Unknown are: {told}{more}.")


def _settled(
    deliveries: Iterator[Delivery], verdict: Verdict, chosen: frozenset[str], standing: frozenset[str]
) -> Iterator[Outcome]:
    for delivery in deliveries:
        if (not chosen or delivery.delivery_id in chosen) and delivery.claim is not None:
            state, words = _STATES[verdict], _WORDS[verdict]
            if verdict == "given_up" and delivery.removal:
                state, words = _NOT_TAKEN_AWAY
            if verdict == "send_again" and delivery.plan_id not in standing:
                words = _LATER
            repeats = verdict == "send_again"
            pack_id = delivery.claim.pack_id or None
            yield Outcome((delivery.delivery_id,), state, f"settled by hand: {words}", pack_id, None, repeats)
