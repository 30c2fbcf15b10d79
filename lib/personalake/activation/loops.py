"""The event loop on which requests leave: the faster of two, and without a turn of it for each body."""

import asyncio
import sys
import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any

from aiohttp import ClientRequest

# From here on tasks can start at once by themselves, and aiohttp lets those begin so that write a body.
_EAGER = (3, 12)
_WRITING = ClientRequest.write_bytes.__code__


def sending_loop() -> asyncio.AbstractEventLoop:
    """A new loop: uvloop's where there is one, which is not made for every platform, else Python's own."""
    loop = _new_loop()()
    if sys.version_info < _EAGER:
        loop.set_task_factory(writing_at_once)
    return loop


def _new_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def writing_at_once(loop: asyncio.AbstractEventLoop, work: Any, context: Context | None = None) -> "asyncio.Future[Any]":
    """A task, or something that has ended already if it only had to write a short body.

    aiohttp writes each body in a task. A short one is written without waiting for anything: begun at once, it needs neither
    a task nor a turn of the loop. Where a connection takes no more, the rest is a task like any other.
    """
    if getattr(work, "cr_code", None) is not _WRITING:
        return asyncio.Task(work, loop=loop, context=context)
    try:
        awaited = work.send(None)
    except StopIteration:
        return _ended(loop)
    except Exception as problem:
        ended = loop.create_future()
        ended.set_exception(problem)
        return ended
    return asyncio.Task(_rest(work, awaited), loop=loop, context=context)


def _ended(loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
    ended = loop.create_future()
    ended.set_result(None)
    return ended


async def _rest(work: Coroutine[Any, Any, Any], awaited: Any) -> None:
    await _going_on(work, awaited)


@types.coroutine
def _going_on(work: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, None]:
    """What is left of a coroutine that waits for something: whatever comes of that is handed on to it."""
    while True:
        problem: BaseException | None = None
        try:
            yield awaited
        except BaseException as thrown:
            problem = thrown
        try:
            awaited = work.send(None) if problem is None else work.throw(problem)
        except StopIteration:
            return
