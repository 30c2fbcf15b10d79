"""A clock that does not wait, a journal in memory, and a destination that answers by a script."""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from personalake.activation.answers import Answer, NotYet, Taken
from personalake.activation.connectors.base import BaseConnector, declared
from personalake.activation.contract import Connector, Limits
from personalake.activation.delivery import Claim, Claimed, Delivery, Outcome, Pack, State
from personalake.activation.journal import Check
from personalake.activation.sending import Report, Volume, send
from personalake.config.connections import Bounds, Connection, Patience
from personalake.config.connections.base import Promise

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """Sleeping takes no time; the hands move on all the same."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self.jump = timedelta(0)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds) + self.jump

    def ticks(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        until = self.seconds + seconds
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.seconds = max(self.seconds, until)


class TickingClock(FakeClock):
    """Each look at it takes a while, so that every look at consent is too old for the next request."""

    def ticks(self) -> float:
        self.seconds += 0.001
        return self.seconds


class MemoryJournal:
    """What Delta would hold: claims and outcomes, in order."""

    def __init__(self, now: Callable[[], datetime] = lambda: START) -> None:
        self.now = now
        self.claims: dict[str, Claim] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.chunks: list[int] = []
        self.requests = 0

    def claim(self, claims: Sequence[Claimed]) -> None:
        self.chunks.append(sum(len(claimed.delivery_ids) for claimed in claims))
        for claimed in claims:
            for name in claimed.delivery_ids:
                self.claims[name] = Claim(claimed.pack_id, self.now())
                self.outcomes.pop(name, None)

    def record(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            self.requests += outcome.requests
            self.outcomes.update(dict.fromkeys(outcome.delivery_ids, outcome))
            if outcome.state is State.UNKNOWN and outcome.pack_id is not None:
                # As the log has it: the request that was named last.
                for name in outcome.delivery_ids:
                    at = self.claims[name].claimed_at if name in self.claims else self.now()
                    self.claims[name] = Claim(outcome.pack_id, at)

    @property
    def states(self) -> dict[str, str]:
        return {name: outcome.state.value for name, outcome in sorted(self.outcomes.items())}

    def left(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        """What the next run is given: claims without an outcome and unknown ones first, request by request."""
        claimed, fresh = [], []
        for delivery in deliveries:
            outcome, claim = self.outcomes.get(delivery.delivery_id), self.claims.get(delivery.delivery_id)
            if claim is not None and (outcome is None or outcome.state is State.UNKNOWN):
                claimed.append(replace(delivery, claim=replace(claim, doubt=outcome and outcome.reason)))
            elif outcome is None or outcome.state is State.PENDING:
                fresh.append(delivery)
        claimed.sort(key=lambda delivery: delivery.claim.pack_id if delivery.claim else "")
        return [*claimed, *fresh]


class Scripted(BaseConnector):
    """A destination that takes everything, unless the script says something else for a request."""

    def __init__(
        self,
        script: Sequence[Answer | Callable[[Pack], Answer]] = (),
        clock: FakeClock | None = None,
        limits: Limits | None = None,
        deduplication: Any = "none",
        **settings: Any,
    ) -> None:
        class Promising(Connection):
            promise: ClassVar[Promise] = Promise(deduplication, "whatever the script says")

        connection = Promising(**{"max_items": 3, "patience": Patience(max_tries=3), **settings})
        declaration = declared(connection, limits=limits)
        super().__init__("there", declaration, clock or FakeClock())
        self.script = list(script)
        self.posted: list[list[str]] = []
        self.results: list[Answer | NotYet] = []

    async def post(self, pack: Pack) -> Answer:
        self.posted.append([delivery.delivery_id for delivery in pack.deliveries])
        await asyncio.sleep(0)
        answer = self.script.pop(0) if self.script else Taken()
        return answer(pack) if callable(answer) else answer

    async def ask(self, pack: Pack, reference: str) -> Answer | NotYet:
        return self.results.pop(0)


def delivery(name: str, person: str | None = None, operation: str = "event", payload: str = '{"a":1}') -> Delivery:
    return Delivery(name, person or f"p-{name}", operation, payload)


def deliveries(*names: str) -> list[Delivery]:
    return [delivery(name) for name in names]


def sent(
    given: Iterable[Delivery],
    connector: Connector,
    journal: MemoryJournal | None = None,
    check: Check | None = None,
    volume: Volume | None = None,
    clock: Any = None,
) -> tuple[Report, MemoryJournal]:
    journal = journal or MemoryJournal()
    clock = clock or getattr(connector, "clock", None) or FakeClock()
    before = journal.requests
    report = send(given, connector, clock, journal, random.Random(7), check=check, volume=volume)
    # Whatever became of it, every request that left is written down, and once.
    assert journal.requests - before == report.traffic.requests
    return report, journal


__all__ = ["START", "Bounds", "FakeClock", "MemoryJournal", "Scripted", "TickingClock", "deliveries", "delivery", "sent"]
