"""A sync in the words that the shapes of all kinds are made from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.syncs.values import inner, joined, object_of, pair, tree_of
from personalake.config.audience_kinds import BRAZE_STATES, NESTING, SEGMENT_CONTEXT, key_field_of, keys_of, updates_only
from personalake.config.audiences import Sync
from personalake.config.connections import Connection
from personalake.config.connections.tealium import TealiumConnection

# What each kind calls the time at which something happened.
_TIMES = {"segment": "timestamp", "braze_track": "time", "tealium": "event_timestamp", "webhook": "timestamp"}


@dataclass(frozen=True)
class Words:
    """What the shapes of all kinds are made from.

    Args:
        name: Name of the sync.
        sync: Its settings.
        kind: Kind of the connection.
        connection: Where it goes.
        at: When everything of the plan is said to have happened.
    """

    name: str
    sync: Sync
    kind: str
    connection: Connection
    at: str

    @property
    def key_field(self) -> str:
        """What the destination calls the key."""
        return self.sync.key_field or key_field_of(self.connection)

    @property
    def visitor_beginning(self) -> str | None:
        """What stands before a key that Tealium knows a visitor by; null elsewhere, and where keys are sent as they are."""
        own = self.connection if isinstance(self.connection, TealiumConnection) else None
        return None if own is None or self.key_field != own.visitor_attribute else own.visitor_beginning

    @property
    def updates_only(self) -> bool:
        """Whether the destination is told to leave those alone whom it does not know."""
        return self.sync.mode == "update" and updates_only(self.connection)

    @property
    def time(self) -> Column:
        """When it happened: at the as-of; of an order, when it was placed, which stands in `beside`."""
        if self.sync.audience.orders is not None:
            return F.lit(None).cast("string")
        return pair(_TIMES[self.kind], self.at)

    @property
    def member(self) -> Column | None:
        """That the person is in the audience."""
        return None if self.sync.membership is None else pair(self.sync.membership, True)

    @property
    def left(self) -> Column | None:
        """That the person is not in the audience any more."""
        return None if self.sync.membership is None else pair(self.sync.membership, False)

    @property
    def taken_away(self) -> Column:
        """What a removal says of the fields: mirrored, each is null; archived, none is named."""
        mirrored = self.sync.fields if self.sync.mode == "mirror" else ()
        names = dict.fromkeys(name for name in mirrored if name not in BRAZE_STATES and not self._surrounds(name))
        if self.kind == "braze_track":
            # Braze takes an object away as a whole, and no null within one.
            nulls: Mapping[str, Any] = dict.fromkeys(name.partition(".")[0] for name in names)
        else:
            nulls = tree_of(names) if self.kind in NESTING else names
        return joined(inner(F.lit(json.dumps(nulls, separators=(",", ":")))), self.left)

    def _surrounds(self, name: str) -> bool:
        """Whether a field is about the call, and nothing that a person has."""
        return self.kind == "segment" and name.startswith(SEGMENT_CONTEXT)

    @property
    def given(self) -> Column:
        """The body with the membership."""
        return joined(inner(F.col("body")), self.member)

    @property
    def beside(self) -> Column:
        """What stands beside the body and is not compared, as members; see `beside_of`."""
        return F.col("beside")


def beside_of(words: Words, values: Mapping[str, Column]) -> Column:
    """What stands beside the body; null where nothing does.

    Args:
        words: The sync, and where it goes.
        values: Each value that leaves, by where the sync says it (`key`, `anonymous_key`, `fields.…`).
    """
    members: dict[str, Column] = {}
    if words.kind == "segment" and words.sync.anonymous_key is not None:
        members |= {"userId": values["key"], "anonymousId": values["anonymous_key"]}
    if words.kind == "sfmc_rowset":
        members |= {name: values[f"fields.{name}"] for name in keys_of(words.connection)[1:]}
    if words.sync.audience.orders is not None and words.kind in _TIMES:
        members[_TIMES[words.kind]] = F.col("occurred_at")
    return inner(object_of(members))
