"""Entry into a journey: `POST /interaction/v1/events`, one contact a call."""

from typing import Any

from personalake.activation.answers import Answer, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import JSON, Resolve, declared
from personalake.activation.connectors.replies import said
from personalake.activation.connectors.salesforce import Salesforce, many_valued
from personalake.activation.delivery import Pack
from personalake.activation.transport import Reply, Request
from personalake.config.connections.salesforce import SalesforceJourneyConnection

# What the journey's data extension calls the entry itself.
_ID = "eventInstanceId"
_UTF_8 = {"Content-Type": "application/json; charset=UTF-8"}


class SalesforceJourney(Salesforce):
    """The payload has `ContactKey`, `EventDefinitionKey` and, if the journey wants it, `Data`."""

    def __init__(self, name: str, connection: SalesforceJourneyConnection, clock: Clock, resolve: Resolve) -> None:
        super().__init__(name, connection, declared(connection), clock, resolve)
        self._connection = connection

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """Whom, into which journey, and what is said there in columns of the event's data extension."""
        for key in ("ContactKey", "EventDefinitionKey"):
            if not payload.get(key):
                return f"{key} is missing"
            if not isinstance(payload[key], str):
                return f"{key} is not a text"
        if "." in payload["EventDefinitionKey"]:
            return "EventDefinitionKey has a dot, which none at Salesforce has"
        data = payload.get("Data", {})
        if not isinstance(data, dict):
            return "Data is not an object"
        if _ID in data:
            return f"Data holds {_ID}, which Salesforce keeps for itself: it would write another value"
        return many_valued(data)

    def request(self, pack: Pack) -> Request:
        """The event; of what is beyond ASCII Salesforce wants to be told how it is written."""
        payload = pack.deliveries[0].payload
        headers = JSON if payload.isascii() else _UTF_8
        return Request("POST", f"{self._connection.rest_url}/interaction/v1/events", payload.encode(), headers)

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """201 with the event's id."""
        if not 200 <= reply.status < 300:
            return Refused(said(reply))
        return Taken(reference=str(reply.json()[_ID]))
