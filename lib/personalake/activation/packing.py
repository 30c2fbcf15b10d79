"""Deliveries into requests, as they come: within all limits, well filled, in order for each person."""

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from personalake.activation.contract import MISSHAPEN, Connector
from personalake.activation.delivery import Delivery, Outcome, Pack, State
from personalake.activation.reasons import told

# Requests that are filled at the same time: with one, items of a fifteenth of a request waste three per cent of it.
_OPEN = 8
_OPEN_GROUPS = 64
# By so much the clocks of two machines may differ; a claim beyond it was made under a clock that has jumped.
_SKEW = timedelta(minutes=5)


@dataclass(slots=True)
class _Filling:
    """A request that still takes deliveries."""

    number: int
    group: str
    envelope: int
    claimed_as: str | None = None
    deliveries: list[Delivery] = field(default_factory=list)
    size: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    people: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


class Packer:
    """Fills several requests at once, first fit, and lets the oldest go first.

    A person's next delivery only goes into the same request or a later one, so that sending requests in order keeps each
    person's order. Memory is bounded by the requests that are open.
    """

    def __init__(self, connector: Connector, stamp: str, max_held: int) -> None:
        self._connector = connector
        self._limits = connector.declaration.limits
        self._stamp = stamp
        self._max_held = max_held
        self._open: deque[_Filling] = deque()
        self._held = 0
        self._number = 0

    def add(self, delivery: Delivery, size: int, group: str, key: str) -> Iterator[Pack]:
        """Put a delivery into a request; yields the requests that are ready by that."""
        if self._limits.max_items == 1:
            yield self._alone(delivery, size, group)
            return
        place = self._place(delivery, size, group, key)
        if place is None:
            yield from self._make_room(group)
            self._number += 1
            place = _Filling(self._number, group, self._connector.envelope(group, delivery))
            self._open.append(place)
        place.size += size + (self._limits.separator if place.deliveries else 0)
        place.deliveries.append(delivery)
        place.counts[delivery.operation] += 1
        place.people.add(delivery.person_id)
        if key:
            place.keys.add(key)
        self._held += 1
        while self._open and (self._is_full(self._open[0]) or self._held > self._max_held):
            yield self._close()

    def _alone(self, delivery: Delivery, size: int, group: str) -> Pack:
        self._number += 1
        name = f"{self._stamp}-{self._number:06d}-{_digest((delivery,))}"
        return Pack(name, group, (delivery,), size, delivery.claim is not None)

    def rest(self) -> Iterator[Pack]:
        """What is still open."""
        while self._open:
            yield self._close()

    def _place(self, delivery: Delivery, size: int, group: str, key: str) -> _Filling | None:
        found: _Filling | None = None
        for filling in reversed(self._open):
            if filling.group == group and self._fits(filling, delivery, size) and not (key and key in filling.keys):
                found = filling
            if delivery.person_id in filling.people or (key and key in filling.keys):
                break
        return found

    def _fits(self, filling: _Filling, delivery: Delivery, size: int) -> bool:
        limits = self._limits
        grown = filling.envelope + filling.size + limits.separator + size
        return (
            (limits.max_items is None or len(filling.deliveries) < limits.max_items)
            and (limits.max_each is None or filling.counts[delivery.operation] < limits.max_each)
            and (limits.max_bytes is None or grown <= limits.max_bytes)
        )

    def _is_full(self, filling: _Filling) -> bool:
        return self._limits.max_items is not None and len(filling.deliveries) >= self._limits.max_items

    def _make_room(self, group: str) -> Iterator[Pack]:
        same = sum(filling.group == group for filling in self._open)
        while self._open and (same >= _OPEN or len(self._open) >= _OPEN_GROUPS):
            same -= self._open[0].group == group
            yield self._close()

    def _close(self) -> Pack:
        filling = self._open.popleft()
        self._held -= len(filling.deliveries)
        return _pack(filling.deliveries, filling.group, filling.size, self._name(filling), filling.keys)

    def _name(self, filling: _Filling) -> str:
        return f"{self._stamp}-{filling.number:06d}-{_digest(filling.deliveries)}"


def _digest(deliveries: Iterable[Delivery]) -> str:
    text = "|".join(delivery.delivery_id for delivery in deliveries)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _pack(deliveries: list[Delivery], group: str, size: int, pack_id: str, keys: Iterable[str] = ()) -> Pack:
    is_resent = any(delivery.claim is not None for delivery in deliveries)
    return Pack(pack_id, group, tuple(deliveries), size, is_resent, tuple(keys))


