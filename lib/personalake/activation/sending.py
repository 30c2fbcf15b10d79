"""Sending: look, claim, look once more, send, write down, chunk by chunk; safe to kill at any line.

What a pipeline brings: the outbox rows whose last state is none, `pending`, `in_flight` or `unknown`, the latter two with
their claim, first, ordered by its pack; a `Journal` that appends claims (as `in_flight`, with the pack) and outcomes to
`gold.activation_log`; and a `Check` over consent, suppression, caps and freshness.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from personalake.activation.attempts import Run, Seen, Traffic, settle
from personalake.activation.breaker import Breaker, Volume
from personalake.activation.chunks import Chunk, chunks
from personalake.activation.claiming import ClaimSize
from personalake.activation.clock import Chance, Clock
from personalake.activation.contract import Connector
from personalake.activation.delivery import Delivery, Outcome, Pack, State
from personalake.activation.garbage import seldom_collected
from personalake.activation.journal import Check, Journal
from personalake.activation.looks import Looks, claims_of, first_look
from personalake.activation.loops import sending_loop
from personalake.activation.order import Order
from personalake.activation.pacing import Pacer, Slots
from personalake.activation.packing import Packing

# One chunk is written down while the next one is sent.
_CHUNKS = 2
# Reasons are words of the destination: a run that fails in a million ways must not keep a million of them.
_MANY = 1_000
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


@dataclass
class Report:
    """What a run did, in figures.

    Args:
        states: Deliveries by state.
        reasons: Deliveries by state and reason, where there is one.
        may_repeat: Deliveries that were sent again after a lost reply, without a key that the destination honours.
        traffic: Requests, bytes of items, retries.
        seconds: How long it took.
        stopped: Why nothing more was sent; null if all was.
    """

    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    may_repeat: int = 0
    traffic: Traffic = field(default_factory=Traffic)
    seconds: float = 0.0
    stopped: str | None = None

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count outcomes."""
        counts = Counter[State]()
        for outcome in outcomes:
            count = len(outcome.delivery_ids)
            counts[outcome.state] += count
            if outcome.may_repeat:
                self.may_repeat += count
            if outcome.reason and len(self.reasons) < _MANY:
                self.reasons[outcome.state.value, outcome.reason] += count
        self.states.update({state.value: count for state, count in counts.items()})


def send(
    deliveries: Iterable[Delivery],
    connector: Connector,
    clock: Clock,
    journal: Journal,
    chance: Chance,
    *,
    check: Check | None = None,
    volume: Volume | None = None,
) -> Report:
    """Send deliveries to their destination; outcomes go to the journal.

    Memory does not grow with the number of deliveries. What an earlier run claimed without an outcome comes first, and
    claims of one request together (see `packed`).

    Args:
        deliveries: Rows of the outbox that are pending, or claimed without an outcome, in order.
        connector: Where they go.
        clock: Time.
        journal: Where claims and outcomes are written down.
        chance: Randomness of the waits.
        check: Asked right before sending what must not leave after all.
        volume: How much the plan wants to send; a plan beyond the bounds does not start.

    Returns:
        What was done.
    """

    async def run() -> Report:
        report = Report()
        async for outcomes in sending(deliveries, connector, clock, journal, chance, report, check=check, volume=volume):
            report.add(outcomes)
        return report

    return finished(run())


