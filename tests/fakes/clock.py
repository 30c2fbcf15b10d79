"""Time as the fake vendors see it."""

import time


class FakeClock:
    """Seconds since the epoch: the machine's with an offset, or frozen until it is moved.

    Args:
        frozen_at: Where time stands still; null to follow the machine.
    """

    def __init__(self, frozen_at: float | None = None) -> None:
        self._frozen_at = frozen_at
        self._offset = 0.0

    def __call__(self) -> float:
        base = time.time() if self._frozen_at is None else self._frozen_at
        return base + self._offset

    def advance(self, seconds: float) -> None:
        """Jump, forwards or backwards."""
        self._offset += seconds

    def reset(self) -> None:
        """Undo every jump."""
        self._offset = 0.0


class Window:
    """A fixed window of so many units in so many seconds, as vendors count; it opens with the first unit.

    Args:
        amount: Units in a window; null if unlimited.
        seconds: Length of a window.
    """

    def __init__(self, amount: int | None, seconds: float) -> None:
        self.amount = amount
        self.seconds = seconds
        self._ends = 0.0
        self._used = 0

    def take(self, now: float, units: int = 1) -> bool:
        """Whether so many units still fit; they are used up if they do."""
        if self.amount is None:
            return True
        if not 0 < self._ends - now <= self.seconds:
            self._ends, self._used = now + self.seconds, 0
        if self._used + units > self.amount:
            return False
        self._used += units
        return True

    def wait(self, now: float) -> float:
        """Seconds until a new window opens."""
        return max(self._ends - now, 0.0)

    @property
    def left(self) -> int:
        """Units that still fit."""
        return 0 if self.amount is None else self.amount - self._used

    @property
    def ends(self) -> float:
        """When a new window opens."""
        return self._ends
