"""What stops a run, rather than warn: the account, the volume, a destination that only fails."""

from collections import deque
from dataclasses import dataclass

from personalake.activation.bounces import ANSWERS, Bounces
from personalake.activation.reasons import NO_MAILBOX
from personalake.config.connections.base import Bounds


@dataclass(frozen=True)
class Volume:
    """How much a plan wants to send.

    Args:
        deliveries: All that is open in this run.
        removals: How many of those that leave take somebody away.
        held: How many of them may have left before, and are not sent again.
        recent: What left in earlier runs: how many seconds ago, and how many deliveries; the oldest first.
    """

    deliveries: int
    removals: int = 0
    recent: tuple[tuple[float, int], ...] = ()
    held: int = 0

    @property
    def leaving(self) -> int:
        """How many may leave."""
        return self.deliveries - self.held


class Breaker:
    """Open once there is a reason; nothing leaves after that."""

    def __init__(self, bounds: Bounds) -> None:
        self.reason: str | None = None
        self.bounces = Bounces(bounds.open_after_no_mailbox)
        self._bounds = bounds
        self._failures = 0
        self._rejections = 0
        self._deliveries = 0
        self._removals = 0
        # Whether what leaves has to be counted by the time at which it does.
        self.is_windowed = bounds.max_in_window is not None
        self._window: deque[tuple[float, int]] = deque()
        self._in_window = 0

    def open(self, reason: str) -> None:
        """Stop; the first reason is kept."""
        self.reason = self.reason or reason

    def plan(self, volume: Volume, now: float = 0.0) -> None:
        """Look at the whole before anything leaves; what left in earlier runs still fills the window."""
        for seconds_ago, deliveries in volume.recent:
            self._window.append((now - seconds_ago, deliveries))
            self._in_window += deliveries
        self._bound("deliveries are planned", volume.leaving, self._bounds.max_deliveries, "max_deliveries")
        self._bound("removals are planned", volume.removals, self._bounds.max_removals, "max_removals")
        self._bound("deliveries are planned", volume.leaving, self._bounds.max_in_window, "max_in_window")

    def admit(self, deliveries: int, removals: int) -> bool:
        """Count what is about to leave for the first time; false if it may not."""
        if self.reason is None:
            self._bound("deliveries", self._deliveries + deliveries, self._bounds.max_deliveries, "max_deliveries")
            if removals:
                self._bound("removals", self._removals + removals, self._bounds.max_removals, "max_removals")
        if self.reason is not None:
            return False
        self._deliveries += deliveries
        self._removals += removals
        return True

    def admit_in_window(self, deliveries: int, now: float) -> bool:
        """Count what leaves now, retries included; false if the window is full."""
        limit = self._bounds.max_in_window
        if limit is None or self.reason is not None:
            return self.reason is None
        while self._window and self._window[0][0] <= now - self._bounds.window_seconds:
            self._in_window -= self._window.popleft()[1]
        self._bound(f"in {self._bounds.window_seconds:g} seconds", self._in_window + deliveries, limit, "max_in_window")
        if self.reason is None:
            self._window.append((now, deliveries))
            self._in_window += deliveries
        return self.reason is None

    def succeeded(self) -> None:
        """The destination works."""
        self._failures = self._rejections = 0
        self.bounces.answers += 1

    def failed(self, reason: str) -> None:
        """A request was given up, or its reply lost."""
        self._failures += 1
        if self._failures >= self._bounds.open_after_failures:
            self.open(f"{self._failures} requests in a row failed, the last: {reason}")

    def rejected(self, reason: str) -> None:
        """An item alone in its request was refused for good."""
        self._failures = 0
        self._rejections += 1
        if reason != NO_MAILBOX:
            self.bounces.answers += 1
        elif count := self.bounces.refused():
            told = f"{count} of the last {ANSWERS} addresses were refused as unknown, and none is taken for a bounce"
            self.open(f"{told}; bounds.open_after_no_mailbox is {self._bounds.open_after_no_mailbox}")
        if self._rejections >= self._bounds.open_after_rejections:
            self.open(f"{self._rejections} items in a row were refused and none was taken, the last: {reason}")

    def _bound(self, what: str, count: int, limit: int | None, key: str) -> None:
        if limit is not None and count > limit:
            self.open(f"{count} {what}; bounds.{key} is {limit}")
