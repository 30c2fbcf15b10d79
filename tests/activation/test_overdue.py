"""Who waits too long, and who is told to go."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

import pytest

from personalake.activation.garbage import seldom_collected
from personalake.activation.overdue import Overdue


async def inside(overdue: Overdue, work: Coroutine[Any, Any, None]) -> None:
    with overdue:
        await work


def test_who_waits_too_long_is_ended_and_whoever_is_in_time_is_not() -> None:
    async def run() -> list[BaseException | None]:
        overdue = Overdue(0.1)
        overdue.start()
        ones = (inside(overdue, asyncio.sleep(seconds)) for seconds in (5, 0.01, 5))
        found = await asyncio.gather(*ones, return_exceptions=True)
        overdue.stop()
        return found

    assert list(map(type, asyncio.run(run()))) == [TimeoutError, type(None), TimeoutError]


def test_who_is_cancelled_from_outside_ends_as_cancelled_though_late_as_well() -> None:
    async def run() -> None:
        overdue = Overdue(0.02)
        task = asyncio.create_task(inside(overdue, asyncio.sleep(5)))
        await asyncio.sleep(0)
        overdue._look_number += 100
        overdue._look()
        overdue.stop()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_garbage_is_looked_for_as_before_once_sending_is_over() -> None:
    before, during = gc.get_threshold(), list[int]()

    def broken() -> None:
        with seldom_collected():
            during.append(gc.get_threshold()[0])
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken()

    assert during[0] >= 50_000
    assert gc.get_threshold() == before
