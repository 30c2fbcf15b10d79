"""Writes that another job's commit overtakes, and that may simply be done again."""

import time
from collections.abc import Callable
from typing import TypeVar

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentWriteException,
    MetadataChangedException,
    ProtocolChangedException,
)
from deltalake.exceptions import CommitFailedError

# Delta's exceptions share no base of their own; the last one is what delta-rs says.
_OVERTAKEN = (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentWriteException,
    MetadataChangedException,
    ProtocolChangedException,
    CommitFailedError,
)
_TRIES = 5
Written = TypeVar("Written")
_PAUSE_SECONDS = 0.5


def unless_overtaken(write: Callable[[], Written]) -> Written:
    """Write, and write again where another commit came first: what was overtaken has changed nothing.

    Args:
        write: What is done, whole each time; the last of some failures is raised.

    Returns:
        What the write that succeeded gave.
    """
    for _ in range(_TRIES - 1):
        try:
            return write()
        except _OVERTAKEN:
            time.sleep(_PAUSE_SECONDS)
    return write()
