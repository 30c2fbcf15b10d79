"""Segment: `POST /v1/batch` of identify, track and group calls, and regulations for deletions."""

import base64
import json
from typing import Any

from personalake.activation.answers import Answer, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import JSON, HttpConnector, Resolve, declared
from personalake.activation.connectors.replies import joined, said
from personalake.activation.contract import Limits
from personalake.activation.delivery import Pack
from personalake.activation.transport import Reply, Request
from personalake.config.connections.segment import SegmentConnection

_HEAD, _TAIL = '{"batch":[', "]}"
_NEEDS = {"identify": "traits", "track": "event", "group": "groupId"}


class Segment(HttpConnector):
    """Events of a source. A repetition within about a day is dropped there by its `messageId`."""

    def __init__(self, name: str, connection: SegmentConnection, clock: Clock, resolve: Resolve) -> None:
        super().__init__(name, declared(connection, window_seconds=connection.window_seconds), clock)
        self._connection = connection
        key = base64.b64encode(f"{resolve(connection.write_key)}:".encode()).decode()
        self._headers = {**JSON, "Authorization": f"Basic {key}"}
        self._api_token = resolve(connection.api_token) if connection.api_token else None

    def envelope(self, group: str, first: object) -> int:
        """The batch's brackets."""
        return len(_HEAD) + len(_TAIL)

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """What Segment would answer with 200 and drop."""
        kind = payload.get("type")
        message = payload.get("messageId")
        if kind not in _NEEDS:
            return f"type is not one of {', '.join(_NEEDS)}"
        if not payload.get("userId") and not payload.get("anonymousId"):
            return "neither userId nor anonymousId: Segment would drop it without a word"
        if not isinstance(message, str) or not 0 < len(message) < self._connection.max_message_id:
            return f"messageId is missing or has {self._connection.max_message_id} characters or more"
        if kind != "identify" and not payload.get(_NEEDS[kind]):
            return f"{_NEEDS[kind]} is missing"
        return None

    def request(self, pack: Pack) -> Request:
        """The batch; no `sentAt`, so that timestamps are taken as they are."""
        body = f"{_HEAD}{joined(pack)}{_TAIL}".encode()
        return Request("POST", f"{self._connection.events_url}/v1/batch", body, self._headers)

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """All or nothing."""
        if not 200 <= reply.status < 300:
            return Refused(said(reply))
        return Taken() if reply.json().get("success") is True else Refused(said(reply))

    @property
    def erasure_limits(self) -> Limits:
        """Ids in one regulation."""
        return Limits(self._connection.erasure_items)

    async def erase(self, pack: Pack) -> Answer:
        """Suppress and delete, in the whole workspace."""
        if self._api_token is None:
            return Refused("api_token is not set; deletions need the Public API")
        ids = [delivery.payload for delivery in pack.deliveries]
        body = {"regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": ids}
        headers = {**JSON, "Authorization": f"Bearer {self._api_token}"}
        request = Request("POST", f"{self._connection.api_url}/regulations", json.dumps(body).encode(), headers)
        return await self.exchange(request, _regulation)


def _regulation(reply: Reply) -> Answer:
    if not 200 <= reply.status < 300:
        return Refused(said(reply))
    return Taken(reference=str(reply.json()["data"]["regulateId"]))
