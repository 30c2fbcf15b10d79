"""What a run of sending came to, for one destination: the equation, figures, and a sentence."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from personalake.activation.delivery import State
from personalake.activation.sending import Report

TAKEN = (State.ACCEPTED.value, State.CONFIRMED.value)
_REASONS = 20


def equation(destination: str, report: Report, owed: int, run_id: str) -> dict[str, Any]:
    """A row of `gold.data_health`: owed = taken + not taken, each counted by its outcomes."""
    reached, taken = report.states.total(), _taken(report)
    reasons = {f"{state}: {why}": count for (state, why), count in report.reasons.most_common(_REASONS)}
    if report.stopped is not None and owed > reached:
        reasons[f"not reached: {report.stopped}"] = owed - reached
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
    parts += [f"{count:,} {state}" for state, count in sorted(report.states.items()) if state not in TAKEN and count]
    if report.may_repeat:
        parts.append(f"{report.may_repeat:,} perhaps twice")
    stopped = f"; STOPPED: {report.stopped}" if report.stopped is not None else ""
    return f"{destination}: {', '.join(parts)}{stopped}"


def _taken(report: Report) -> int:
    return sum(report.states[state] for state in TAKEN)
