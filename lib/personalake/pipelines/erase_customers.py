"""Requests to be forgotten: found, suppressed, erased everywhere, searched for, and receipted.

A run that dies is finished by the next one: what was found out about a person is kept beside the lake until the request is
done, every step may be done again, and suppression comes first.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from personalake.pipelines import erasure_work
from personalake.pipelines.erasure_destinations import ask_destinations
from personalake.pipelines.erasure_files import clean_files
from personalake.pipelines.erasure_later import Later, ask_on
from personalake.pipelines.erasure_receipts import Receipts
from personalake.pipelines.erasure_requests import (
    JOB,
    Request,
    forget,
    forget_closed,
    remember,
    remembered,
    requests,
    to_state,
)
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.person_search import find_subject, is_shared
from personalake.pipelines.privacy_key import erasure_key
from personalake.pipelines.quiet import alone
from personalake.pipelines.refine_first import refine_waiting
from personalake.privacy.subject import Subject
from personalake.privacy.suppression import suppressions
from personalake.tables.receipts import SUPPRESSION

SHARED = "several persons have this identifier; ask who it is, and name one that is theirs alone"
UNKNOWN = "the identifier is not known any more; ask for it once more"
NOT_VERIFIED = "waits for its source to verify who asks"


def run(context: JobContext) -> JobResult:
    """Work on every request that is open."""
    with alone(context, JOB):
        key = erasure_key(context.settings, context.lake.locations)
        if not context.dry_run:
            forget_closed(context.lake)
            refine_waiting(context)
        accepted, refused = _accepted(context, key, requests(context, key))
        if context.dry_run:
            return _planned(context, accepted)
        later = ask_on(context, key)
        if not accepted:
            return JobResult(skipped=not (refused or later), message=_told([], refused, later))
        states, by_hand = _erase(context, key, accepted)
    return JobResult(
        rows_read=len(accepted) + refused,
        message=_told(states, refused, later, by_hand),
        figures={"requests": {state: states.count(state) for state in sorted(set(states))}, "refused": refused},
    )


def _accepted(context: JobContext, key: str, waiting: Sequence[Request]) -> tuple[dict[str, tuple[Request, Subject]], int]:
    """Requests that can be worked on, each with the person it is about; suppressed from here on."""
    accepted: dict[str, tuple[Request, Subject]] = {}
    refused = 0
    for request in waiting:
        if request.state is None and not context.dry_run:
            request = to_state(context, key, request, "received", None if request.is_verified else NOT_VERIFIED)
        if not request.is_verified:
            continue
        subject = _subject(context, request)
        # A run that goes on where another one died finds only half of what would tell; it was asked before that one began.
        is_theirs = (
            subject is None
            or request.state == "running"
            or not is_shared(context.settings, context.lake, subject, request.further)
        )
        problem = UNKNOWN if subject is None else None if is_theirs else SHARED
        if subject is None or problem:
            refused += 1
            if not context.dry_run:
                to_state(context, key, request, "refused", problem)
            continue
        accepted[request.request_id] = (request, subject)
    for request_id, (request, subject) in _together(context, accepted).items():
        begun = request if context.dry_run else _begun(context, key, request, subject)
        accepted[request_id] = (begun, subject)
    return accepted, refused


def _together(context: JobContext, accepted: Mapping[str, tuple[Request, Subject]]) -> dict[str, tuple[Request, Subject]]:
    """The same, where what only these persons share is nobody else's: else nobody would be searched for by it."""
    found = dict(accepted)
    going = {person for _, subject in accepted.values() for person in subject.person_ids}
    for request_id, (request, subject) in accepted.items():
        is_new = remembered(context.lake, request_id) is None
        if len(accepted) > 1 and subject.shared and is_new and request.asked is not None:
            again = find_subject(context.settings, context.lake, request.asked, request.further, going)
            found[request_id] = (request, again)
    return found


