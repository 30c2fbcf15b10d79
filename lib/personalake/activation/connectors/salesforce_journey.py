"""Entry into a journey: `POST /interaction/v1/events`, one contact a call."""

from typing import Any

from personalake.activation.answers import Answer, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import JSON, Resolve, declared
from personalake.activation.connectors.replies import said
from personalake.activation.connectors.salesforce import Salesforce
from personalake.activation.delivery import Pack
from personalake.activation.transport import Reply, Request
from personalake.config.connections.salesforce import SalesforceJourneyConnection


class SalesforceJourney(Salesforce):
    """The payload has `ContactKey`, `EventDefinitionKey` and, if the journey wants it, `Data`."""

    def __init__(self, name: str, connection: SalesforceJourneyConnection, clock: Clock, resolve: Resolve) -> None:
        super().__init__(name, connection, declared(connection), clock, resolve)
        self._connection = connection

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """Whom, and into which journey."""
        for key in ("ContactKey", "EventDefinitionKey"):
            if not payload.get(key):
                return f"{key} is missing"
        return None

    def request(self, pack: Pack) -> Request:
        """The event."""
        return Request(
            "POST", f"{self._connection.rest_url}/interaction/v1/events", pack.deliveries[0].payload.encode(), JSON
        )

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """201 with the event's id."""
        if not 200 <= reply.status < 300:
            return Refused(said(reply))
        return Taken(reference=str(reply.json()["eventInstanceId"]))
