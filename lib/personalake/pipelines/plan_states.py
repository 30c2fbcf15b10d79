"""Plans of syncs by their state, and the step from one state to the next."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from personalake.activation.syncs.plan_state import (
    APPROVED,
    AWAITING,
    OPEN,
    READY,
    REJECTED,
    SUPERSEDED,
    WANTED,
    WITHDRAWALS,
    in_order,
)
from personalake.activation.syncs.verdict import again
from personalake.errors import InputError
from personalake.lake import Lake, Ledger
from personalake.tables.gold import ACTIVATION_PLAN

Row = dict[str, Any]


def latest_plans(ledger: Ledger, sync: str | None = None) -> dict[str, Row]:
    """The last row of each plan, in the order in which they were last changed.

    Args:
        ledger: The tables.
        sync: Only plans of this sync.
    """
    return _latest(ledger.read(ACTIVATION_PLAN, None, [] if sync is None else [("sync", "=", sync)]))


def _latest(rows: Iterable[Row]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in in_order(rows):
        found.pop(row["plan_id"], None)
        found[row["plan_id"]] = row
    return found


def named(plan_id: str, known: Mapping[str, Row]) -> str:
    """The name under which a plan may stand: its own, unless that one has been superseded."""
    while plan_id in known and known[plan_id]["state"] == SUPERSEDED:
        plan_id = again(plan_id)
    return plan_id


def superseding(known: Mapping[str, Row], called: Sequence[str], at: datetime, is_all: bool = True) -> Iterator[Row]:
    """Rows that end other plans of the sync.

    Args:
        known: Its plans by name.
        called: Those that stay, of which the last takes the place of the others.
        at: When.
        is_all: Whether all others end; else only those of withdrawals alone.
    """
    for name, row in known.items():
        if name not in called and row["state"] in OPEN and (is_all or row["mode"] == WITHDRAWALS):
            yield {**row, "state": SUPERSEDED, "reason": f"{called[-1]} took its place", "logged_at": at}


def meant(known: Mapping[str, Row], words: str, states: Sequence[str] = (AWAITING,)) -> Row:
    """The plan of a name, or of the beginning of one that begins no other; `plan_` may be left out.

    Args:
        known: Plans by name.
        words: What was said.
        states: States of those that are offered if there is none.

    Raises:
        InputError: If there is none, or several begin like that.
    """
    if words in known:
        return known[words]
    found = [name for name in known if words and name.startswith((words, f"plan_{words}"))]
    if len(found) == 1:
        return known[found[0]]
    if found:
        raise InputError(f"{words} begins the names of {len(found)} plans: {', '.join(found)}.", "Give more of the name.")
    raise InputError(f"There is no plan {words}.", _remedy(known, states))


def approve(lake: Lake, plan_id: str, at: datetime, require: Callable[[Row, datetime], None] = lambda row, at: None) -> Row:
    """Let a plan leave that waits for it.

    Args:
        lake: The tables.
        plan_id: The plan, see `meant`.
        at: When it was said.
        require: Given the plan and when it was made, raises if there is anything against it.

    Returns:
        The plan.

    Raises:
        InputError: If there is no such plan, or it does not wait.
    """
    return _said(lake, plan_id, at, APPROVED, (AWAITING,), "does not wait for approval", require)


def reject(lake: Lake, plan_id: str, at: datetime) -> Row:
    """Keep a plan from leaving that waits, or may leave already; what is like it waits for a person as long as
    its as-of lasts.

    Args:
        lake: The tables.
        plan_id: The plan, see `meant`.
        at: When it was said.

    Returns:
        The plan.

    Raises:
        InputError: If there is no such plan, or nothing of it would leave anyway.
    """
    return _said(lake, plan_id, at, REJECTED, WANTED, "would not leave anyway", lambda row, at: None)


def _said(
    lake: Lake,
    plan_id: str,
    at: datetime,
    state: str,
    before: Sequence[str],
    otherwise: str,
    require: Callable[[Row, datetime], None],
) -> Row:
    rows = lake.ledger.read(ACTIVATION_PLAN)
    known = _latest(rows)
    row = meant(known, plan_id, before)
    if row["state"] not in before:
        why = f" ({row['reason']})" if row["reason"] else ""
        raise InputError(f"{row['plan_id']} {otherwise}: it is {row['state']}{why}.", _remedy(known, before))
    moments = [one["logged_at"] for one in rows if one["plan_id"] == row["plan_id"]]
    require(row, min(moments))
    # What is said is the last word, also by a clock that is behind that of who planned.
    last_said = max(moments) + timedelta(microseconds=1)
    told = {**row, "state": state, "reason": None, "logged_at": max(at, last_said)}
    lake.add([told], ACTIVATION_PLAN)
    return told


def _remedy(known: Mapping[str, Row], states: Sequence[str]) -> str:
    found = ", ".join(name for name, row in known.items() if row["state"] in states)
    if tuple(states) == (AWAITING,):
        return f"Waiting: {found}." if found else "No plan is waiting; see `personalake activation plan`."
    return f"May be rejected: {found}." if found else "No plan would leave; see `personalake activation plan`."


def is_too_old(planned_at: datetime, max_age_days: int, now: datetime) -> bool:
    """Whether what a plan rests on is too old for it to leave, whatever a person says."""
    return now - planned_at > timedelta(max_age_days)


def standing_at(known: Mapping[str, Row], as_of: object) -> str | None:
    """The plan of this as-of that may be sent now or once it is approved; one of withdrawals alone stands beside it."""
    for name, row in known.items():
        if row["as_of"] == as_of and row["state"] in WANTED and row["mode"] != WITHDRAWALS:
            return name
    return None


def rejected_at(known: Mapping[str, Row], as_of: object, is_any: bool = False) -> str | None:
    """A plan of this as-of to which a person said no.

    Args:
        known: Plans by name.
        as_of: Exclusive day.
        is_any: Whether one of withdrawals alone counts, too.
    """
    for name, row in known.items():
        if row["as_of"] == as_of and row["state"] == REJECTED and (is_any or row["mode"] != WITHDRAWALS):
            return name
    return None


def next_state(current: str | None, judged: str) -> str | None:
    """The state that a plan comes into; null if it stays where it is: what a person said of it stands.

    >>> next_state("approved", "awaiting_approval") is None, next_state("stopped", "ready")
    (True, 'ready')
    >>> next_state("rejected", "ready") is None
    True
    """
    if current in (judged, REJECTED) or (current == APPROVED and judged in (AWAITING, READY)):
        return None
    return judged


def of_all(known: Mapping[str, Row]) -> list[Row]:
    """Plans that say all that a sync has to say, and not only who withdrew."""
    return [row for row in known.values() if row["mode"] != WITHDRAWALS]


def newest(plans: Sequence[Row]) -> Row | None:
    """The plan with the latest as-of."""
    return max(plans, key=lambda row: (row["as_of"], row["logged_at"]), default=None)