def _subject(context: JobContext, request: Request) -> Subject | None:
    """What an earlier run found out, or what the tables tell now; None if nobody remembers who asked."""
    known = remembered(context.lake, request.request_id)
    if request.asked is None or (known is not None and not request.further):
        return known
    found = find_subject(context.settings, context.lake, request.asked, request.further)
    return found if known is None else known.joined(found)


def _begun(context: JobContext, key: str, request: Request, subject: Subject) -> Request:
    if request.state == "received":
        request = to_state(context, key, request, "verified")
    remember(context.lake, request.request_id, subject)
    told = list(suppressions(subject, key, context.run_started_at, JOB))
    held = {row["suppression_id"] for row in context.lake.ledger.read(SUPPRESSION, ("suppression_id",))}
    context.lake.add([row for row in told if row["suppression_id"] not in held], SUPPRESSION)
    return to_state(context, key, request, "running")


def _erase(context: JobContext, key: str, accepted: Mapping[str, tuple[Request, Subject]]) -> tuple[list[str], int]:
    """The state that each request came to, and of how many a place is left to people."""
    subjects = {request_id: subject for request_id, (_, subject) in accepted.items()}
    receipts = Receipts(context, key, {request_id: request for request_id, (request, _) in accepted.items()})
    with context.progress.step(f"erasing {len(subjects)} from tables") as tell:
        erasure_work.erase_from_tables(context, subjects, receipts, tell)
    with context.progress.step("erasing from files") as tell:
        for place, cleaned in enumerate(clean_files(context.settings, context.lake, subjects), 1):
            tell(f"places done: {place:,}")
            receipts.add_files(cleaned)
            if any(cleaned.erased.values()):  # a run that is killed at the next place has said what it did at this one
                receipts.write()
        receipts.write()
        erasure_work.clean_up(context, ["bronze.landing_file"])
    with context.progress.step("asking destinations"):
        for request_id, answers in ask_destinations(context.settings, subjects).items():
            receipts.add_answers(request_id, answers)
        receipts.write()
    with context.progress.step("searching what is left") as tell:
        for request_id, found in erasure_work.left_of(context, subjects, tell).items():
            receipts.add_search(request_id, found)
        receipts.write()
    states = [_concluded(context, key, request, receipts) for request, _ in accepted.values()]
    return states, sum(map(receipts.is_left_to_people, accepted))


def _concluded(context: JobContext, key: str, request: Request, receipts: Receipts) -> str:
    """Done if nothing is left to do; else the request stays open, and the next run goes on with it."""
    problem = receipts.problem(request.request_id)
    state = "partial" if problem else "done"
    to_state(
        context, key, request, state, problem or receipts.summary(request.request_id), receipts.count(request.request_id)
    )
    # Only now: a run that is killed before leaves what the next one needs, and that one removes what is needed no more.
    if problem is None:
        forget(context.lake, request.request_id)
    return state


def _planned(context: JobContext, accepted: Mapping[str, tuple[Request, Subject]]) -> JobResult:
    subjects = {request_id: subject for request_id, (_, subject) in accepted.items()}
    rows: dict[str, Any] = erasure_work.rows_in_tables(context, subjects)
    return JobResult(message=f"{len(accepted)} requests would be worked on", figures={"would_erase": rows})


def _told(states: list[str], refused: int, later: Later, by_hand: int = 0) -> str:
    known = [f"{count} {outcome}" for outcome, count in sorted(later.found.items())]
    known += [f"{name} does not say ({why})" for name, why in sorted(later.silent.items())]
    own = _told_of_requests(states, refused, by_hand)
    return f"{own}; earlier ones, at destinations: {', '.join(known)}" if known else own


def _told_of_requests(states: list[str], refused: int, by_hand: int) -> str:
    parts = [f"{states.count(state)} {state}" for state in ("done", "partial") if state in states]
    parts += [f"{refused} refused"] if refused else []
    left = f"; of {by_hand}, places that do not erase by request have to be seen to by hand" if by_hand else ""
    why = "; the column reason of gold.erasure_request says more" if refused or by_hand or "partial" in states else ""
    return f"requests: {', '.join(parts)}{left}{why}" if parts else "no request is open"