def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine, also where a loop runs already, as in notebooks; on the faster loop where there is one."""

    def run() -> Result:
        with seldom_collected(), asyncio.Runner(loop_factory=sending_loop) as runner:
            return runner.run(work)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


async def sending(
    deliveries: Iterable[Delivery],
    connector: Connector,
    clock: Clock,
    journal: Journal,
    chance: Chance,
    report: Report,
    *,
    check: Check | None = None,
    volume: Volume | None = None,
) -> AsyncIterator[Sequence[Outcome]]:
    """The same, for who has an event loop: yields the outcomes of each chunk once they are written down."""
    started = clock.ticks()
    run = _run(connector, journal, clock, chance, check)
    report.traffic = run.traffic
    if volume is not None:
        run.breaker.plan(volume, started)
    size = ClaimSize(connector.declaration)
    coming = chunks(deliveries, Packing(connector, clock.now()), lambda: size.items)
    order = Order()
    async with connector:
        at_work: deque[asyncio.Task[Sequence[Outcome]]] = deque()
        ahead = _next(coming)
        try:
            while run.breaker.reason is None and (chunk := await ahead) is not None:
                # The next chunk is read and packed while this one is claimed and sent.
                ahead = _next(coming)
                seen = await first_look(run, chunk)
                if run.breaker.reason is None and (claims := claims_of(chunk, seen)):
                    await asyncio.to_thread(journal.claim, claims)
                at_work.append(asyncio.create_task(_chunk(run, order, chunk, seen, journal, size)))
                while len(at_work) >= _CHUNKS:
                    yield await at_work.popleft()
            while at_work:
                yield await at_work.popleft()
            if rest := run.breaker.bounces.rest():
                await asyncio.to_thread(journal.record, rest)
                yield rest
        except Exception:
            # What is under way comes to its end and is written down, whatever broke beside it.
            await asyncio.gather(*at_work, return_exceptions=True)
            if rest := run.breaker.bounces.rest():
                await asyncio.to_thread(journal.record, rest)
            raise
        finally:
            for task in (ahead, *at_work):
                task.cancel()
            await asyncio.gather(ahead, *at_work, return_exceptions=True)
    report.stopped = run.breaker.reason
    if report.stopped is not None:
        logger.warning("%s: stopped: %s", connector.name, report.stopped)
    report.seconds = clock.ticks() - started


def _run(connector: Connector, journal: Journal, clock: Clock, chance: Chance, check: Check | None) -> Run:
    declaration = connector.declaration
    limits = declaration.limits
    pacer = Pacer(declaration.rates, limits.max_items or limits.max_each or 1, limits.max_bytes or 1)
    slots = Slots(declaration.max_in_flight)
    return Run(connector, journal, clock, chance, check, Breaker(declaration.bounds), pacer, slots)


def _next(coming: AsyncIterator[Chunk]) -> asyncio.Task[Chunk | None]:
    async def following() -> Chunk | None:
        return await anext(coming, None)

    return asyncio.create_task(following())


async def _chunk(run: Run, order: Order, chunk: Chunk, seen: Seen, journal: Journal, size: ClaimSize) -> Sequence[Outcome]:
    """Everything of one chunk, to its outcomes; what is known is written down even if something breaks."""
    outcomes = [part for part in chunk if isinstance(part, Outcome)]
    packs = [part for part in chunk if isinstance(part, Pack)]
    # Everybody's place is taken before the look: that of a later chunk may be quicker.
    queue = iter([(pack, order.enter(pack)) for pack in packs])
    looks = Looks(run, packs, seen)
    await looks.renew()
    since = looks.seen.at

    async def work() -> None:
        for pack, turn in queue:
            try:
                if turn.before:
                    await turn.come()
                outcomes.extend(await settle(run, pack, await looks.of(pack)))
            finally:
                order.leave(turn)

    try:
        await _together(work() for _ in range(min(len(packs), run.connector.declaration.max_in_flight)))
    except Exception:
        await asyncio.to_thread(journal.record, run.breaker.bounces.sifted(outcomes))
        raise
    finally:
        # After something broke: nobody waits for what does not leave any more.
        for _, turn in queue:
            order.leave(turn)
    size.took(sum(len(pack.deliveries) for pack in packs), run.clock.ticks() - since)
    known = run.breaker.bounces.sifted(outcomes)
    await asyncio.to_thread(journal.record, known)
    return known


async def _together(work: Iterable[Coroutine[None, None, None]]) -> None:
    """Run workers until all are done; the first that breaks ends the others."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
