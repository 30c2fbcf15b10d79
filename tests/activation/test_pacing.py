import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.activation.attempts import _turn
from personalake.activation.pacing import Bucket, Pacer, Slots
from personalake.activation.retries import asked_wait, wait_before
from personalake.config.connections import Patience, Rate

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def departures(rate: Rate, largest: float, requests: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """When requests leave that ask after some time each: pairs of a pause and a cost."""
    bucket, now, left = Bucket(rate, largest), 0.0, []
    for pause, cost in requests:
        now += pause
        left.append((round(now + bucket.reserve(cost, now), 9), cost))  # a sum of times rounds in its last bits
    return left


@settings(max_examples=200)
@given(
    amount=st.integers(10, 60),
    per_seconds=st.sampled_from([1.0, 3.0, 60.0]),
    requests=st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.01, 0.4, 5.0]), st.integers(1, 10)), max_size=120),
)
def test_no_window_holds_more_than_the_limit(amount: int, per_seconds: float, requests: list[tuple[float, float]]) -> None:
    left = departures(Rate(amount=amount, per_seconds=per_seconds), 10, requests)

    assert [at for at, _ in left] == sorted(at for at, _ in left)
    for start, _ in left:
        assert sum(cost for at, cost in left if start <= at < round(start + per_seconds, 9)) <= amount


@settings(max_examples=200)
@given(
    amount=st.integers(10, 60),
    requests=st.lists(st.tuples(st.sampled_from([0.0, 0.0, 0.01, 0.4, 5.0]), st.integers(1, 10)), max_size=120),
)
def test_a_place_is_taken_at_once_exactly_where_nobody_would_have_to_wait(
    amount: int, requests: list[tuple[float, float]]
) -> None:
    always, quick, now = Bucket(Rate(amount=amount), 10), Bucket(Rate(amount=amount), 10), 0.0
    for pause, cost in requests:
        now += pause
        wait = always.reserve(cost, now)
        assert quick.is_taken(cost, now) is (wait == 0)
        if wait:
            assert quick.reserve(cost, now) == wait


@pytest.mark.parametrize(("amount", "per_seconds", "cost"), [(100, 1, 10), (3_000, 3, 1), (600_000, 60, 1), (250, 60, 1)])
def test_a_busy_sender_uses_95_per_cent_of_the_limit(amount: int, per_seconds: float, cost: int) -> None:
    windows = 3
    count = amount * windows // cost

    left = departures(Rate(amount=amount, per_seconds=per_seconds), cost, [(0.0, cost)] * count)

    assert left[-1][0] <= windows * per_seconds / 0.95


def test_a_request_beyond_the_limit_waits_for_a_window_of_its_own_and_leaves() -> None:
    left = departures(Rate(amount=1_000, of="bytes"), 1_000, [(0.0, 400), (0.0, 5_000), (0.0, 1)])

    assert left[0][0] == 0
    assert 1 <= left[1][0] < 2.1
    assert left[2][0] >= 2


def test_all_limits_hold_at_once_and_a_pause_holds_everybody() -> None:
    pacer = Pacer((Rate(amount=100), Rate(amount=10, of="items")), largest_items=5, largest_bytes=1)

    waits = [pacer.reserve(5, 1, 0.0) for _ in range(3)]
    pacer.pause(7, now=1.0)
    pacer.pause(2, now=1.0)

    assert waits[0] == 0
    assert waits[2] >= 1
    assert (pacer.paused_for(1.0), pacer.paused_for(9.0)) == (7.0, 0.0)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "12"}, 12.0),
        ({"retry-after": "0"}, 0.0),
        ({"X-RateLimit-Reset": "30"}, 30.0),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 45)}, 45.0),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) - 45)}, 0.0),
        ({"Retry-After": "Thu, 01 Jan 2026 00:01:00 GMT"}, 60.0),
        ({"X-Regulation-RateLimit-Quota-Reset": "2026-01-01T00:01:00.000Z"}, 60.0),
        ({"X-Regulation-RateLimit-Quota-Reset": "at the end of the month"}, None),
        ({"Retry-After": "3", "X-RateLimit-Reset": "99"}, 3.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "-1"}, None),
        ({}, None),
    ],
)
def test_a_reply_asks_to_wait_in_one_of_three_dialects(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers, NOW) == seconds