class Packing:
    """Makes requests of deliveries, one by one, in the order in which they may leave.

    What an earlier run claimed must come first, and claims of one request together: where the destination honours a key
    of the request, the same request is made again, whole.

    Args:
        connector: Where they go.
        now: Start of the run; part of each request's name, and the end of the destination's memory for keys.
    """

    def __init__(self, connector: Connector, now: datetime) -> None:
        self._connector = connector
        self._now = now
        self._packer = Packer(connector, f"{now:%Y%m%dT%H%M%SZ}", connector.declaration.chunk_items * 2)
        self._again = _Again(connector)
        self._is_by_request = connector.declaration.deduplication == "request_key"

    def add(self, delivery: Delivery) -> Iterator[Pack | Outcome]:
        """The requests that are ready by this delivery, and its outcome if it leaves in none."""
        found = self._looked_at(delivery)
        if isinstance(found, Outcome):
            yield found
        elif delivery.claim is not None and self._is_by_request:
            yield from self._again.add(delivery, found[0])
        else:
            if self._again.is_open:
                yield from self._again.rest()
            yield from self._packer.add(delivery, *found)

    def _looked_at(self, delivery: Delivery) -> Outcome | tuple[int, str, str]:
        """Size, group and key of a delivery, or its outcome if it leaves in no request."""
        connector = self._connector
        held = None if delivery.claim is None else _held_back(delivery, connector, self._now)
        if held is not None:
            return held
        try:
            problem = connector.problem_of(delivery)
            if problem is None:
                size, group = connector.size_of(delivery), connector.group_of(delivery)
                problem = _oversize(delivery, size, group, connector)
            if problem is None:
                return size, group, connector.key_of(delivery) if connector.declaration.limits.distinct else ""
        except MISSHAPEN as surprise:
            problem = f"the payload has a shape that is not understood: {type(surprise).__name__}"
        return Outcome(delivery.delivery_id, State.REJECTED, told(problem, delivery.payload))

    def rest(self) -> Iterator[Pack | Outcome]:
        """The requests that are left."""
        yield from self._again.rest()
        yield from self._packer.rest()


def packed(deliveries: Iterable[Delivery], connector: Connector, now: datetime) -> Iterator[Pack | Outcome]:
    """All requests of some deliveries (see `Packing`)."""
    packing = Packing(connector, now)
    for delivery in deliveries:
        yield from packing.add(delivery)
    yield from packing.rest()


class _Again:
    """Makes requests of an earlier run again, each as it was."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._held: list[tuple[Delivery, int]] = []
        self._done: set[str] = set()

    @property
    def is_open(self) -> bool:
        return bool(self._held)

    def add(self, delivery: Delivery, size: int) -> Iterator[Pack | Outcome]:
        pack_id = _claimed(delivery)
        if pack_id in self._done:
            yield _unknown(delivery, "its request was sent again without it: claims of one request must come together")
            return
        if self._held and _claimed(self._held[0][0]) != pack_id:
            yield from self.rest()
        self._held.append((delivery, size))

    def rest(self) -> Iterator[Pack]:
        if self._held:
            deliveries = [delivery for delivery, _ in self._held]
            size = sum(size for _, size in self._held) + self._connector.declaration.limits.separator * (len(deliveries) - 1)
            pack_id = _claimed(deliveries[0])
            self._done.add(pack_id)
            self._held = []
            yield _pack(deliveries, self._connector.group_of(deliveries[0]), size, pack_id)


def _claimed(delivery: Delivery) -> str:
    return delivery.claim.pack_id if delivery.claim else ""


def _unknown(delivery: Delivery, reason: str) -> Outcome:
    return Outcome(delivery.delivery_id, State.UNKNOWN, reason, _claimed(delivery) or None)


def _held_back(delivery: Delivery, connector: Connector, now: datetime) -> Outcome | None:
    """A delivery that may have left before, and is not sent again."""
    declaration = connector.declaration
    if delivery.claim is None:
        return None
    if declaration.unknown == "hold" and not connector.is_state(delivery):
        return _unknown(delivery, "an earlier run claimed it and left no outcome")
    age, window = now - delivery.claim.claimed_at, declaration.window_seconds
    if declaration.unknown == "resend_same_key" and window is not None and age < -_SKEW:
        return _unknown(delivery, "claimed at a time that is still to come: its age is not known")
    if declaration.unknown == "resend_same_key" and window is not None and age > timedelta(seconds=window):
        return _unknown(delivery, "claimed longer ago than the destination remembers keys")
    return None


def _oversize(delivery: Delivery, size: int, group: str, connector: Connector) -> str | None:
    limits = connector.declaration.limits
    if limits.max_item_bytes is not None and size > limits.max_item_bytes:
        return f"oversize: {size} bytes, {limits.max_item_bytes} at most"
    if limits.max_bytes is not None:
        whole = size + connector.envelope(group, delivery)
        if whole > limits.max_bytes:
            return f"oversize: {whole} bytes alone in a request, {limits.max_bytes} at most"
    return None
