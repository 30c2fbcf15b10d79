"""Packing items into requests or files within a destination's limits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one request or file can hold.

    Args:
        max_items: Items.
        max_bytes: Bytes, the envelope included.
        envelope: Bytes around the items.
        separator: Bytes between two items.
    """

    max_items: int
    max_bytes: int
    envelope: int = 0
    separator: int = 1


def pack(sizes: Iterable[int], limits: Limits) -> Iterator[range]:
    """Cut a sequence of items into packs, in order: each takes as many as fit.

    Args:
        sizes: Bytes of each item; an item that fits into no pack should have been refused before.
        limits: What a pack can hold.

    Yields:
        Places of the items of one pack.

    Raises:
        ValueError: If an item alone is beyond the limits.

    >>> list(pack([3, 3, 3], Limits(max_items=10, max_bytes=7)))
    [range(0, 2), range(2, 3)]
    """
    start, end, held = 0, 0, limits.envelope
    for place, size in enumerate(sizes):
        if limits.envelope + size > limits.max_bytes:
            raise ValueError(f"item {place} has {size} bytes; a pack holds {limits.max_bytes - limits.envelope}")
        grown = held + size + (limits.separator if place > start else 0)
        if place > start and (grown > limits.max_bytes or place - start == limits.max_items):
            yield range(start, place)
            start, grown = place, limits.envelope + size
        end, held = place + 1, grown
    if end > start:
        yield range(start, end)
