"""Signs of life: one line per step on stderr, and a heartbeat while a step is silent."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

SILENCE_SECONDS = 8.0


@dataclass
class Progress:
    """Writes what is being done, and repeats it with the seconds so far when nothing has been said for a while.

    Args:
        stream: Where to write; stderr by default, stdout is for results.
        prefix: Put before each line, e.g. the place in the graph.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    prefix: str = ""
    _said_at: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Write one line."""
        self._said_at = time.monotonic()
        self.stream.write(f"{self.prefix}{text}\n")
        self.stream.flush()

    @contextmanager
    def step(self, text: str) -> Iterator[Callable[[str], None]]:
        """Announce a step, and show that it lives for as long as it takes.

        Yields:
            Takes how far the step is, e.g. `file 3 of 8`, which is told with the seconds when nothing was said for a while.
        """
        place = [""]
        started = time.monotonic()
        done = threading.Event()

        def beat() -> None:
            while not done.wait(1.0):
                if time.monotonic() - self._said_at >= SILENCE_SECONDS:
                    self.say(f"  … {text}{place[0]}, {time.monotonic() - started:.0f} s so far")

        thread = threading.Thread(target=beat, daemon=True, name="progress")
        thread.start()
        try:
            yield lambda far: place.__setitem__(0, f", {far}")
        finally:
            done.set()
            thread.join()
