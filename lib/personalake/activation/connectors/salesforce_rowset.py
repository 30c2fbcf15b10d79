"""Rows of a data extension, synchronously: `POST /hub/v1/dataevents/…/rowset`."""

import json
from typing import Any

from personalake.activation.answers import Again, Answer, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import JSON, Resolve, declared
from personalake.activation.connectors.replies import joined, said
from personalake.activation.connectors.salesforce import Salesforce, by_key, codes, many_valued
from personalake.activation.contract import Limits
from personalake.activation.delivery import Delivery, Pack, State
from personalake.activation.transport import Reply, Request
from personalake.config.connections.salesforce import SalesforceRowsetConnection


class SalesforceRowset(Salesforce):
    """Upserts by primary key; the payload has `keys` and `values`."""

    def __init__(self, name: str, connection: SalesforceRowsetConnection, clock: Clock, resolve: Resolve) -> None:
        limits = Limits(connection.max_items, connection.max_bytes, connection.max_item_bytes, distinct=True)
        super().__init__(name, connection, declared(connection, limits=limits), clock, resolve)
        self._connection = connection

    def key_of(self, delivery: Delivery) -> str:
        """The primary key."""
        return json.dumps(self.parsed(delivery).get("keys"), sort_keys=True)

    def envelope(self, group: str, first: Delivery) -> int:
        """The list's brackets."""
        return 2

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """A row needs its whole primary key, some values, each in a column, and not more columns than are wanted."""
        keys, values = payload.get("keys"), payload.get("values")
        if not isinstance(keys, dict) or not isinstance(values, dict) or not values:
            return "keys and values are needed, and at least one value"
        missing = [column for column in self._connection.keys if keys.get(column) in (None, "")]
        if missing:
            return f"key column {', '.join(missing)} is missing or empty"
        most, columns = self._connection.max_columns, len(keys) + len(values)
        if most is not None and columns > most:
            return f"{columns} columns, {most} at most"
        return many_valued({**keys, **values})

    def request(self, pack: Pack) -> Request:
        """The rows."""
        url = f"{self._connection.rest_url}/hub/v1/dataevents/{by_key(self._connection.data_extension)}/rowset"
        return Request("POST", url, f"[{joined(pack)}]".encode(), JSON)

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """On a refusal, rows before the first bad one were taken all the same; repeating them does no harm."""
        if 200 <= reply.status < 300:
            return Taken(State.CONFIRMED)
        body = reply.object()
        if codes(body) & set(self._connection.transient_codes) and not body.get("additionalErrors"):
            return Again(said(reply))
        errors = body.get("additionalErrors")
        if isinstance(errors, list) and errors and isinstance(errors[0], dict):
            return Refused(f"status {reply.status}: {errors[0].get('message')}")
        return Refused(said(reply))
