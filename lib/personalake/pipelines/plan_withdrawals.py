"""Who may not be told anything any more is taken away, whatever else of a plan has to wait or may not leave."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from personalake.activation.syncs.counts import Counts
from personalake.activation.syncs.diff import BEYOND, ELSEWHERE, NOT_DUE
from personalake.activation.syncs.plan_state import AWAITING, REJECTED, STOPPED
from personalake.activation.syncs.verdict import verdict
from personalake.pipelines.plan_changes import Planning, lacking_now
from personalake.pipelines.plan_rows import Groups, PlanRows
from personalake.pipelines.plan_states import rejected_at
from personalake.reports.words import plural

_ONLY = "only people who may not be told anything any more"


class Part(NamedTuple):
    """All of what a sync has to say, or some of it, that is a plan of its own.

    Args:
        rows: Its rows.
        counts: The same in figures.
        said: What is told of it besides its verdict.
        is_of_withdrawn: Whether it only takes away people who may not be told anything any more.
    """

    rows: PlanRows
    counts: Counts
    said: str | None = None
    is_of_withdrawn: bool = False


def parts_of(planning: Planning, whole: Part, rest: Groups) -> list[Part]:
    """The plans that become of what a sync has to say.

    Args:
        planning: The sync.
        whole: All of it.
        rest: Groups of rows that were not looked at.

    Returns:
        Of a sync that is not due, who withdrew; where a person is asked first, or said no that day, who withdrew if there
        are any, and the rest; else the whole, of which only who withdrew is left where it is beyond its bounds.
    """
    if not planning.is_due:
        return [_of_withdrawn(planning, whole, rest)]
    return _in_parts(planning, _within_bounds(planning, whole, rest), rest)


def _within_bounds(planning: Planning, whole: Part, rest: Groups) -> Part:
    """Of a plan beyond its bounds who withdrew is taken away, unless they alone are beyond; and what is said of it."""
    sync, counts = planning.asked.sync, whole.counts
    state, reason = verdict(counts, sync)
    if state != STOPPED or not counts.removed:
        return whole
    withdrawals = whole.rows.withdrawals(lacking_now(planning), BEYOND)
    of_these = withdrawals.counted(rest)
    if not of_these.removed:
        return whole
    if verdict(of_these, sync)[0] == STOPPED:
        return whole._replace(said=f"among the removals {_gone(of_these.removed)}")
    return Part(withdrawals, of_these, f"{reason}; only {_gone(of_these.removed)} are taken away", True)


def _in_parts(planning: Planning, whole: Part, rest: Groups) -> list[Part]:
    """Where a person is asked first, or said no that day, who withdrew is taken away by a plan of their own."""
    sync = planning.asked.sync
    state, _ = verdict(whole.counts, sync)
    said_no = rejected_at(planning.known, planning.context.as_of, is_any=True) is not None
    is_whole = whole.is_of_withdrawn or state == STOPPED or not whole.counts.removed
    if is_whole or not (state == AWAITING or said_no):
        return [whole]
    lacking = lacking_now(planning)
    gone = whole.rows.withdrawals(lacking, ELSEWHERE)
    of_gone = gone.counted(rest)
    if not of_gone.removed:
        return [whole]
    others = whole.rows.without_withdrawals(lacking)
    of_others = replace(others.counted(rest), persons=whole.counts.persons)
    return [Part(gone, of_gone, _ONLY, is_of_withdrawn=True), Part(others, of_others)]


def _of_withdrawn(planning: Planning, whole: Part, rest: Groups) -> Part:
    """Who withdrew from a sync that is not due, however few or many else there is something to say to."""
    gone = whole.rows.withdrawals(lacking_now(planning), NOT_DUE)
    return Part(gone, gone.counted(rest), f"{_ONLY}: {NOT_DUE}", is_of_withdrawn=True)


def taken_apart(apart: Mapping[str, Any]) -> str:
    """What a plan tells of the one beside it that takes away who withdrew."""
    of_whom = _gone(apart["removed"])
    if apart["state"] == REJECTED:
        return f"of {of_whom}, {apart['plan_id']} was rejected by a person"
    return f"{of_whom} are taken away all the same, by {apart['plan_id']}"


def _gone(people: int) -> str:
    return f"{plural(people, 'person', 'people')} who may not be told anything any more"
