"""What the world hands over: broken rows among sound ones, clocks that jump, destinations that refuse or say nothing."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from personalake.activation.answers import Again, Refused, Taken
from personalake.activation.delivery import Claim, Delivery, Pack, State
from personalake.activation.tokens import Token, TokenRefused, Tokens
from personalake.config.connections import Rate
from tests.activation.address_book import Book, problems, rows
from tests.activation.connectors.settings import connector_of
from tests.activation.doubles import START, FakeClock, MemoryJournal, Scripted, deliveries, delivery, sent
from tests.activation.matrix import CASES, TodaysClock
from tests.fakes import Fakes
from tests.fakes.fixtures import fakes, started_fakes

__all__ = ["fakes", "started_fakes"]
COUNT = 5_000


def test_of_an_address_book_all_sound_rows_leave_and_each_broken_one_has_its_reason(tmp_path: Path) -> None:
    book = Book(COUNT)
    connector = connector_of("csv_drop", tmp_path, columns=["id", "greeting"], max_item_bytes=16_000)

    report, journal = sent(book.deliveries(), connector)

    rejected = Counter(
        str(outcome.reason).partition(":")[0] for outcome in journal.outcomes.values() if outcome.state is State.REJECTED
    )
    assert problems(tmp_path, COUNT, book.refused, rejected) == []
    assert report.states["confirmed"] == COUNT - COUNT // 100
    assert report.states.total() + book.refused.total() == COUNT


def test_of_an_address_book_segment_gets_every_sound_row_and_no_broken_one(fakes: Fakes) -> None:
    count, case = 2_000, CASES["segment"]
    handle = case.handle(fakes)
    handle.configure(**case.configure)
    handle.reset()
    book = Book(count)

    def greeted() -> Iterator[Delivery]:
        for one in book.deliveries():
            row = json.loads(one.payload)
            call = {"type": "track", "event": "Greeted", "messageId": one.delivery_id, "userId": row.pop("id")}
            yield replace(one, operation="track", payload=json.dumps({**call, "properties": row}, ensure_ascii=False))

    report, journal = sent(greeted(), case.whole(fakes, TodaysClock(), max_item_bytes=16_000), clock=TodaysClock())

    events = {event["messageId"]: event for event in handle.state()["events"]}
    broken = {f"d{number:07d}" for number in range(0, count, 100)}
    assert events.keys() == {f"d{number:07d}" for number in range(count)} - broken
    sound = [row for number, row in enumerate(rows(count)) if number % 100]
    assert [event["userId"] for _, event in sorted(events.items())] == [row["to"] for row in sound]
    rejected = {name: outcome for name, outcome in journal.outcomes.items() if outcome.state is State.REJECTED}
    assert rejected.keys() <= broken
    assert all(str(outcome.reason).startswith("oversize") for outcome in rejected.values())
    assert len(rejected) + book.refused.total() == len(broken)
    assert report.states["accepted"] == count - len(broken)


def test_rows_that_only_the_destination_can_tell_are_broken_never_take_their_neighbours_along() -> None:
    poison = {f"d{number:04d}" for number in range(0, COUNT, 100)}

    def judge(pack: Pack) -> Taken | Refused:
        return Refused("status 400") if any(one.delivery_id in poison for one in pack.deliveries) else Taken()

    connector = Scripted([judge] * COUNT, max_items=200)

    report, journal = sent(deliveries(*(f"d{number:04d}" for number in range(COUNT))), connector)

    assert {name for name, state in journal.states.items() if state == "rejected"} == poison
    assert report.states == {"accepted": COUNT - len(poison), "rejected": len(poison)}
    # Each costs a request at every halving, not one for every neighbour.
    assert report.traffic.requests <= COUNT // 200 + len(poison) * 2 * 8


@pytest.mark.parametrize("jump", [timedelta(days=3), timedelta(days=-3)])
def test_a_clock_that_jumps_changes_neither_pace_nor_waits_nor_looks_at_consent(jump: timedelta) -> None:
    def run(jumps: bool) -> tuple[list[float], int, dict[str, str]]:
        clock, looks = FakeClock(), 0

        def post(pack: Pack) -> Taken | Again:
            clock.jump = jump if jumps and len(connector.posted) % 2 else timedelta(0)
            return Again("status 429", 20.0, is_pause=True) if len(connector.posted) == 3 else Taken()

        def check(ones: object) -> dict[str, str]:
            nonlocal looks
            looks += 1
            return {}

        # All is claimed together: when a next chunk is looked at beside the sending of this one is a matter of moments.
        pace = {"max_items": 1, "max_in_flight": 1, "rates": (Rate(amount=1),), "recheck_seconds": 5}
        connector = Scripted([post] * 20, clock, unknown="at_least_once", **pace)
        _, journal = sent(deliveries(*"abcdefgh"), connector, clock=clock, check=check)
        return clock.slept, looks, journal.states

    assert run(jumps=True) == run(jumps=False)


@pytest.mark.parametrize("jump", [timedelta(days=3), timedelta(days=-3)])
def test_a_token_lives_as_long_as_it_was_said_to_whatever_the_clock_shows(jump: timedelta) -> None:
    clock, given = FakeClock(), []

    async def fetch() -> Token:
        given.append(clock.seconds)
        return Token(f"t{len(given)}", 3_600)

    async def run() -> None:
        tokens = Tokens(fetch, clock)
        for seconds in (0.0, 1_000.0, 3_000.0, 4_000.0):
            clock.seconds, clock.jump = seconds, jump if seconds == 1_000 else timedelta(0)
            await tokens.current()

    asyncio.run(run())

    assert given == [0.0, 4_000.0]


def test_credentials_that_are_not_accepted_are_shown_once_however_many_requests_wait() -> None:
    asked = 0

    async def fetch() -> Token:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        raise TokenRefused("status 401 from the token endpoint")

    async def run() -> list[Token | BaseException]:
        tokens = Tokens(fetch, FakeClock())
        return await asyncio.gather(*(tokens.current() for _ in range(20)), return_exceptions=True)

    answers = asyncio.run(run())

    assert asked == 1
    assert {str(answer) for answer in answers if isinstance(answer, TokenRefused)} == {"status 401 from the token endpoint"}
    assert len(answers) == 20


def test_a_claim_from_the_future_is_not_taken_for_a_young_one() -> None:
    connector = Scripted(deduplication="item_key", unknown="resend_same_key")
    connector._declaration = replace(connector.declaration, window_seconds=3_600)
    claims = {"skewed": timedelta(minutes=1), "jumped": timedelta(days=2)}
    given = [replace(delivery(name), claim=Claim("k", START + ahead)) for name, ahead in claims.items()]

    _, journal = sent(given, connector, MemoryJournal())

    assert journal.states == {"jumped": "unknown", "skewed": "accepted"}
    assert journal.outcomes["jumped"].reason == "claimed at a time that is still to come: its age is not known"
