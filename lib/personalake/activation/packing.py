"""Deliveries into requests, as they come: within all limits, well filled, in order for each person."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from personalake.activation.contract import MISSHAPEN, Connector, Limits, Measured, misshapen
from personalake.activation.delivery import Delivery, Outcome, Pack, State
from personalake.activation.kept_back import is_left_out
from personalake.activation.packer import Packer, pack_of
from personalake.activation.reasons import told

_SLICE = 100
# By so much the clocks of two machines may differ; a claim beyond it was made under a clock that has jumped.
_SKEW = timedelta(minutes=5)


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
        self._limits = connector.declaration.limits
        # Whether nothing but the number and size of deliveries says which request they go into.
        self._is_plain = not connector.has_groups and not self._limits.distinct and self._limits.max_each is None

    def add(self, deliveries: Sequence[Delivery]) -> Iterator[Pack | Outcome]:
        """The requests that are ready by these deliveries, and outcomes of those that leave in none."""
        measured = self._connector.measured(deliveries)
        if self._is_plain and not self._again.held and (ready := self._packer.add_all(deliveries, measured)) is not None:
            yield from ready
            return
        for delivery, measure in zip(deliveries, measured, strict=True):
            found = self._looked_at(delivery, measure)
            if isinstance(found, Outcome):
                yield found
            elif delivery.claim is not None and self._is_by_request:
                yield from self._again.add(delivery, found[0])
            else:
                if self._again.held:
                    yield from self._again.rest()
                item = measure if isinstance(measure, bytes) else None
                if ready := self._packer.add(delivery, *found, item):
                    yield from ready

    def _looked_at(self, delivery: Delivery, measure: Measured) -> Outcome | tuple[int, str, str]:
        """Size, group and key of a delivery, or its outcome if it leaves in no request."""
        connector, limits = self._connector, self._limits
        held = None if delivery.claim is None else held_back(delivery, connector, self._now)
        if held is not None:
            return held
        try:
            if isinstance(measure, str):
                problem: str | None = measure
            else:
                size = measure if isinstance(measure, int) else len(measure)
                group = connector.group_of(delivery)
                problem = _oversize(delivery, size, group, connector, limits)
                if problem is None:
                    return size, group, connector.key_of(delivery) if limits.distinct else ""
        except MISSHAPEN as surprise:
            problem = misshapen(surprise)
        return Outcome((delivery.delivery_id,), State.REJECTED, told(problem or "", delivery.payload))

    def rest(self) -> Iterator[Pack | Outcome]:
        """The requests that are left."""
        yield from self._again.rest()
        yield from self._packer.rest()


def packed(deliveries: Iterable[Delivery], connector: Connector, now: datetime) -> Iterator[Pack | Outcome]:
    """All requests of some deliveries (see `Packing`)."""
    packing = Packing(connector, now)
    source = iter(deliveries)
    while some := list(islice(source, _SLICE)):
        yield from packing.add(some)
    yield from packing.rest()


class _Again:
    """Makes requests of an earlier run again, each as it was."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self.held: list[tuple[Delivery, int]] = []
        self._done: set[str] = set()

    def add(self, delivery: Delivery, size: int) -> Iterator[Pack | Outcome]:
        pack_id = _claimed(delivery)
        if pack_id in self._done:
            yield _unknown(delivery, "its request was sent again without it: claims of one request must come together")
            return
        if self.held and _claimed(self.held[0][0]) != pack_id:
            yield from self.rest()
        self.held.append((delivery, size))

    def rest(self) -> Iterator[Pack]:
        if self.held:
            deliveries = [delivery for delivery, _ in self.held]
            size = sum(size for _, size in self.held) + self._connector.declaration.limits.separator * (len(deliveries) - 1)
            pack_id = _claimed(deliveries[0])
            self._done.add(pack_id)
            self.held = []
            yield pack_of(deliveries, self._connector.group_of(deliveries[0]), size, pack_id)


def _claimed(delivery: Delivery) -> str:
    return delivery.claim.pack_id if delivery.claim else ""


def _unknown(delivery: Delivery, reason: str) -> Outcome:
    return Outcome((delivery.delivery_id,), State.UNKNOWN, reason, _claimed(delivery) or None)


def held_back(delivery: Delivery, connector: Connector, now: datetime) -> Outcome | None:
    """What is said of a delivery that may have left before, and is not sent again; null if it is.

    Args:
        delivery: Claimed by an earlier run.
        connector: Where it goes.
        now: The end of the destination's memory for keys.
    """
    declaration = connector.declaration
    if delivery.claim is None:
        return None
    if declaration.unknown == "hold" and not connector.is_state(delivery):
        return _unknown(delivery, "an earlier run claimed it and left no outcome")
    if declaration.deduplication == "request_key" and is_left_out(delivery.claim):
        return _unknown(delivery, "its request left again without it, and would not be taken a second time")
    age, window = now - delivery.claim.claimed_at, declaration.window_seconds
    if declaration.unknown == "resend_same_key" and window is not None and age < -_SKEW:
        return _unknown(delivery, "claimed at a time that is still to come: its age is not known")
    if declaration.unknown == "resend_same_key" and window is not None and age > timedelta(seconds=window):
        return _unknown(delivery, "claimed longer ago than the destination remembers keys")
    return None


def _oversize(delivery: Delivery, size: int, group: str, connector: Connector, limits: Limits) -> str | None:
    if limits.max_item_bytes is not None and size > limits.max_item_bytes:
        return f"oversize: {size} bytes, {limits.max_item_bytes} at most"
    if limits.max_bytes is not None:
        whole = size + connector.envelope(group, delivery)
        if whole > limits.max_bytes:
            return f"oversize: {whole} bytes alone in a request, {limits.max_bytes} at most"
    return None
