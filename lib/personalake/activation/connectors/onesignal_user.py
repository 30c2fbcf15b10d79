"""OneSignal's users: `PATCH /users/by/…`, tags and properties of one whom the app knows."""

import json
from typing import Any
from urllib.parse import quote

from personalake.activation.answers import Answer, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import Resolve, declared
from personalake.activation.connectors.onesignal import OneSignalApp
from personalake.activation.connectors.onesignal_objects import misspelt_user
from personalake.activation.connectors.replies import said
from personalake.activation.delivery import Pack
from personalake.activation.reasons import NO_USER
from personalake.activation.transport import Reply, Request
from personalake.config.connections.push import OneSignalUserConnection


class OneSignalUser(OneSignalApp):
    """The payload has `alias_label`, `alias_id` and `properties`, with `tags` that are texts."""

    def __init__(self, name: str, connection: OneSignalUserConnection, clock: Clock, resolve: Resolve) -> None:
        super().__init__(name, connection, declared(connection), clock, resolve)

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """Whom, and what of them."""
        for key in ("alias_label", "alias_id"):
            if not isinstance(payload.get(key), str) or not payload[key]:
                return f"{key} is missing"
        properties = payload.get("properties")
        if not isinstance(properties, dict) or not properties:
            return "properties is missing or empty"
        return misspelt_user(properties)

    def request(self, pack: Pack) -> Request:
        """What is set of the one user."""
        payload = self.parsed(pack.deliveries[0])
        who = "/".join(quote(payload[key], safe="") for key in ("alias_label", "alias_id"))
        body = json.dumps({"properties": payload["properties"]}, separators=(",", ":"), ensure_ascii=False).encode()
        return Request("PATCH", f"{self._app.url}/apps/{self._app.app_id}/users/by/{who}", body, self._headers)

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """Taken; one whom the app does not know is refused."""
        if reply.status == 404:
            return Refused(NO_USER)
        if not 200 <= reply.status < 300:
            return Refused(said(reply))
        return Taken() if isinstance(reply.json()["properties"], dict) else Refused(said(reply))
