"""Braze's `/users/track`: attributes of a person, and the decision as a custom event."""

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.payloads import instant, properties

_KEYS = {"attributes": "attributes", "event": "events"}


def operations(traits: Sequence[str], as_of: date) -> Mapping[str, Column]:
    """Payloads of the items of one decision: `attributes` (if there are traits), then `event`.

    Args:
        traits: Profile columns that are sent along.
        as_of: Midnight of this day is the event's time.
    """
    person = F.col("external_id")
    event = F.struct(
        person.alias("external_id"),
        F.col("action").alias("name"),
        F.lit(instant(as_of)).alias("time"),
        properties().alias("properties"),
    )
    attributes = {"attributes": F.to_json(F.struct(person.alias("external_id"), *traits))} if traits else {}
    return {**attributes, "event": F.to_json(event)}


def body(items: Sequence[tuple[str, str]]) -> str:
    """One request from pairs of operation and payload; attributes and events keep their order."""
    lists = [
        f'"{key}":[{",".join(payload for kind, payload in items if kind == operation)}]' for operation, key in _KEYS.items()
    ]
    return f"{{{','.join(lists)}}}"
