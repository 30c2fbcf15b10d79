"""What a run of sending came to, for one destination: the equation, figures, and a sentence."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from personalake.activation.delivery import State
from personalake.activation.sending import Report

TAKEN = (State.ACCEPTED.value, State.CONFIRMED.value)
_REASONS = 20
# The key under which an equation says why its run stopped; no state of a delivery.
_STOPPED = "stopped: "


def equation(destination: str, report: Report, owed: int, run_id: str) -> dict[str, Any]:
    """A row of `gold.data_health`: owed = taken + not taken, each counted by its outcomes."""
    reached, taken = report.states.total(), _taken(report)
    reasons = {f"{state}: {why}": count for (state, why), count in report.reasons.most_common(_REASONS)}
    if report.stopped is not None:
        # What was never reached, and what the run had begun and gave back.
        reasons[f"{_STOPPED}{report.stopped}"] = max(0, owed - reached) + report.states[State.PENDING.value]
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
    return next((reason.removeprefix(_STOPPED) for reason in reasons if reason.startswith(_STOPPED)), None)


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
    is_open = report.states[State.UNKNOWN.value] > 0
    if report.may_repeat:
        parts.append(f"{report.may_repeat:,} perhaps twice")
    stopped = f"; STOPPED: {report.stopped}" if report.stopped is not None else ""
    lister = f"; `personalake activation unknown --destination {destination}` lists the unknown" if is_open else ""
    return f"{destination}: {', '.join(parts)}{stopped}{lister}"


def _taken(report: Report) -> int:
    return sum(report.states[state] for state in TAKEN)
