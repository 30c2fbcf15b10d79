"""Braze's `/users/track`: attributes, events and purchases."""

from collections import defaultdict
from typing import Any

from personalake.activation.answers import Answer, Lost, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import Resolve, declared
from personalake.activation.connectors.braze import Braze, is_e164, succeeded
from personalake.activation.connectors.braze_objects import PROFILE, misspelt, of_attributes
from personalake.activation.contract import Limits
from personalake.activation.delivery import Delivery, Pack
from personalake.activation.transport import Reply, Request
from personalake.config.audience_kinds import BRAZE_CHANGES
from personalake.config.connections.braze import BrazeTrackConnection

LISTS = {"attributes": "attributes", "event": "events", "purchase": "purchases"}
# Of these, Braze takes one at a time; an address or a number may stand beside it, and is an attribute then.
_IDS = ("external_id", "user_alias", "braze_id")
IDENTIFIERS = ("external_id", "user_alias", "braze_id", "email", "phone")
# People with one of these have a profile to which their devices belong.
_KNOWN = ("external_id", "braze_id")
# What else is looked at in the attributes of somebody with an external_id.
_RULED = PROFILE | {"user_alias", "braze_id"}
_ALIAS = ("alias_name", "alias_label")
_ENVELOPE = len('{"attributes":[],"events":[],"purchases":[]}')
_NEEDS = {"attributes": (), "event": ("name", "time"), "purchase": ("product_id", "currency", "price", "time")}


class BrazeTrack(Braze):
    """Attributes are states and may be repeated; events and purchases are not de-duplicated there."""

    def __init__(self, name: str, connection: BrazeTrackConnection, clock: Clock, resolve: Resolve) -> None:
        declaration = declared(connection, limits=_limits(connection))
        super().__init__(name, connection, declaration, clock, resolve)

    def envelope(self, group: str, first: Delivery) -> int:
        """The three lists."""
        return _ENVELOPE

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """One identifier, and what the kind of item needs."""
        if operation == "attributes" and payload.get("external_id") and _RULED.isdisjoint(payload):
            # Nothing but the company's own attributes, as in most items.
            return of_attributes(payload)
        if operation not in LISTS:
            return f"operation is not one of {', '.join(LISTS)}"
        who = next((key for key in IDENTIFIERS if payload.get(key)), None)
        if who is None:
            return f"none of {', '.join(IDENTIFIERS)} is there"
        told = [key for key in _IDS if payload.get(key)]
        if len(told) > 1:
            return f"{' and '.join(told)} are there: Braze takes one of them"
        if who == "user_alias" and not _is_alias(payload["user_alias"]):
            return "user_alias needs alias_name and alias_label"
        if who == "phone" and not is_e164(payload["phone"]):
            return "phone is not in E.164 form, and nothing else says who is meant"
        if payload.get("push_token_import") is True and (who in _KNOWN or not payload.get("push_tokens")):
            return f"push_token_import needs push_tokens, and is for people without {' and '.join(_KNOWN)}"
        missing = [key for key in _NEEDS[operation] if payload.get(key) in (None, "")]
        return f"{', '.join(missing)} is missing" if missing else misspelt(operation, payload)

    def is_state(self, delivery: Delivery) -> bool:
        """Attributes are, unless one is counted up or a list is added to."""
        if delivery.operation != "attributes":
            return False
        values = self.parsed(delivery).values()
        return not any(isinstance(value, dict) and not BRAZE_CHANGES.isdisjoint(value) for value in values)

    def request(self, pack: Pack) -> Request:
        """Lists that are not empty, each in order."""
        return self.to("/users/track", body([(delivery.operation, delivery.payload) for delivery in pack.deliveries]))

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """A success may have errors: items by list and index that were not taken."""
        errors = reply.json().get("errors") or [] if 200 <= reply.status < 300 else []
        refused = _refused(pack, errors) if errors else {}
        answer = succeeded(reply)
        if not isinstance(answer, Refused) or not errors:
            return answer
        if len(refused) == len(errors):
            return Taken(refused=refused)
        if len(pack.deliveries) == 1 or all(map(self.is_state, pack.deliveries)):
            return answer  # attributes may be sent again, in halves
        return Lost(answer.reason)


def _is_alias(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) and value[key] for key in _ALIAS)


def _limits(connection: BrazeTrackConnection) -> Limits:
    each = connection.batch_rule == "each75"
    count = 50 if connection.batch_rule == "combined50" else 75
    return Limits(
        max_items=None if each else connection.max_items or count,
        max_bytes=connection.max_bytes,
        max_item_bytes=connection.max_item_bytes,
        max_each=connection.max_items or count if each else None,
    )


def body(items: list[tuple[str, str]]) -> bytes:
    """One request out of operations and payloads.

    >>> body([("event", '{"name":"a"}'), ("attributes", '{"x":1}'), ("event", '{"name":"b"}')])
    b'{"attributes":[{"x":1}],"events":[{"name":"a"},{"name":"b"}]}'
    """
    lists = defaultdict(list)
    for operation, payload in items:
        lists[LISTS[operation]].append(payload)
    parts = [f'"{name}":[{_joined(lists[name])}]' for name in LISTS.values() if lists[name]]
    return f"{{{_joined(parts)}}}".encode()


def _joined(parts: list[str]) -> str:
    return ",".join(parts)


def _refused(pack: Pack, errors: list[Any]) -> dict[int, str]:
    """Reasons by place in the pack; Braze counts in each list by itself."""
    places = defaultdict(list)
    for place, delivery in enumerate(pack.deliveries):
        places[LISTS[delivery.operation]].append(place)
    refused = {}
    for error in errors:
        if isinstance(error, dict) and isinstance(error.get("index"), int):
            of_list = places[str(error.get("input_array"))]
            if 0 <= error["index"] < len(of_list):
                refused[of_list[error["index"]]] = str(error.get("type", "refused"))
    return refused
