"""What every connector is: a declaration as data, and one way to hand over a pack."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from personalake.activation.answers import Answer, NotYet
from personalake.activation.delivery import Delivery, Pack
from personalake.config.connections.base import Bounds, Deduplication, Patience, Rate, UnknownPolicy

# What code raises that meets another shape than it expects, in a payload or in a reply.
MISSHAPEN = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
# Of a delivery its size, or what leaves of it, ready made, where measuring it makes it; or why it would never be taken.
Measured = int | bytes | str


@dataclass(frozen=True)
class Limits:
    """What one request holds.

    Args:
        max_items: Items, of all operations together; null if only `max_each` counts.
        max_bytes: Bytes, the envelope included; null if unlimited.
        max_item_bytes: Bytes of one item; null if unlimited.
        max_each: Items of each operation; null if only `max_items` counts.
        separator: Bytes between two items.
        distinct: Whether two items with one key (`Connector.key_of`) must not share a request.
    """

    max_items: int | None
    max_bytes: int | None = None
    max_item_bytes: int | None = None
    max_each: int | None = None
    separator: int = 1
    distinct: bool = False


@dataclass(frozen=True)
class Declaration:
    """What a destination promises, and how it is treated.

    Args:
        kind: Which connector it is.
        limits: What one request holds.
        rates: How much may leave in a time.
        deduplication: What makes a repetition harmless: a key in each item, a key of the request, the nature of the
            operation (the same row twice is one row), or nothing.
        unknown: What is done about a lost reply.
        patience: Time-outs and retries.
        bounds: When sending stops altogether.
        max_in_flight: Requests at the same time.
        chunk_items: Deliveries that are claimed together.
        recheck_seconds: Age at which the last look at consent is too old.
        window_seconds: How long the destination remembers keys; null if for ever.
        guarantee: In one sentence, what can be relied on.
    """

    kind: str
    limits: Limits
    rates: tuple[Rate, ...]
    deduplication: Deduplication
    unknown: UnknownPolicy
    patience: Patience
    bounds: Bounds
    max_in_flight: int
    chunk_items: int
    recheck_seconds: float
    guarantee: str
    window_seconds: float | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether the same request twice has the effect of one."""
        return self.deduplication != "none"


class Connector(Protocol):
    """One destination. Methods that are not `async` are pure."""

    name: str

    @property
    def declaration(self) -> Declaration:
        """Limits, guarantee and policies."""
        ...

    def group_of(self, delivery: Delivery) -> str:
        """Deliveries of different groups never share a request."""
        ...

    def key_of(self, delivery: Delivery) -> str:
        """What two items of one request must not have in common, where the limits say `distinct`."""
        ...

    def size_of(self, delivery: Delivery) -> int:
        """Bytes that the delivery adds to a request."""
        ...

    def measured(self, deliveries: Sequence[Delivery]) -> Sequence[Measured]:
        """Each delivery measured; many at once, since that is asked most often."""
        ...

    @property
    def has_groups(self) -> bool:
        """Whether there are deliveries that must not share a request."""
        ...

    def envelope(self, group: str, first: Delivery) -> int:
        """Bytes of a request of that group around its items."""
        ...

    def problem_of(self, delivery: Delivery) -> str | None:
        """Why the destination would never take this payload, as far as it can be said here."""
        ...

    def is_state(self, delivery: Delivery) -> bool:
        """Whether it sets something that is the same after twice, where the destination as a whole is not repeatable."""
        ...

    async def post(self, pack: Pack) -> Answer:
        """Hand over a pack, once."""
        ...

    async def ask(self, pack: Pack, reference: str) -> Answer | NotYet:
        """The results of a pack that was accepted for later."""
        ...

    async def erase(self, pack: Pack) -> Answer:
        """Ask the destination to forget people; the payload of each delivery is the identifier it knows them by."""
        ...

    async def ask_erasure(self, reference: str) -> Answer | NotYet:
        """What became of an erasure that was taken on; nothing yet, also where nobody can be asked."""
        ...

    @property
    def erasure_limits(self) -> Limits:
        """People in one erasure request."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Measure(Protocol):
    """What says of one delivery how large it is."""

    def problem_of(self, delivery: Delivery) -> str | None:
        """Why the destination would never take this payload."""
        ...

    def size_of(self, delivery: Delivery) -> int:
        """Bytes that the delivery adds to a request."""
        ...


def one_by_one(connector: Measure, deliveries: Sequence[Delivery]) -> list[Measured]:
    """Sizes and problems, for connectors that have no faster way."""
    found: list[Measured] = []
    for delivery in deliveries:
        try:
            problem = connector.problem_of(delivery)
            found.append(connector.size_of(delivery) if problem is None else problem)
        except MISSHAPEN as surprise:
            found.append(misshapen(surprise))
    return found


def misshapen(surprise: Exception) -> str:
    """What is said of a payload that code stumbled over."""
    return f"the payload has a shape that is not understood: {type(surprise).__name__}"
