"""What is handed over to be sent, and what became of it.

What is made once for each request is a named tuple: a frozen data class takes three times as long to make. Nothing but the
delivery itself is made once for each delivery, where many leave together.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, NamedTuple

_id = attrgetter("delivery_id")
_ERASE = "erase"


class State(StrEnum):
    """Where a delivery stands; the last row of `gold.activation_log` says it.

    `pending` has not been taken by anyone and may be sent later. `in_flight` is claimed. `accepted` was taken by the
    destination, `confirmed` was processed there. `rejected` will never be taken as it is. `unknown` left, and its reply
    was lost. `cancelled` was stopped here: consent gone, erased, no longer current.
    """

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"

    # An enumeration's own is computed in Python, each time a member is counted.
    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class Claim:
    """What an earlier run wrote down before it sent, and never followed by an outcome.

    Args:
        pack_id: The request that the delivery was part of; the same request is sent again under the same name.
        claimed_at: When that was.
        doubt: Why it is unknown, as the log says; null if nothing is said of it so far.
    """

    pack_id: str
    claimed_at: datetime
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of `gold.activation_outbox`, ready to leave.

    Args:
        delivery_id: The idempotency key.
        person_id: Whom it is about; deliveries of one person leave in the order in which they are given.
        operation: What is done at the destination, e.g. track.
        payload: The item exactly as it is sent, JSON.
        removal: Whether it takes something away at the destination; counted by the breaker.
        claim: Set when an earlier run may have sent it already: claimed without an outcome, or unknown.
        purposes: What the person must have granted, all of it, when it leaves.
        decision_id: The decision that asked for it, which must still stand; null without one.
        plan_id: The plan that it is part of, which must still stand.
    """

    delivery_id: str
    person_id: str
    operation: str
    payload: str
    removal: bool = False
    claim: Claim | None = None
    purposes: tuple[str, ...] = ()
    decision_id: str | None = None
    plan_id: str | None = None


def object_in(payload: str) -> dict[str, Any] | None:
    """A payload as the JSON object that it should be; null if it is none.

    >>> object_in('{"a": 1}'), object_in("[1]"), object_in("{")
    ({'a': 1}, None, None)
    """
    try:
        found = json.loads(payload)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


class Name(NamedTuple):
    """Whom a destination is asked to forget.

    Args:
        value: How it knows the person.
        label: What kind of name that is there, where one value can be the name of several people; null if nobody knows.
    """

    value: str
    label: str | None = None

    @property
    def operation(self) -> str:
        """What is done at the destination."""
        return _ERASE if self.label is None else f"{_ERASE}/{self.label}"

    @classmethod
    def of(cls, delivery: Delivery) -> "Name":
        """The name in a delivery whose operation is one's own."""
        return cls(delivery.payload, delivery.operation.partition("/")[2] or None)


class Claimed(NamedTuple):
    """A claim to be written down before its request leaves.

    Args:
        delivery_ids: What leaves in the request.
        pack_id: The request.
    """

    delivery_ids: Sequence[str]
    pack_id: str


class Outcome(NamedTuple):
    """What became of deliveries in this run: of all in a request that have the same to tell, or of one.

    Args:
        delivery_ids: The deliveries.
        state: Where they stand now.
        reason: Why, in the destination's words where it said something; without personal data.
        pack_id: The request that they were part of; null if none left.
        reference: The destination's own name for the request or message, for its support and for receipts.
        may_repeat: Whether they were sent again without a key that the destination honours, after a lost reply.
        requests: Requests that left until this was known, each try and each half by itself; told once for all that were
            part of one, on the last of its outcomes.
    """

    delivery_ids: Sequence[str]
    state: State
    reason: str | None = None
    pack_id: str | None = None
    reference: str | None = None
    may_repeat: bool = False
    requests: int = 0


class Pack(NamedTuple):
    """Deliveries that leave in one request or file, in order.

    Args:
        pack_id: Name of the request, the same when it is sent again; sorts in the order of sending.
        group: What its deliveries have in common, e.g. the campaign.
        deliveries: At least one.
        size: Bytes that the deliveries add to the request.
        is_resent: Whether an earlier run may have sent it already.
        keys: What must not be at work in two requests at the same time, where the destination says so.
        items: What the connector made of each delivery when it measured it; empty where it makes them when it sends.
    """

    pack_id: str
    group: str
    deliveries: tuple[Delivery, ...]
    size: int
    is_resent: bool = False
    keys: tuple[str, ...] = ()
    items: Sequence[bytes] = ()

    @property
    def delivery_ids(self) -> Sequence[str]:
        """Ids of its deliveries, in order."""
        deliveries = self.deliveries
        return (deliveries[0].delivery_id,) if len(deliveries) == 1 else tuple(map(_id, deliveries))

    def of(self, places: Sequence[int]) -> "Pack":
        """The same request with some of its deliveries, by their places; of its size their share."""
        deliveries = tuple([self.deliveries[place] for place in places])
        items = [self.items[place] for place in places] if self.items else ()
        size = self.size * len(deliveries) // max(len(self.deliveries), 1)
        return self._replace(deliveries=deliveries, items=items, size=size)