def test_a_clock_that_jumps_never_makes_a_wait_longer_than_the_longest() -> None:
    headers = {"X-RateLimit-Reset": str(int((NOW + timedelta(days=3)).timestamp()))}

    wait = wait_before(1, asked_wait(headers, NOW), Patience(max_wait_seconds=300), random.Random(1))

    assert wait == 300


def test_what_was_asked_for_is_the_least_wait() -> None:
    waits = [wait_before(3, 20, Patience(first_wait_seconds=1), random.Random(seed)) for seed in range(50)]

    assert min(waits) >= 20
    assert max(waits) <= 21
    assert len(set(waits)) == 50


def test_slots_go_to_whoever_has_waited_longest_and_one_who_gives_up_keeps_none() -> None:
    order: list[str] = []

    async def run() -> bool:
        slots = Slots(1)
        assert slots.is_taken()

        async def work(name: str) -> None:
            if not slots.is_taken():
                await slots.wait()
            order.append(name)
            slots.free()

        ones = [asyncio.create_task(work(name)) for name in ("a", "b", "c")]
        await asyncio.sleep(0)
        ones[1].cancel()
        slots.free()
        await asyncio.sleep(0)
        # Handed over to "a" and given up in the same moment: it must go on to the next.
        ones[0].cancel()
        await asyncio.gather(*ones, return_exceptions=True)
        return slots.is_taken()

    assert asyncio.run(run())
    assert order == ["c"]


def test_a_slot_that_is_given_back_may_be_taken_again_at_once_but_not_for_ever() -> None:
    taken: list[str] = []

    async def run() -> None:
        slots = Slots(1)
        assert slots.is_taken()

        async def wait() -> None:
            await slots.wait()
            taken.append("who waits")
            slots.free()

        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        for _ in range(10_000):
            taken.append("who passes")
            slots.free()
            if not slots.is_taken():
                await slots.wait()
        await waiting

    asyncio.run(run())
    assert 2 <= taken.index("who waits") <= 100
    assert len(taken) == 10_001


def test_after_a_pause_that_the_destination_asked_for_requests_leave_at_its_rate_and_not_at_once() -> None:
    class Clock:
        """Time that passes when everybody sleeps."""

        def __init__(self) -> None:
            self.now, self.sleepers = 0.0, list[tuple[float, int, asyncio.Future[None]]]()

        def ticks(self) -> float:
            return self.now

        async def sleep(self, seconds: float) -> None:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.sleepers.append((self.now + seconds, len(self.sleepers), turn))
            await turn

    async def run() -> list[float]:
        clock, pacer, left = Clock(), Pacer((Rate(of="requests", amount=10, per_seconds=1),), 1, 1), list[float]()
        given: Any = SimpleNamespace(pacer=pacer, clock=clock, breaker=SimpleNamespace(reason=None))
        pack: Any = SimpleNamespace(deliveries=[1], size=1)

        async def one() -> None:
            await _turn(given, pack)
            left.append(clock.now)

        tasks = [asyncio.create_task(one()) for _ in range(25)]
        while not all(task.done() for task in tasks):
            for _ in range(5):
                await asyncio.sleep(0)
            if clock.sleepers:
                clock.sleepers.sort(key=lambda sleeper: sleeper[:2])
                at, _, turn = clock.sleepers.pop(0)
                clock.now = max(clock.now, at)
                if len(left) == 2 and clock.now < 1:
                    pacer.pause(30, 0.5)
                turn.set_result(None)
        return left

    left = asyncio.run(run())

    assert len(left) == 25
    assert all(sum(start <= at < start + 1 for at in left) <= 10 for start in left)
    assert max(after - before for before, after in pairwise(left)) >= 30
