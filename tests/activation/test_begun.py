"""Bodies that are handed over where their tasks are made."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import aiohttp
import pytest

from personalake.activation.begun import begin_bodies_at_once

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="aiohttp does so itself")


class ClientRequest:
    """Named as aiohttp's own."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    async def write_bytes(self, *waits_for: "asyncio.Future[str]") -> str:
        self.told.append("begun")
        try:
            for one in waits_for:
                self.told.append(await one)
        except asyncio.CancelledError:
            self.told.append("cancelled")
            raise
        return "written"

    async def other(self) -> None:
        self.told.append("begun")

    async def broken(self) -> None:
        raise ValueError("broken")

    broken.__qualname__ = write_bytes.__qualname__


def in_loop(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=lambda: begin_bodies_at_once(asyncio.new_event_loop())) as runner:
        runner.run(work)


def test_it_is_what_aiohttp_makes_a_task_of() -> None:
    assert aiohttp.ClientRequest.write_bytes.__qualname__ == ClientRequest.write_bytes.__qualname__


def test_what_never_waits_is_done_when_its_task_is_made_and_all_else_is_begun_later() -> None:
    async def work() -> None:
        body, other = ClientRequest(), ClientRequest()

        written, later = asyncio.create_task(body.write_bytes()), asyncio.create_task(other.other())

        assert (written.done(), body.told, other.told) == (True, ["begun"], [])
        assert await written == "written"
        await later
        assert other.told == ["begun"]

    in_loop(work())


def test_what_waits_goes_on_when_its_turn_comes_or_ends_as_others_do() -> None:
    async def work() -> None:
        first, second, never = (asyncio.get_running_loop().create_future() for _ in range(3))
        body, cut = ClientRequest(), ClientRequest()

        written, ended = asyncio.create_task(body.write_bytes(first, second)), asyncio.create_task(cut.write_bytes(never))
        assert (written.done(), body.told) == (False, ["begun"])
        first.set_result("one")
        second.set_result("two")
        ended.cancel()

        assert await written == "written"
        assert body.told == ["begun", "one", "two"]
        await asyncio.gather(ended, return_exceptions=True)
        assert (ended.cancelled(), cut.told) == (True, ["begun", "cancelled"])

    in_loop(work())


def test_what_breaks_at_once_says_so_to_who_waits_for_it() -> None:
    async def work() -> None:
        written = asyncio.create_task(ClientRequest().broken())

        with pytest.raises(ValueError, match="broken"):
            await written

    in_loop(work())
