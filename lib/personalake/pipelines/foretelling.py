"""What a run of sending would do: what would leave, what would be kept here and why, and what would stop it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from personalake.activation.breaker import Breaker, Volume
from personalake.activation.delivery import Delivery
from personalake.activation.journal import Check
from personalake.config.connections.base import Bounds
from personalake.pipelines.job import JobResult

_REASONS = 20
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Due:
    """What one destination is owed.

    Args:
        deliveries: What is open, in order.
        is_held: Whether a delivery that may have left before is not sent again.
        volume: How much the plans want to send.
        bounds: Of the connection.
    """

    deliveries: Iterable[Delivery]
    is_held: Callable[[Delivery], bool]
    volume: Volume
    bounds: Bounds


def foretold(due: Mapping[str, Due], check: Check, taken_back: int = 0, failing: Sequence[str] = ()) -> JobResult:
    """What would leave, and what would be kept here by what is known of plans and people at this moment.

    Args:
        due: What is open, by destination.
        check: The last look before sending.
        taken_back: What plans that are over would not be sent.
        failing: Why the run would fail, whatever it sends.
    """
    rows, told = dict[str, dict[str, Any]](), list[str]()
    for name, one in due.items():
        rows[name], text = _of_destination(one, check)
        told.append(f"{name}: {text}")
    message = f"would send {'; '.join(told) or 'nothing'}"
    if taken_back:
        message += f"; would take back {taken_back:,} of superseded or rejected plans"
    figures = {"destinations": rows, **({"would_take_back": taken_back} if taken_back else {})}
    if failing:
        message += f"; would FAIL: {'; '.join(failing)}"
        figures["would_fail"] = list(failing)
    return JobResult(skipped=True, message=message, figures=figures)


def _of_destination(due: Due, check: Check) -> tuple[dict[str, Any], str]:
    leaving, removals, unknown, kept = 0, 0, 0, Counter[str]()
    for some in iter(partial(_next, iter(due.deliveries)), []):
        free = [one for one in some if not due.is_held(one)]
        reasons = check(free)
        going = [one for one in free if one.delivery_id not in reasons]
        leaving += len(going)
        removals += sum(one.removal for one in going)
        # What may have left before is not cancelled, but unknown.
        unknown += len(some) - len(free) + sum(one.claim is not None for one in free if one.delivery_id in reasons)
        kept.update(reasons[one.delivery_id] for one in free if one.delivery_id in reasons and one.claim is None)
    stop, room = _stop(due, leaving)
    figures = {"would_send": min(leaving, room), "removals": removals if room >= leaving else min(removals, room)}
    most = dict(kept.most_common(_REASONS))
    text = f"{figures['would_send']:,}"
    if kept:
        text += f", and cancel {kept.total():,} ({', '.join(f'{times:,} {reason}' for reason, times in most.items())})"
    if unknown:
        text += f", and hold {unknown:,} as unknown"
    if stop is not None:
        text += f"; would STOP: {stop}"
    return {**figures, "would_cancel": most, "would_hold": unknown, "would_stop": stop}, text


def _stop(due: Due, leaving: int) -> tuple[str | None, int]:
    """Why the run would stop, and how many would leave before that; as if all of it left within one window of time."""
    breaker = Breaker(due.bounds)
    breaker.plan(due.volume)
    if not breaker.admit(0, 0):
        return breaker.reason, 0
    if breaker.admit_in_window(leaving, 0.0):
        return None, leaving
    recent = sum(count for ago, count in due.volume.recent if ago < due.bounds.window_seconds)
    return breaker.reason, max(0, (due.bounds.max_in_window or 0) - recent)


def _next(deliveries: Iterator[Delivery]) -> list[Delivery]:
    return list(islice(deliveries, _AT_ONCE))
