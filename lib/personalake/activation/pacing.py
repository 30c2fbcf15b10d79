"""How fast requests may leave: evenly, and never more than a limit in any window of its length."""

import asyncio
import math
from collections import deque

from personalake.config.connections.base import Rate

# What is left free of a limit, since requests do not arrive as evenly as they leave.
_SHARE = 0.97
_SLOTS = 1_000
# So often a slot is taken again past somebody who waits for one.
_PASSES = 50


class Bucket:
    """A token bucket that holds one request's worth, under a count of what left in the last window.

    The bucket spaces requests; the count keeps its first burst, and small requests among large ones, from going beyond the
    limit in any window.

    Args:
        rate: The limit.
        largest: What the largest request takes of it.
    """

    def __init__(self, rate: Rate, largest: float) -> None:
        self.rate = rate
        self._amount = float(rate.amount)
        self._refill = _SHARE * rate.amount / rate.per_seconds
        self._capacity = min(max(largest, self._amount / 100), self._amount)
        self._level = self._capacity
        self._filled_at: float | None = None
        self._slot = rate.per_seconds / _SLOTS
        self._left: deque[tuple[int, float]] = deque()
        self._in_window = 0.0
        self._last = -math.inf

    def reserve(self, cost: float, now: float) -> float:
        """Take a place in the queue.

        Args:
            cost: Requests, items or bytes of the request; one beyond the limit waits for a whole window of its own.
            now: Seconds on a clock that never runs backwards.

        Returns:
            Seconds to wait before the request may leave.
        """
        cost = min(cost, self._amount)
        at = max(self._by_bucket(cost, now), self._by_window(cost, now))
        self._enter(at, cost)
        return max(0.0, at - now)

    def is_taken(self, cost: float, now: float) -> bool:
        """Take a place if nothing must be waited for, as nearly always; false if `reserve` would wait."""
        cost = min(cost, self._amount)
        level = self._level
        if self._filled_at is not None and now > self._filled_at:
            level = min(self._capacity, level + (now - self._filled_at) * self._refill)
        if level < cost or now < self._last:
            return False
        while self._left and self._gone_at() <= now:
            self._in_window -= self._left.popleft()[1]
        if self._left and self._in_window + cost > self._amount:
            return False
        self._filled_at, self._level = now, level - cost
        self._enter(now, cost)
        return True

    def _by_bucket(self, cost: float, now: float) -> float:
        elapsed = 0.0 if self._filled_at is None else max(0.0, now - self._filled_at)
        self._filled_at = now
        self._level = min(self._capacity, self._level + elapsed * self._refill) - cost
        return now if self._level >= 0 else now - self._level / self._refill

    def _by_window(self, cost: float, now: float) -> float:
        at = max(now, self._last)
        while self._left and (self._gone_at() <= at or self._in_window + cost > self._amount):
            at = max(at, self._gone_at())
            self._in_window -= self._left.popleft()[1]
        return at

    def _gone_at(self) -> float:
        """When the oldest slot has left the window; a slot counts as if all of it had left at its end."""
        return (self._left[0][0] + 1) * self._slot + self.rate.per_seconds

    def _enter(self, at: float, cost: float) -> None:
        self._last = at
        self._in_window += cost
        slot = math.floor(at / self._slot)
        if self._left and self._left[-1][0] == slot:
            _, before = self._left.pop()
            self._left.append((slot, before + cost))
        else:
            self._left.append((slot, cost))


class Pacer:
    """All limits of one destination, and the pauses that it asks for."""

    def __init__(self, rates: tuple[Rate, ...], largest_items: int, largest_bytes: int) -> None:
        largest = {"requests": 1, "items": largest_items, "bytes": largest_bytes}
        self._buckets = [Bucket(rate, largest[rate.of]) for rate in rates]
        self._only = self._buckets[0] if len(self._buckets) == 1 else None
        self._paused_until = 0.0
        # Whether there is any limit, or ever was a pause.
        self.is_needed = bool(self._buckets)

    def is_taken(self, items: int, size: int, now: float) -> bool:
        """Take a place under the only limit there is, if nothing must be waited for; false where `reserve` must be asked."""
        only = self._only
        if only is None or now < self._paused_until:
            return False
        of = only.rate.of
        return only.is_taken(1 if of == "requests" else items if of == "items" else size, now)

    def reserve(self, items: int, size: int, now: float) -> float:
        """Seconds until a request of so many items and bytes may leave."""
        costs = {"requests": 1, "items": items, "bytes": size}
        waits = [bucket.reserve(costs[bucket.rate.of], now) for bucket in self._buckets]
        return max([0.0, *waits])

    def pause(self, seconds: float, now: float) -> None:
        """Let nothing leave for so long."""
        self._paused_until = max(self._paused_until, now + seconds)
        self.is_needed = True

    def paused_for(self, now: float) -> float:
        """Seconds of the pause that are left."""
        return max(0.0, self._paused_until - now)


class Slots:
    """How many requests may be under way. A free slot is taken without a turn of the loop.

    Whoever gives a slot back may take it again at once, past those who wait: handing it over would cost each request a turn
    of the loop. After so many times that is over, so that nobody waits for long; those who wait are served as they came.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._passed = 0
        self._is_handing_over = False

    def is_taken(self) -> bool:
        """Take a slot if one is free; false if it must be waited for."""
        if self._free <= 0:
            return False
        if self._waiting:
            if self._passed >= _PASSES:
                return False
            self._passed += 1
        self._free -= 1
        return True

    async def wait(self) -> None:
        """Wait for a slot, and take it."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The slot was handed over just before.
                self.free()
            raise

    def free(self) -> None:
        """Give a slot back; if it is not taken again at once, to whoever has waited longest."""
        self._free += 1
        if self._waiting and not self._is_handing_over:
            self._is_handing_over = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._is_handing_over = False
        while self._free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._free -= 1
                self._passed = 0
                turn.set_result(None)
