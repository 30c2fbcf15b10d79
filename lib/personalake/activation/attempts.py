"""One request to its end: tried again, asked about, cut in parts, until each of its deliveries has an outcome."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from personalake.activation.answers import Again, Answer, Lost, NotYet, Refused, Stop, Taken
from personalake.activation.breaker import Breaker
from personalake.activation.clock import Chance, Clock
from personalake.activation.contract import Connector
from personalake.activation.delivery import Claimed, Delivery, Outcome, Pack, State
from personalake.activation.journal import Check, Journal
from personalake.activation.outcomes import (
    Attempt,
    cancelled,
    given_up,
    held,
    left,
    of_taken,
    refused,
    stays,
    taken_whole,
    told_of,
)
from personalake.activation.pacing import Pacer, Slots
from personalake.activation.packer import part_of
from personalake.activation.reasons import told
from personalake.activation.retries import wait_before

# A year: of a longer wait the calendar has no end, and it is a mistake.
_LONGEST_WAIT = 31_536_000.0
# Into how many parts a refused request is cut: halves find the bad item with the fewest requests; where parts are claimed,
# and so cost a commit of the log, more of them at once.
_PARTS, _CLAIMED_PARTS = 2, 8
_removal = attrgetter("removal")
logger = logging.getLogger(__name__)


@dataclass
class Traffic:
    """What went over the wire."""

    requests: int = 0
    bytes: int = 0
    retries: int = 0

    def count(self, size: int, tries: int) -> None:
        """Count a request that leaves, for the first time or again."""
        self.requests += 1
        self.bytes += size
        if tries > 1:
            self.retries += 1


@dataclass
class Run:
    """What the requests of one run share."""

    connector: Connector
    journal: Journal
    clock: Clock
    chance: Chance
    check: Check | None
    breaker: Breaker
    pacer: Pacer
    slots: Slots
    traffic: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self.recheck_seconds = self.connector.declaration.recheck_seconds


class Seen(NamedTuple):
    """The looks before and after a chunk is claimed.

    Args:
        at: When the last one was, in ticks.
        stopped: What must not leave, by delivery, and why.
        is_late: Whether some of it was claimed, since nothing spoke against it before.
    """

    at: float
    stopped: Mapping[str, str]
    is_late: bool = False


def settle(run: Run, pack: Pack, seen: Seen) -> Coroutine[Any, Any, list[Outcome]]:
    """Send a pack until each of its deliveries has an outcome; to be awaited.

    Args:
        run: What all requests share.
        pack: What is sent.
        seen: The last looks.
    """
    attempt = Attempt(pack, seen.at)
    outcomes = cancelled(attempt, seen.stopped, run.connector) if seen.stopped else []
    deliveries = attempt.pack.deliveries
    if not deliveries:
        return _ended(outcomes)
    removals = deliveries[0].removal if len(deliveries) == 1 else sum(map(_removal, deliveries))
    if not run.breaker.admit(len(deliveries), removals):
        return _ended(stays(outcomes) + left(attempt, run.breaker.reason))
    return _settle(run, attempt, outcomes, seen.is_late)


async def _ended(outcomes: list[Outcome]) -> list[Outcome]:
    return outcomes


async def _settle(run: Run, attempt: Attempt, outcomes: list[Outcome], is_late: bool) -> list[Outcome]:
    # Else of who is stopped only those are claimed whom an earlier run claimed, and they are unknown.
    if is_late or any(one.state is State.UNKNOWN for one in outcomes):
        await _write_ahead(run, outcomes)
    answer = await _once(run, attempt, outcomes)
    if isinstance(answer, Taken) and not outcomes and (whole := taken_whole(attempt, answer)):
        return [whole]
    found = await _until_known(run, attempt, outcomes, answer)
    if not attempt.tries:
        return stays(found)
    found[-1] = found[-1]._replace(requests=attempt.requests)
    return found


async def _until_known(run: Run, attempt: Attempt, outcomes: list[Outcome], answer: Answer | None) -> list[Outcome]:
    """Go on after the answer to the first try, which is none if nothing may leave."""
    while answer is not None:
        if isinstance(answer, Taken) and answer.ask_later:
            answer = await _followed(run, attempt.pack, answer)
        if isinstance(answer, Taken):
            outcomes += of_taken(run.connector, attempt, answer)
            if not answer.again:
                return outcomes
            attempt.pack = attempt.pack.of([n for n in range(len(attempt.pack.deliveries)) if n in answer.again])
            answer = Again(next(iter(answer.again.values())))
        if isinstance(answer, Refused):
            return outcomes + await _parts(run, attempt, answer)
        reason = told_of(attempt.pack, answer.reason)
        if (until := _too_long(run, answer)) is not None:
            answer, reason = Stop(reason), f"{reason}; {until}"
        if isinstance(answer, Stop):
            run.breaker.open(reason)
            break
        if isinstance(answer, Lost):
            attempt.lost = reason
            outcomes += held(run.connector, attempt)
        if attempt.tries >= run.connector.declaration.patience.max_tries or not attempt.pack.deliveries:
            run.breaker.failed(reason)
            return outcomes + given_up(attempt, reason)
        await _wait(run, attempt, answer, reason)
        answer = await _once(run, attempt, outcomes)
    return outcomes + left(attempt, run.breaker.reason)


async def _once(run: Run, attempt: Attempt, outcomes: list[Outcome]) -> Answer | None:
    """One try, after the last look at consent; null if nothing may leave."""
    if not run.slots.is_taken():
        await run.slots.wait()
    try:
        if run.pacer.is_needed and not run.pacer.is_taken(
            len(attempt.pack.deliveries), attempt.pack.size, run.clock.ticks()
        ):
            await _turn(run, attempt.pack)
        if run.check is not None and run.clock.ticks() - attempt.looked_at > run.recheck_seconds:
            outcomes += await _last_look(run, attempt)
        pack, breaker = attempt.pack, run.breaker
        if not pack.deliveries or breaker.reason is not None:
            return None
        if breaker.is_windowed and not breaker.admit_in_window(len(pack.deliveries), run.clock.ticks()):
            return None
        attempt.tries += 1
        run.traffic.count(pack.size, attempt.tries)
        answer = await run.connector.post(pack)
    finally:
        run.slots.free()
    if isinstance(answer, Taken):
        run.breaker.succeeded()
    return answer


async def _turn(run: Run, pack: Pack) -> None:
    """Wait for the end of a pause that the destination asked for, and for a place within its limits.

    A place that came during a pause is given up for another one: else all who waited would leave in the instant it ends.
    """
    while True:
        while run.breaker.reason is None and (pause := run.pacer.paused_for(run.clock.ticks())) > 0:
            await run.clock.sleep(pause)
        wait = run.pacer.reserve(len(pack.deliveries), pack.size, run.clock.ticks())
        if wait > 0:
            await run.clock.sleep(wait)
        if run.breaker.reason is not None or run.pacer.paused_for(run.clock.ticks()) <= 0:
            return


async def _last_look(run: Run, attempt: Attempt) -> list[Outcome]:
    """Consent, suppression, caps and freshness once more, since the last look is too old."""
    attempt.looked_at = run.clock.ticks()
    stopped = cancelled(attempt, await look(run, attempt.pack.deliveries), run.connector)
    await _write_ahead(run, stopped)
    return stopped


async def _write_ahead(run: Run, stopped: list[Outcome]) -> None:
    """Who is left out of a request that they are claimed under is on record before it leaves: a kill would lose that."""
    if stopped and run.connector.declaration.deduplication == "request_key":
        await asyncio.to_thread(run.journal.record, stopped)


async def look(run: Run, deliveries: Sequence[Delivery]) -> Mapping[str, str]:
    """What must not leave by consent, suppression, caps and freshness, now; if that cannot be found out, nothing leaves."""
    if run.check is None or not deliveries:
        return {}
    try:
        return await asyncio.to_thread(run.check, deliveries)
    except Exception as error:
        logger.exception("%s: the last look at consent failed", run.connector.name)
        run.breaker.open(f"the last look at consent failed: {type(error).__name__}")
        return {}


def _too_long(run: Run, answer: Answer) -> str | None:
    """What a destination asks for that wants to be left alone for longer than this run waits; null if it does not.

    To come back sooner would be taken ill, and to wait would keep the run, and everybody's turn, for hours.
    """
    if not isinstance(answer, Again) or answer.wait_seconds is None:
        return None
    most = run.connector.declaration.patience.max_wait_seconds
    if answer.wait_seconds <= most:
        return None
    asked = timedelta(seconds=min(answer.wait_seconds, _LONGEST_WAIT))
    until = f"{run.clock.now() + asked:%Y-%m-%d %H:%M:%S} UTC"
    told = f"it asks to be left alone for {asked.total_seconds():,.0f} s, until {until}"
    return f"{told}; patience.max_wait_seconds is {most:g}"


async def _wait(run: Run, attempt: Attempt, answer: Again | Lost, reason: str) -> None:
    patience = run.connector.declaration.patience
    asked = answer.wait_seconds if isinstance(answer, Again) else None
    seconds = wait_before(attempt.tries, asked, patience, run.chance)
    tried = (run.connector.name, reason, seconds, attempt.tries)
    logger.info("%s: %s; again in %.1f s, after %d tries", *tried)
    if isinstance(answer, Again) and answer.is_pause:
        run.pacer.pause(seconds, run.clock.ticks())
    if run.breaker.reason is None:
        await run.clock.sleep(seconds)


async def _followed(run: Run, pack: Pack, taken: Taken) -> Taken | Lost:
    """Ask for the results of a queued request until they are there, or for as long as patience lasts."""
    if taken.reference is None:
        return taken
    patience = run.connector.declaration.patience
    ends, doubts = run.clock.ticks() + patience.poll_limit_seconds, 0
    while run.clock.ticks() < ends:
        await run.clock.sleep(patience.poll_seconds)
        answer = await run.connector.ask(pack, taken.reference)
        if isinstance(answer, Taken):
            return answer
        if isinstance(answer, Stop):
            run.breaker.open(told_of(pack, answer.reason))
            break
        doubts = doubts + 1 if isinstance(answer, NotYet) and answer.doubt else 0
        if doubts >= patience.max_tries and isinstance(answer, NotYet):
            return Lost(answer.doubt or "")
    return taken


async def _parts(run: Run, attempt: Attempt, refusal: Refused) -> list[Outcome]:
    """Find the items for which a request was refused; first part first, which keeps each person's order.

    What is in doubt stays part of the request that left: under that name, and no other, the destination may remember it.
    Where it remembers requests, parts are claimed before they leave, so that a later run repeats them, and not the whole.
    """
    pack = attempt.pack
    rows = len(pack.deliveries)
    if rows == 1:
        (delivery,) = pack.deliveries
        reason = told(refusal.reason, delivery.payload)
        run.breaker.rejected(reason)
        return [refused(run.connector, attempt, delivery, reason)]
    is_claimed = run.connector.declaration.deduplication == "request_key"
    count = min(rows, _CLAIMED_PARTS if is_claimed else _PARTS)
    parts = [part_of(pack, n, range(rows * n // count, rows * (n + 1) // count)) for n in range(count)]
    if is_claimed:
        claims = [Claimed(part.delivery_ids, part.pack_id) for part in parts]
        await asyncio.to_thread(run.journal.claim, claims)
    outcomes: list[Outcome] = []
    for part in parts:
        tried = Attempt(part, attempt.looked_at, lost=attempt.lost)
        known: list[Outcome] = []
        answer = await _once(run, tried, known)
        outcomes += await _until_known(run, tried, known, answer)
        attempt.parts += tried.requests
    return [one if one.state is State.UNKNOWN else one._replace(pack_id=pack.pack_id) for one in outcomes]
