"""Tasks of aiohttp that are begun where they are made, as it does itself from Python 3.12 on.

Before, it makes a task for the body of each request, which is begun in the next round of the loop, though all that it does
is to hand the bytes over: for a small request that is a twentieth of the whole time.
"""

import asyncio
import sys
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

# What never waits, unless the connection is slow to take it. All else is begun when its turn comes.
_AT_ONCE = "ClientRequest.write_bytes"
Result = TypeVar("Result")
Steps = Coroutine[Any, Any, Result] | Generator[Any, None, Result]


def begin_bodies_at_once(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """Have a loop do so; the loop itself."""
    if sys.version_info < (3, 12):
        loop.set_task_factory(_made)
    return loop


def _made(loop: asyncio.AbstractEventLoop, coroutine: Steps[Result], /, **more: Any) -> "asyncio.Future[Result]":
    if getattr(coroutine, "__qualname__", "") != _AT_ONCE:
        return asyncio.Task(coroutine, loop=loop, **more)
    done: asyncio.Future[Result] = loop.create_future()
    try:
        waits_for = coroutine.send(None)
    except StopIteration as end:
        done.set_result(end.value)
    except Exception as error:
        done.set_exception(error)
    else:
        return asyncio.Task(_Begun(coroutine, waits_for), loop=loop, **more)
    return done


class _Begun(Coroutine[Any, Any, Result]):
    """A coroutine that has come to its first wait, for a task that takes it to be new.

    Args:
        coroutine: The coroutine.
        waits_for: What it waits for.
    """

    def __init__(self, coroutine: Steps[Result], waits_for: Any) -> None:
        self._coroutine, self._waits_for, self._is_new = coroutine, waits_for, True

    def send(self, value: Any) -> Any:
        if self._is_new:
            self._is_new = False
            return self._waits_for
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        self._is_new = False
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Result]:
        raise RuntimeError("a task steps through it")
