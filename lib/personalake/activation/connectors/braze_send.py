"""Braze's `/campaigns/trigger/send`: an API-triggered campaign to named people."""

import json
from typing import Any

from personalake.activation.answers import Answer, Lost, Refused
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import Resolve, declared
from personalake.activation.connectors.braze import Braze, succeeded
from personalake.activation.contract import Limits
from personalake.activation.delivery import Delivery, Pack
from personalake.activation.transport import Reply, Request
from personalake.config.connections.braze import BrazeSendConnection

_SHARED = ("campaign_id", "send_id", "trigger_properties", "audience", "attachments")
# All that a request to named people may say; `broadcast: true` means everybody, and goes with no names.
_KNOWN = frozenset((*_SHARED, "recipients", "broadcast"))
_MOST_PROPERTY_BYTES = 50_000
_WHO = ("external_user_id", "user_alias", "braze_id", "email")
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class BrazeSend(Braze):
    """The payload is a request to one person: `campaign_id`, `recipients` with one, and what all recipients share."""

    def __init__(self, name: str, connection: BrazeSendConnection, clock: Clock, resolve: Resolve) -> None:
        limits = Limits(connection.max_items, connection.max_bytes, connection.max_item_bytes, distinct=True)
        super().__init__(name, connection, declared(connection, limits=limits), clock, resolve)

    def group_of(self, delivery: Delivery) -> str:
        """What all recipients of a request share."""
        payload = self.parsed(delivery)
        return json.dumps({key: payload[key] for key in _SHARED if key in payload}, sort_keys=True)

    def key_of(self, delivery: Delivery) -> str:
        """Whom: of two messages to one person in a request Braze sends one."""
        recipient = self.parsed(delivery)["recipients"][0]
        return json.dumps([recipient.get(key) for key in _WHO], sort_keys=True)

    def size_of(self, delivery: Delivery) -> int:
        """The recipient's bytes."""
        return len(self._recipient(delivery).encode())

    def envelope(self, group: str, first: Delivery) -> int:
        """What is shared, and the list's key and brackets."""
        return len(group.encode()) + len(',"recipients":[]')

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """A campaign, and exactly one recipient whom Braze can find."""
        recipients = payload.get("recipients")
        if not payload.get("campaign_id"):
            return "campaign_id is missing"
        if payload.get("broadcast"):
            return "broadcast is for everybody, and this is for one"
        if not payload.keys() <= _KNOWN:
            return f"a send has no {', '.join(sorted(payload.keys() - _KNOWN))}"
        if not isinstance(recipients, list) or len(recipients) != 1 or not isinstance(recipients[0], dict):
            return "recipients must hold exactly one"
        found = [key for key in _WHO if recipients[0].get(key)]
        if len(found) != 1:
            return f"a recipient needs exactly one of {', '.join(_WHO)}"
        if found == ["email"] and not recipients[0].get("prioritization"):
            return "a recipient by email needs prioritization"
        is_new = recipients[0].get("send_to_existing_only") is False
        if is_new and (found == ["user_alias"] or not recipients[0].get("attributes")):
            return "send_to_existing_only: false needs attributes, and goes with no user_alias"
        return _too_large(payload) or _too_large(recipients[0])

    def request(self, pack: Pack) -> Request:
        """All recipients of the group."""
        recipients = ",".join(self._recipient(delivery) for delivery in pack.deliveries)
        return self.to("/campaigns/trigger/send", f'{pack.group[:-1]},"recipients":[{recipients}]}}'.encode())

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """Queued, with the id of the dispatch; whether it is delivered, comes back as receipts.

        Errors beside a success do not say whom they are about, and the others were sent to: of several nobody knows which.
        """
        answer = succeeded(reply)
        if isinstance(answer, Refused) and 200 <= reply.status < 300 and len(pack.deliveries) > 1:
            return Lost(answer.reason)
        return answer

    def _recipient(self, delivery: Delivery) -> str:
        return json.dumps(self.parsed(delivery)["recipients"][0], separators=(",", ":"), ensure_ascii=False)


def _too_large(of: dict[str, Any]) -> str | None:
    """Why what is told to the message's template would be refused, for all recipients or for one."""
    told = of.get("trigger_properties")
    size = len(_compact(told).encode(errors="replace")) if told else 0
    most = _MOST_PROPERTY_BYTES
    return f"oversize: {size} bytes of trigger_properties, {most} at most" if size > most else None
