"""What the endpoints of Braze share: the key, and deletion."""

import json

from personalake.activation.answers import Answer, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import JSON, HttpConnector, Resolve
from personalake.activation.connectors.replies import said
from personalake.activation.contract import Declaration, Limits
from personalake.activation.delivery import Pack
from personalake.activation.transport import Reply, Request
from personalake.config.connections.braze import BrazeConnection


class Braze(HttpConnector):
    """A workspace, by its REST API key."""

    def __init__(
        self, name: str, connection: BrazeConnection, declaration: Declaration, clock: Clock, resolve: Resolve
    ) -> None:
        super().__init__(name, declaration, clock)
        self._workspace = connection
        self._headers = {**JSON, "Authorization": f"Bearer {resolve(connection.api_key)}"}

    def to(self, path: str, body: bytes) -> Request:
        """A request to one of the endpoints."""
        return Request("POST", f"{self._workspace.url}{path}", body, self._headers)

    @property
    def erasure_limits(self) -> Limits:
        """Ids in one request."""
        return Limits(self._workspace.erasure_items)

    async def erase(self, pack: Pack) -> Answer:
        """Delete by external id; one kind of id a call."""
        body = {"external_ids": [delivery.payload for delivery in pack.deliveries]}
        return await self.exchange(self.to("/users/delete", json.dumps(body).encode()), succeeded)


def succeeded(reply: Reply) -> Answer:
    """Success is a status and a word."""
    if not 200 <= reply.status < 300:
        return Refused(said(reply))
    body = reply.json()
    reference = body.get("dispatch_id")
    if body.get("message") not in ("success", "queued"):
        return Refused(said(reply))
    return Taken(reference=None if reference is None else str(reference))
