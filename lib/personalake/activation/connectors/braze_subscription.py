"""Braze's `/v2/subscription/status/set`: who is in a subscription group."""

import json
from collections import defaultdict
from typing import Any

from personalake.activation.answers import Answer, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import Resolve, declared
from personalake.activation.connectors.braze import Braze, is_e164, succeeded
from personalake.activation.contract import Limits
from personalake.activation.delivery import Delivery, Pack, State
from personalake.activation.transport import Reply, Request
from personalake.config.connections.braze import BrazeSubscriptionConnection

_LISTS = {"external_id": "external_ids", "email": "emails", "phone": "phones"}
_STATES = ("subscribed", "unsubscribed")


class BrazeSubscription(Braze):
    """The payload has `subscription_group_id`, `subscription_state`, and one of external_id, email, phone."""

    def __init__(self, name: str, connection: BrazeSubscriptionConnection, clock: Clock, resolve: Resolve) -> None:
        limits = Limits(connection.max_items, connection.max_bytes, connection.max_item_bytes, distinct=True)
        super().__init__(name, connection, declared(connection, limits=limits), clock, resolve)

    def group_of(self, delivery: Delivery) -> str:
        """Addresses of different kinds never share a request."""
        return _kind(self.parsed(delivery))

    def key_of(self, delivery: Delivery) -> str:
        """One person is set in one group once in a request."""
        payload = self.parsed(delivery)
        return f"{payload['subscription_group_id']}/{payload[_kind(payload)]}"

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """A group, a state, and one way to find the person."""
        if not payload.get("subscription_group_id"):
            return "subscription_group_id is missing"
        if payload.get("subscription_state") not in _STATES:
            return f"subscription_state is not one of {', '.join(_STATES)}"
        found = [key for key in _LISTS if payload.get(key)]
        if len(found) != 1:
            return "exactly one of external_id, email, phone is needed"
        if found == ["phone"] and not is_e164(payload["phone"]):
            return "phone is not in E.164 form"
        return None

    def request(self, pack: Pack) -> Request:
        """One entry for each group and state."""
        entries: dict[tuple[str, str], list[str]] = defaultdict(list)
        for delivery in pack.deliveries:
            payload = self.parsed(delivery)
            entry = (payload["subscription_group_id"], payload["subscription_state"])
            entries[entry].append(payload[pack.group])
        groups = [
            {"subscription_group_id": group, "subscription_state": state, _LISTS[pack.group]: people}
            for (group, state), people in entries.items()
        ]
        return self.to("/v2/subscription/status/set", json.dumps({"subscription_groups": groups}).encode())

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """Done when it is answered."""
        answer = succeeded(reply)
        return Taken(State.CONFIRMED) if isinstance(answer, Taken) else answer


def _kind(payload: dict[str, Any]) -> str:
    return next(key for key in _LISTS if payload.get(key))
