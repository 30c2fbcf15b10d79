"""An end to waiting: one look at all requests under way, now and then, instead of a timer for each."""

import asyncio
from types import TracebackType
from typing import Any

# So many looks in the time that is allowed; a request is given up by one of them too late at most.
_LOOKS = 20


class Overdue:
    """A time limit for whoever is inside, as `asyncio.timeout` sets it for one; ends by `TimeoutError`.

    A timer costs a request as much as signing it, and almost none ever rings.

    Args:
        seconds: How long is waited.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # By the number of the last look: to ask for the time costs a request more.
        self._since: dict[asyncio.Task[object], int] = {}
        self._look_number = 0
        self._ended: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look."""
        self._timer = asyncio.get_running_loop().call_later(self._seconds / _LOOKS, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._look_number += 1
        for task, since in list(self._since.items()):
            if self._look_number - since > _LOOKS and task not in self._ended:
                self._ended.add(task)
                task.cancel()
        self.start()

    def __enter__(self) -> None:
        task: Any = asyncio.current_task()
        self._since[task] = self._look_number

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        task: Any = asyncio.current_task()
        del self._since[task]
        if self._ended and task in self._ended:
            self._ended.discard(task)
            # Somebody else may want the task to end, too: then it ends as cancelled.
            if task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError from error
