"""What one delivery looks like in each destination's words: the body that is kept in step, and all that stands around it.

Only the body is compared from plan to plan. Times and message ids stand around it, since they differ each time.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column

from personalake.activation.payloads import instant
from personalake.activation.syncs.bodies import body_of
from personalake.activation.syncs.dialects import KINDS, flat
from personalake.activation.syncs.values import object_of
from personalake.activation.syncs.words import Words, beside_of
from personalake.config.audience_kinds import keys_of, kind_of, takes_fields_only
from personalake.config.audiences import Sync
from personalake.config.connections import Connection
from personalake.config.connections.files import FilesConnection

_SHAPING = (
    "event", "group", "purchase", "campaign_id", "subscription_group_id", "template_id", "channel", "membership",
)  # fmt: skip
# What shapes deliveries only where it is said: syncs that never say it keep their marks.
_SHAPING_IF_SAID = ("alias_label", "anonymous_key", "integrations")


@dataclass(frozen=True)
class Shape:
    """One kind's deliveries.

    Args:
        operation: What is done there.
        body: Mapped fields to the body; JSON.
        payload: Of a person who is added or changed, from the columns `key`, `body`, `beside`, `message_id` and `change`.
        removal: Of a person who left, from `key` and `message_id`; null where nothing is ever taken away.
        mark: Differs where anything else differs that shapes deliveries.
        beside: What stands beside the body without being compared, as members of JSON: other keys, the time of an order.
        more_keys: Fields that are part of the key.
    """

    operation: str
    body: Callable[[Mapping[str, Column]], Column]
    payload: Column
    removal: Column | None
    mark: str
    beside: Callable[[Mapping[str, Column]], Column]
    more_keys: tuple[str, ...] = ()


def shape_of(name: str, sync: Sync, connection: Connection, as_of: date) -> Shape:
    """The shape of a sync's deliveries.

    Args:
        name: Name of the sync.
        sync: Its settings.
        connection: Where it goes.
        as_of: Midnight of this day is every delivery's time, but for orders.
    """
    kind = "file" if isinstance(connection, FilesConnection) else kind_of(connection)
    words = Words(name, sync, kind, connection, instant(as_of))
    operation, payload, removal = KINDS.get(kind, flat)(words)
    made = body_of(kind, sync)
    more_keys = keys_of(connection)[1:]
    if kind == "sfmc_rowset" and more_keys:
        made = _without(more_keys)
    told = sync.model_dump_json(include={*_SHAPING})
    told += "".join(f"{name}={getattr(sync, name)!r}" for name in _SHAPING_IF_SAID if getattr(sync, name) is not None)
    told += words.visitor_beginning or ""
    told += "fields" if takes_fields_only(connection) else ""
    mark = hashlib.sha256("|".join((kind, operation, words.key_field, told)).encode()).hexdigest()[:16]
    return Shape(
        operation, lambda fields: made(sync, fields, sync.nulls == "erase"), payload, removal, mark,
        lambda values: beside_of(words, values), more_keys,
    )  # fmt: skip


def _without(keys: tuple[str, ...]) -> Callable[[Sync, Mapping[str, Column], bool], Column]:
    return lambda sync, fields, erases: object_of({n: v for n, v in fields.items() if n not in keys}, erases)
