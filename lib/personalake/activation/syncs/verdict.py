"""Whether a plan may leave, what it will cost, and what it is called: pure functions of its figures."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from personalake.activation.syncs.counts import Counts
from personalake.activation.syncs.plan_state import AWAITING, READY, STOPPED
from personalake.config.audiences import Sync
from personalake.config.connections import BrazeTrackConnection, Connection, OneSignalConnection

_BRAZE_ITEMS = {"combined75": 75, "each75": 75, "combined50": 50}
# Bytes around the items of one request, at most.
_ENVELOPE = 512


@dataclass(frozen=True)
class Cost:
    """What sending a plan takes.

    Args:
        calls: Requests or files, if they are filled; of OneSignal, one for each content at least.
        seconds: What the rates leave, or what that many requests take, as many at a time as may be under way.
        data_points: What Braze bills: each attribute that is set, each event; null elsewhere.
    """

    calls: int
    seconds: float
    data_points: int | None


def is_too_small(counts: Counts, sync: Sync) -> bool:
    """Whether an audience is too small for anything to be said of its people."""
    return counts.size < sync.min_people and counts.added + counts.changed > 0


def verdict(counts: Counts, sync: Sync, is_asked: bool = True) -> tuple[str, str | None]:
    """State of a new plan, and why it may not leave as it is.

    Args:
        counts: The plan.
        sync: Its sync.
        is_asked: Whether a person has to approve what is large.
    """
    if counts.deliveries == 0:
        return READY, None
    beyond = list(_beyond(counts, sync))
    if beyond:
        return STOPPED, "; ".join(beyond)
    if is_asked and sync.approve_above is not None and counts.deliveries > sync.approve_above:
        return AWAITING, f"{counts.deliveries:,} deliveries, approve_above is {sync.approve_above:,}"
    return READY, None


def _beyond(counts: Counts, sync: Sync) -> Iterator[str]:
    bounds = sync.bounds
    # Few people are told nothing; who has to be taken away is taken away, however few stay.
    if is_too_small(counts, sync):
        yield f"{counts.size:,} people may be sent, min_people is {sync.min_people:,}"
    for what, found, name, most in (
        ("removals", counts.removed, "max_removed", bounds.max_removed),
        ("additions and changes", counts.added + counts.changed, "max_changed", bounds.max_changed),
    ):
        if most is not None and found > most:
            yield f"{found:,} {what}, bounds.{name} is {most:,}"
    for what, found, name, share in (
        ("removed", counts.removed, "max_removed_share", bounds.max_removed_share),
        ("changed", counts.changed, "max_changed_share", bounds.max_changed_share),
    ):
        if share is not None and found > share * counts.held:
            yield f"{found:,} of {counts.held:,} would be {what}, bounds.{name} is {share:g}"


def cost(counts: Counts, sync: Sync, connection: Connection) -> Cost:
    """Estimate what sending takes, by the connection's limits and rates."""
    items, size = counts.deliveries, counts.bytes + counts.deliveries
    most_items = connection.max_items
    if isinstance(connection, BrazeTrackConnection):
        most_items = connection.max_items or _BRAZE_ITEMS[connection.batch_rule]
    calls = 0 if items == 0 else 1
    if most_items is not None:
        calls = math.ceil(items / most_items)
    if connection.max_bytes is not None:
        calls = max(calls, math.ceil(size / max(connection.max_bytes - _ENVELOPE, 1)))
    if isinstance(connection, OneSignalConnection):
        calls = max(calls, min(counts.contents, items))
    amounts = {"requests": calls, "items": items, "bytes": size}
    by_rate = [amounts[rate.of] / rate.amount * rate.per_seconds for rate in connection.rates]
    by_turn = math.ceil(calls / connection.max_in_flight) * connection.seconds_per_call
    seconds = max([*by_rate, by_turn])
    points = (items if sync.happening else counts.values) if isinstance(connection, BrazeTrackConnection) else None
    return Cost(calls, round(seconds, 3), points)


def plan_id(sync: str, place: str, mode: str, as_of: date, content: str) -> str:
    """Name of a plan: equal plans have equal names; `place` is the environment and the destination."""
    told = "|".join((sync, place, mode, as_of.isoformat(), content))
    return "plan_" + hashlib.sha256(told.encode()).hexdigest()[:24]


def again(name: str) -> str:
    """Name of a plan that was superseded and is wanted again: its deliveries were cancelled, so it needs new ones."""
    return "plan_" + hashlib.sha256(f"{name}|again".encode()).hexdigest()[:24]
