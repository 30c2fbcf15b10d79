"""Time and chance as arguments, so that hours of retries take no time in a test."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The times that sending needs."""

    def now(self) -> datetime:
        """The time of day, UTC; it may jump."""
        ...

    def ticks(self) -> float:
        """Seconds since some moment; they never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Chance(Protocol):
    """The randomness that sending needs; `random.Random` fits."""

    def uniform(self, a: float, b: float) -> float:
        """A number between two others."""
        ...
