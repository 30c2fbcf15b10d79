"""How often Python looks for garbage while much is sent."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Of what sending makes, a few objects for each delivery live as long as their chunk and are in no cycle. By default they
# would be looked at after each 700 of them: a fifth of the time that it takes to write a file.
_OBJECTS = 50_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage after many more new objects than usual, and as before when it is over."""
    before = gc.get_threshold()
    if before[0] == 0:
        # Somebody has switched it off altogether.
        yield
        return
    gc.set_threshold(max(_OBJECTS, before[0]), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
