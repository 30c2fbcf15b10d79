"""What a run of sending came to, for one destination: the equation, figures, and a sentence."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from personalake.activation.delivery import Delivery, State
from personalake.activation.journal import Check
from personalake.activation.sending import Report
from personalake.pipelines.job import JobResult

TAKEN = (State.ACCEPTED.value, State.CONFIRMED.value)
_REASONS = 20
_NOT_REACHED = "not reached: "
# Nothing was left to reach, but what the stopped run had begun was given back.
_GIVEN_BACK = f"{State.PENDING.value}: not sent: "
_AT_ONCE = 10_000


def equation(destination: str, report: Report, owed: int, run_id: str) -> dict[str, Any]:
    """A row of `gold.data_health`: owed = taken + not taken, each counted by its outcomes."""
    reached, taken = report.states.total(), _taken(report)
    reasons = {f"{state}: {why}": count for (state, why), count in report.reasons.most_common(_REASONS)}
    if report.stopped is not None and owed > reached:
        reasons[f"{_NOT_REACHED}{report.stopped}"] = owed - reached
    return {
        "job": "send_activation",
        "source": destination,
        "batch_id": f"send_activation/{destination}/{run_id}",
        "run_id": run_id,
        "rows_in": owed,
        "rows_accepted": taken,
        "rows_quarantined": reached - taken + (owed - reached if report.stopped is not None else 0),
        "rows_duplicate": 0,
        "rows_late": 0,
        "balanced": reached == owed or (report.stopped is not None and reached < owed),
        "reasons": reasons,
        "warnings": {"may repeat": report.may_repeat} if report.may_repeat else {},
        "recorded_at": datetime.now(UTC),
    }


def why_stopped(reasons: Mapping[str, int]) -> str | None:
    """Why the run of an `equation` stopped, by its reasons; null if it came to its end."""
    for beginning in (_NOT_REACHED, _GIVEN_BACK):
        for reason in reasons:
            if reason.startswith(beginning):
                return reason.removeprefix(beginning)
    return None


def figures(report: Report, owed: int) -> Mapping[str, Any]:
    """Numbers for the last line of JSON."""
    return {
        "owed": owed,
        **dict(sorted(report.states.items())),
        "may_repeat": report.may_repeat,
        "reasons": {f"{state}: {why}": count for (state, why), count in report.reasons.most_common(_REASONS)},
        "requests": report.traffic.requests,
        "bytes": report.traffic.bytes,
        "retries": report.traffic.retries,
        "seconds": round(report.seconds, 2),
        "stopped": report.stopped,
    }


def sentence(destination: str, report: Report, owed: int) -> str:
    """The same in words."""
    parts = [f"{_taken(report):,} of {owed:,} sent"]
    # What a stopped run never came to waits as that does which it gave back.
    unreached = max(0, owed - report.states.total()) if report.stopped is not None else 0
    states = report.states + Counter({State.PENDING.value: unreached})
    parts += [f"{count:,} {state}" for state, count in sorted(states.items()) if state not in TAKEN]
    if report.may_repeat:
        parts.append(f"{report.may_repeat:,} perhaps twice")
    stopped = f"; STOPPED: {report.stopped}" if report.stopped is not None else ""
    return f"{destination}: {', '.join(parts)}{stopped}"


def foretold(due: Mapping[str, Iterable[Delivery]], check: Check) -> JobResult:
    """What would leave, and what would be kept here by what is known of plans and people at this moment.

    Args:
        due: What is open, by destination.
        check: The last look before sending.
    """
    rows, told = dict[str, dict[str, Any]](), list[str]()
    for name, deliveries in due.items():
        count, removals, kept = 0, 0, Counter[str]()
        for some in iter(partial(_next, iter(deliveries)), []):
            reasons = check(some)
            count += len(some) - len(reasons)
            removals += sum(one.removal for one in some if one.delivery_id not in reasons)
            kept.update(reasons.values())
        rows[name] = {"would_send": count, "removals": removals, "would_cancel": dict(kept.most_common(_REASONS))}
        why = ", ".join(f"{times:,} {reason}" for reason, times in kept.most_common(_REASONS))
        told.append(f"{name}: {count:,}" + (f", and cancel {kept.total():,} ({why})" if kept else ""))
    return JobResult(skipped=True, message=f"would send {'; '.join(told) or 'nothing'}", figures={"destinations": rows})


def _next(deliveries: Iterator[Delivery]) -> list[Delivery]:
    return list(islice(deliveries, _AT_ONCE))


def _taken(report: Report) -> int:
    return sum(report.states[state] for state in TAKEN)
