"""Requests by the chunk that is claimed together, made beside the sending of earlier ones."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import islice

from personalake.activation.delivery import Delivery, Outcome, Pack
from personalake.activation.packing import Packing

# Deliveries are read in a thread, since that may wait for a disk, and packed in the loop, slice by slice: a thread that
# packs would keep the loop from the interpreter for milliseconds at a time.
_READ, _SLICE = 1_000, 100
Chunk = list[Pack | Outcome]


async def chunks(deliveries: Iterable[Delivery], packing: Packing, max_items: Callable[[], int]) -> AsyncIterator[Chunk]:
    """Runs of requests and outcomes of at most so many deliveries, one request at least.

    Args:
        deliveries: Read as needed.
        packing: Makes requests of them.
        max_items: Deliveries in a chunk, as it is wanted by now.
    """
    filling = _Filling(max_items)
    source = iter(deliveries)
    while some := await asyncio.to_thread(_read, source, min(_READ, max_items())):
        for place in range(0, len(some), _SLICE):
            await asyncio.sleep(0)
            for part in packing.add(some[place : place + _SLICE]):
                if full := filling.add(part):
                    yield full
    for part in packing.rest():
        if full := filling.add(part):
            yield full
    if filling.chunk:
        yield filling.chunk


def _read(source: Iterator[Delivery], count: int) -> list[Delivery]:
    return list(islice(source, count))


class _Filling:
    """A chunk that grows."""

    def __init__(self, max_items: Callable[[], int]) -> None:
        self.chunk: Chunk = []
        self._max_items = max_items
        self._held = 0

    def add(self, part: Pack | Outcome) -> Chunk | None:
        """Put a part in; the chunk before, if it did not fit any more."""
        count = len(part.deliveries) if isinstance(part, Pack) else 1
        full = None
        if self.chunk and self._held + count > self._max_items():
            full, self.chunk, self._held = self.chunk, [], 0
        self.chunk.append(part)
        self._held += count
        return full
