"""Segment's suppression by regulations: whose data the workspace takes in."""

import json
from typing import Any
from urllib.parse import quote

from personalake.activation.answers import Answer, NotYet, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import Resolve, declared
from personalake.activation.connectors.segment import Workspace, regulation_ended, regulation_taken
from personalake.activation.contract import Limits
from personalake.activation.delivery import Delivery, Pack
from personalake.activation.transport import Reply, Request
from personalake.config.connections.segment import SegmentSuppressionConnection

_KINDS = ("SUPPRESS_ONLY", "UNSUPPRESS")


class SegmentSuppression(Workspace):
    """The payload has `regulationType`, `subjectType` and one `subjectId`."""

    def __init__(self, name: str, connection: SegmentSuppressionConnection, clock: Clock, resolve: Resolve) -> None:
        limits = Limits(connection.max_items, connection.max_bytes, connection.max_item_bytes, distinct=True)
        super().__init__(name, connection, declared(connection, limits=limits), clock, resolve(connection.api_token))
        self._url = f"{connection.api_url}/regulations"

    def group_of(self, delivery: Delivery) -> str:
        """Those who are suppressed and those who are not any more never share a request."""
        return str(self.parsed(delivery)["regulationType"])

    def key_of(self, delivery: Delivery) -> str:
        """One person is named once in a request."""
        return str(self.parsed(delivery)["subjectId"])

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """What is to be done, and whom it is about."""
        if payload.get("regulationType") not in _KINDS:
            return f"regulationType is not one of {', '.join(_KINDS)}"
        if payload.get("subjectType") != "USER_ID":
            return "subjectType is not USER_ID"
        who = payload.get("subjectId")
        return None if isinstance(who, str) and who else "subjectId is missing"

    def request(self, pack: Pack) -> Request:
        """One regulation for all of them."""
        ids = [self.parsed(delivery)["subjectId"] for delivery in pack.deliveries]
        body = {"regulationType": pack.group, "subjectType": "USER_ID", "subjectIds": ids}
        return Request("POST", self._url, json.dumps(body).encode(), self._of_api())

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """Begun; it may take days, so that later runs ask for its end."""
        return regulation_taken(reply)

    async def ask(self, pack: Pack, reference: str) -> Answer | NotYet:
        """Whether the regulation has come to an end; a failed one has done nothing for any of them."""
        url = f"{self._url}/{quote(reference, safe='')}"
        answer = await self.exchange(Request("GET", url, headers=self._of_api()), regulation_ended)
        if not isinstance(answer, Refused):
            return answer
        return Taken(refused=dict.fromkeys(range(len(pack.deliveries)), answer.reason), reference=reference)
