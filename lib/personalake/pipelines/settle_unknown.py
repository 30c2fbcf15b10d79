"""Deliveries whose fate nobody knows, settled by a person who has asked the destination."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

from personalake.activation.backlog import Backlog
from personalake.activation.clock import Clock
from personalake.activation.delivery import Delivery, Outcome, State
from personalake.activation.kept_back import is_left_out
from personalake.config import Settings
from personalake.config.connections.files import FilesConnection
from personalake.errors import InputError
from personalake.lake import Lake
from personalake.pipelines.activation_journal import LakeJournal, Stamps
from personalake.pipelines.activation_plans import log_about, owed, plans
from personalake.pipelines.sending_lease import sending_lease
from personalake.pipelines.unknown_deliveries import require_destination

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
        InputError: If there is no such destination, a delivery is not among its unknown ones, or a part of a file is said
            to be there.
    """
    known = plans(lake.ledger)
    planned = owed(lake.ledger, known)
    require_destination(destination, settings, planned)
    count, chosen = 0, frozenset(deliveries)
    name = f"settle-{uuid.uuid4().hex[:8]}"
    with sending_lease(settings, lake, destination, name, "activation resolve") as held:
        parts = planned.get(destination)
        if not parts:
            _require_known(destination, chosen, ())
            return 0
        stamps = Stamps.after(lake.ledger, clock, [plan.changed_at for plan in known])
        journal = LakeJournal(lake, destination, stamps, held.require)
        with Backlog(parts, log_about(lake.ledger, known, destination)) as backlog:
            _require_known(destination, chosen, [one.delivery_id for one in backlog.doubtful()] if chosen else ())
            if chosen and verdict == "taken" and isinstance(settings.connections.get(destination), FilesConnection):
                _require_whole_files(chosen, backlog.doubtful())
            standing = frozenset(plan.plan_id for plan in known if plan.stands_since is not None)
            settled = _settled(backlog.doubtful(), verdict, chosen, standing)
            while some := list(islice(settled, _CHUNK)):
                journal.record(some)
                count += len(some)
    return count


def _require_known(destination: str, chosen: Collection[str], unknown: Collection[str]) -> None:
    """Nothing is settled if one of those that are meant is not there: it may be misspelt."""
    if missing := set(chosen) - set(unknown):
        lister = f"`personalake activation unknown --destination {destination}` says more of them."
        raise InputError(
            f"Not among the unknown deliveries: {_some_of(missing)}. Nothing was settled.",
            f"Unknown are: {_some_of(unknown) or 'none'}. {lister}",
        )


def _require_whole_files(chosen: Collection[str], unknown: Iterable[Delivery]) -> None:
    """A file that is made again holds what is still unknown of it, and nothing of what would be said to be there.

    Who was left out of it already is in none.
    """
    meant: set[str] = set()
    others: defaultdict[str, list[str]] = defaultdict(list)
    for one in unknown:
        if one.claim is not None and one.delivery_id in chosen:
            meant.add(one.claim.pack_id)
        elif one.claim is not None and not is_left_out(one.claim):
            others[one.claim.pack_id].append(one.delivery_id)
    if left := [name for pack_id in meant for name in others.get(pack_id, ())]:
        raise InputError(
            "A file is there whole or not at all, and the rest of it would be written over these. Nothing was settled.",
            f"Settle with them what is unknown of the same files: {_some_of(left)}; or settle them as send_again.",
        )


def _some_of(ids: Collection[str]) -> str:
    more = f", and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return ", ".join(sorted(ids)[:_NAMED]) + more


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
