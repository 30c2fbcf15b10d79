"""Writes that another job's commit overtakes, and that may simply be done again."""

import time
from collections.abc import Callable

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentWriteException,
)

# Delta's exceptions share no base of their own.
_OVERTAKEN = (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentWriteException,
)
_PAUSE_SECONDS = 0.5


def unless_overtaken(write: Callable[[], None], tries: int) -> None:
    """Write, and write again where another commit came first.

    Args:
        write: What is done, whole each time.
        tries: How often at most; the last failure is raised.
    """
    for left in reversed(range(tries)):
        try:
            write()
            return
        except _OVERTAKEN:
            if not left:
                raise
            time.sleep(_PAUSE_SECONDS)
