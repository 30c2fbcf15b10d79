"""Requests that fill up: many at once where that fits more in, slice by slice where one needs not look at each delivery."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice, repeat
from operator import attrgetter
from typing import cast

from xxhash import xxh3_64_hexdigest

from personalake.activation.contract import Connector, Limits, Measured
from personalake.activation.delivery import Delivery, Pack

# Requests that are filled at the same time: with one, items of a fifteenth of a request waste three per cent of it.
_OPEN = 8
_OPEN_GROUPS = 64
# A request is full from here on: looking for what still fits in costs more than half a per cent of a request is worth.
_FULL = 0.995
_id, _claim, _person = attrgetter("delivery_id"), attrgetter("claim"), attrgetter("person_id")


@dataclass(slots=True)
class _Filling:
    """A request that still takes deliveries."""

    number: int
    group: str
    envelope: int
    deliveries: list[Delivery] = field(default_factory=list)
    items: list[bytes] = field(default_factory=list)
    size: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)
    # Who is in it, of the first so many deliveries: large files are filled without anybody asking.
    _people: set[str] = field(default_factory=set)
    _seen: int = 0

    def put(self, delivery: Delivery, size: int, key: str, item: bytes | None, limits: Limits) -> None:
        """Take a delivery in."""
        self.size += size + limits.separator if self.deliveries else size
        self.deliveries.append(delivery)
        if item is not None:
            self.items.append(item)
        if limits.max_each is not None:
            self.counts[delivery.operation] += 1
        if key:
            self.keys.add(key)

    def holds(self, person_id: str) -> bool:
        """Whether there is a delivery of that person in it."""
        if self._seen < len(self.deliveries):
            self._people.update(map(_person, islice(self.deliveries, self._seen, None)))
            self._seen = len(self.deliveries)
        return person_id in self._people

    def takes(self, delivery: Delivery, size: int, limits: Limits) -> bool:
        """Whether a delivery fits in."""
        if limits.max_items is not None and len(self.deliveries) >= limits.max_items:
            return False
        if limits.max_each is not None and self.counts[delivery.operation] >= limits.max_each:
            return False
        return limits.max_bytes is None or self.envelope + self.size + limits.separator + size <= limits.max_bytes


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

    def add(self, delivery: Delivery, size: int, group: str, key: str, item: bytes | None = None) -> Sequence[Pack]:
        """Put a delivery into a request; the requests that are ready by that, mostly none."""
        if self._limits.max_items == 1:
            return (self._alone(delivery, size, () if item is None else (item,), group),)
        ready: Sequence[Pack] = ()
        place = self._place(delivery, size, group, key)
        if place is None:
            ready = self._make_room(group)
            self._number += 1
            place = _Filling(self._number, group, self._connector.envelope(group, delivery))
            self._open.append(place)
        place.put(delivery, size, key, item, self._limits)
        self._held += 1
        if self._held > self._max_held or self._is_full(self._open[0]):
            ready = [*ready, *self._overdue()]
        return ready

    def add_all(self, deliveries: Sequence[Delivery], measured: Sequence[Measured]) -> Sequence[Pack] | None:
        """Put many deliveries into requests, as one by one would; null, and nothing is done, if one has to look at each.

        So it is where any of them is claimed or has a problem, and where the open request gets full.
        """
        limits, kinds = self._limits, set(map(type, measured))
        if any(map(_claim, deliveries)) or len(kinds) != 1 or str in kinds:
            return None
        items = cast(Sequence[bytes], measured if bytes in kinds else ())
        sizes = list(map(len, items)) if items else cast(Sequence[int], measured)
        envelope, largest = self._connector.envelope("", deliveries[0]), max(sizes)
        if limits.max_item_bytes is not None and largest > limits.max_item_bytes:
            return None
        if limits.max_items == 1 and (limits.max_bytes is None or envelope + largest <= limits.max_bytes):
            return self._each_alone(deliveries, sizes, items)
        if self._is_filled(deliveries, items, sum(sizes), envelope):
            return ()
        return self._by_number(deliveries, items, sizes, envelope) if self._only_number_counts(envelope, largest) else None

    def _is_filled(self, deliveries: Sequence[Delivery], items: Sequence[bytes], size: int, envelope: int) -> bool:
        """Put all of them into the only open request, if it then has room left."""
        limits, rows = self._limits, len(deliveries)
        if len(self._open) > 1 or self._held + rows > self._max_held:
            return False
        place = self._open[0] if self._open else _Filling(self._number + 1, "", envelope)
        size += limits.separator * (rows if place.deliveries else rows - 1)
        if limits.max_items is not None and len(place.deliveries) + rows >= limits.max_items:
            return False
        if limits.max_bytes is not None and place.envelope + place.size + size > _FULL * limits.max_bytes:
            return False
        if not self._open:
            self._number += 1
            self._open.append(place)
        place.size += size
        place.deliveries += deliveries
        place.items += items
        self._held += rows
        return True

    def _only_number_counts(self, envelope: int, largest: int) -> bool:
        """Whether requests of deliveries up to that size, the open one too, are full by number before they are by bytes."""
        limits, place = self._limits, self._open[0] if self._open else None
        if limits.max_items is None or len(self._open) > 1 or limits.max_items > self._max_held:
            return False
        room = limits.max_items - (len(place.deliveries) if place else 0)
        taken = max(envelope + limits.max_items * (largest + limits.separator), self._taken(place, room, largest))
        return limits.max_bytes is None or taken <= _FULL * limits.max_bytes

    def _taken(self, place: _Filling | None, room: int, largest: int) -> int:
        """Bytes of a request once so many more of that size are in it."""
        return place.envelope + place.size + room * (largest + self._limits.separator) if place else 0

    def _by_number(
        self, deliveries: Sequence[Delivery], items: Sequence[bytes], sizes: Sequence[int], envelope: int
    ) -> list[Pack]:
        """Put all of them into one request after another, each of as many as one may have; those that are full."""
        ready, begin, separator = [], 0, self._limits.separator
        most = cast(int, self._limits.max_items)
        while begin < len(deliveries):
            if not self._open:
                self._number += 1
                self._open.append(_Filling(self._number, "", envelope))
            place = self._open[0]
            some = slice(begin, begin + most - len(place.deliveries))
            count = len(sizes[some])
            place.size += sum(sizes[some]) + separator * (count if place.deliveries else count - 1)
            place.deliveries += deliveries[some]
            place.items += items[some]
            self._held += count
            begin += count
            if len(place.deliveries) == most:
                ready.append(self._close())
        return ready

    def _overdue(self) -> Iterator[Pack]:
        while self._open and (self._is_full(self._open[0]) or self._held > self._max_held):
            yield self._close()

    def _alone(self, delivery: Delivery, size: int, items: Sequence[bytes], group: str) -> Pack:
        self._number += 1
        name = f"{self._stamp}-{self._number:06d}-{_hashed(delivery.delivery_id)}"
        return Pack(name, group, (delivery,), size, delivery.claim is not None, (), items)

    def _each_alone(self, deliveries: Sequence[Delivery], sizes: Sequence[int], items: Sequence[bytes]) -> list[Pack]:
        """The same of many that nobody has claimed, of no group."""
        first = self._number + 1
        self._number += len(deliveries)
        ready = zip(items, strict=True) if items else repeat(())
        return [
            Pack(f"{self._stamp}-{number:06d}-{_hashed(one.delivery_id)}", "", (one,), size, False, (), item)
            for number, one, size, item in zip(count(first), deliveries, sizes, ready, strict=False)
        ]

    def rest(self) -> Iterator[Pack]:
        """What is still open."""
        while self._open:
            yield self._close()

    def _place(self, delivery: Delivery, size: int, group: str, key: str) -> _Filling | None:
        found: _Filling | None = None
        limits, person, oldest = self._limits, delivery.person_id, self._open[0] if self._open else None
        for filling in reversed(self._open):
            is_taken = key != "" and key in filling.keys
            if filling.group == group and not is_taken and filling.takes(delivery, size, limits):
                found = filling
            if is_taken or (filling is not oldest and filling.holds(person)):
                break
        return found

    def _is_full(self, filling: _Filling) -> bool:
        limits = self._limits
        if limits.max_items is not None and len(filling.deliveries) >= limits.max_items:
            return True
        return limits.max_bytes is not None and filling.envelope + filling.size >= _FULL * limits.max_bytes

    def _make_room(self, group: str) -> list[Pack]:
        closed = []
        same = sum(filling.group == group for filling in self._open)
        while self._open and (same >= _OPEN or len(self._open) >= _OPEN_GROUPS):
            same -= self._open[0].group == group
            closed.append(self._close())
        return closed

    def _close(self) -> Pack:
        filling = self._open.popleft()
        self._held -= len(filling.deliveries)
        name = f"{self._stamp}-{filling.number:06d}-{_hashed('|'.join(map(_id, filling.deliveries)))}"
        items = filling.items if len(filling.items) == len(filling.deliveries) else ()
        return pack_of(filling.deliveries, filling.group, filling.size, name, filling.keys, items)


def _hashed(text: str) -> str:
    return xxh3_64_hexdigest(text.encode())[:12]


def pack_of(
    deliveries: list[Delivery],
    group: str,
    size: int,
    pack_id: str,
    keys: Iterable[str] = (),
    items: Sequence[bytes] = (),
) -> Pack:
    """A request of some deliveries, by its name."""
    return Pack(pack_id, group, tuple(deliveries), size, any(map(_claim, deliveries)), tuple(keys), items)


def part_of(pack: Pack, number: int, places: Sequence[int]) -> Pack:
    """A part of a request that is sent by itself; its name is of the people in it, as the request's own is.

    Args:
        pack: The request.
        number: Which of its parts.
        places: Places of its deliveries.
    """
    part = pack.of(places)
    name = f"{pack.pack_id}.{number}{_hashed('|'.join(part.delivery_ids))}"
    return part._replace(pack_id=name)
