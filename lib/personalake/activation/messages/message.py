"""One thing to say about one person, before any destination's dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

Value = Any


@dataclass(frozen=True)
class Person:
    """How destinations may know a person; each takes what it knows how to use.

    Args:
        user_id: The source's own key.
        anonymous_id: A key from before the person was known.
        alias: Label and name, as Braze's user_alias.
        braze_id: Braze's own key.
        email: Address.
        phone: Number, E.164.
    """

    user_id: str | None = None
    anonymous_id: str | None = None
    alias: tuple[str, str] | None = None
    braze_id: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True)
class Message:
    """A trait that changed, an event that happened, a group that was joined.

    Args:
        message_id: Unique across destinations; below 100 characters.
        kind: What it is.
        person: Whom it is about.
        occurred_at: When it happened, with a time zone.
        name: Name of the event.
        group_id: Key of the group.
        traits: What is known of the person or group.
        properties: What is known of the event.
        erases_nulls: Whether a null takes a value away at the destination; otherwise nulls are left out.
    """

    message_id: str
    kind: Literal["identify", "track", "group"]
    person: Person
    occurred_at: datetime
    name: str | None = None
    group_id: str | None = None
    traits: Mapping[str, Value] = field(default_factory=dict)
    properties: Mapping[str, Value] = field(default_factory=dict)
    erases_nulls: bool = False

    @property
    def given_traits(self) -> dict[str, Value]:
        """Traits as JSON values, without nulls unless they are meant."""
        return _given(self.traits, self.erases_nulls)

    @property
    def given_properties(self) -> dict[str, Value]:
        """Properties as JSON values, without nulls."""
        return _given(self.properties, False)


@dataclass(frozen=True)
class Item:
    """One item of a request, as it goes into the outbox."""

    operation: str
    payload: Mapping[str, Value]


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond.

    >>> instant(datetime(2017, 12, 1, tzinfo=UTC))
    '2017-12-01T00:00:00.000Z'
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone cannot be sent")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_value(value: Value) -> Value:
    """A value as JSON has it: times and days as ISO 8601, decimals as numbers.

    >>> json_value([Decimal("2.50"), date(2017, 12, 1)])
    [2.5, '2017-12-01']
    """
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, Mapping):
        return {str(key): json_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(inner) for inner in value]
    return value


def _given(values: Mapping[str, Value], keeps_nulls: bool) -> dict[str, Value]:
    return {key: json_value(value) for key, value in values.items() if keeps_nulls or value is not None}
