"""What the parts of Salesforce Marketing Cloud share: tokens, error codes, contact deletion."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from personalake.activation.answers import Again, Answer, NotYet, Refused, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import JSON, HttpConnector, Resolve
from personalake.activation.connectors.replies import said
from personalake.activation.contract import Declaration, Limits
from personalake.activation.delivery import Pack, State
from personalake.activation.retries import asked_wait
from personalake.activation.tokens import Token, Tokens, fetched
from personalake.activation.transport import Reply, Request, Unreached
from personalake.config.connections.salesforce import SalesforceConnection

# How a deletion ends, or a part of it, after which contacts are still there.
_UNDELETED = ("Failed", "Cancelled", "CompletedWithErrors", "Aborted", "Invalid")
_MANY = frozenset({dict, list})


class Salesforce(HttpConnector):
    """An account, by client credentials."""

    def __init__(
        self, name: str, connection: SalesforceConnection, declaration: Declaration, clock: Clock, resolve: Resolve
    ) -> None:
        super().__init__(name, declaration, clock)
        self._account = connection
        self._credentials = {
            "grant_type": "client_credentials",
            "client_id": resolve(connection.client_id),
            "client_secret": resolve(connection.client_secret),
        }
        if connection.account_id:
            self._credentials["account_id"] = connection.account_id
        self.tokens = Tokens(self._login, clock)

    async def _login(self) -> Token:
        url = f"{self._account.auth_url}/v2/token"
        reply = await fetched(self.transport, Request("POST", url, json.dumps(self._credentials).encode(), JSON))
        body = reply.object()
        if not body.get("access_token"):
            raise Unreached("token: the reply has none")
        return Token(str(body["access_token"]), float(body.get("expires_in", 1_080)))

    def fault(self, reply: Reply) -> Answer | None:
        """Error codes say more than statuses: one stops the account, one asks for a pause."""
        if reply.status >= 300:
            found = codes(reply.object())
            if found & set(self._account.account_codes):
                return Stop(f"status {reply.status}, code {' '.join(sorted(found))}: the account's limit is reached")
            if found & set(self._account.pause_codes):
                asked = asked_wait(reply.headers, self.clock.now())
                pause = self.declaration.patience.pause_seconds if asked is None else asked
                return Again(f"status {reply.status}, code {' '.join(sorted(found))}", pause, is_pause=True)
        return super().fault(reply)

    @property
    def erasure_limits(self) -> Limits:
        """Contact keys in one request."""
        return Limits(self._account.erasure_items)

    async def erase(self, pack: Pack) -> Answer:
        """Delete contacts by key, everywhere in the account; the queue may take hours."""
        body = {
            "values": [delivery.payload for delivery in pack.deliveries],
            "DeleteOperationType": "ContactAndAttributes",
        }
        url = f"{self._account.rest_url}/contacts/v1/contacts/actions/delete?type=keys"
        return await self.exchange(Request("POST", url, json.dumps(body).encode(), JSON), _deletion)

    async def ask_erasure(self, reference: str) -> Answer | NotYet:
        """Whether contacts are deleted; suppression comes first and counts for nothing."""
        url = f"{self._account.rest_url}/contacts/v1/contacts/actions/delete/status?operationID={quote(reference, safe='')}"
        return await self.exchange(Request("GET", url), _deleted)


def _deleted(reply: Reply) -> Answer | NotYet:
    """Done when the operation and all that it started in the background are; both may end otherwise."""
    if not 200 <= reply.status < 300:
        return NotYet()
    body = reply.json()
    background = body.get("backgroundOperationsSummary") or []
    states = [str(body["operation"]["status"]), *(str(one["backgroundOperationStatusID"]) for one in background)]
    bad = [state for state in states if state in _UNDELETED]
    if bad:
        return Refused(f"the deletion is {', '.join(bad)}")
    return Taken(State.CONFIRMED) if background and set(states) == {"Completed"} else NotYet()


def _deletion(reply: Reply) -> Answer:
    if not 200 <= reply.status < 300:
        return Refused(said(reply))
    body = reply.json()
    if not body["operationInitiated"]:
        return Refused(said(reply))
    return Taken(reference=str(body["operationID"]))


def by_key(external_key: str) -> str:
    """A data extension by its external key, as it stands in a path.

    >>> by_key("All people")
    'key:All%20people'
    """
    return f"key:{quote(external_key, safe='')}"


def many_valued(row: Mapping[str, Any]) -> str | None:
    """Why a row does not fit into columns, each of which holds one value; null if it does.

    >>> many_valued({"id": "1", "tags": ["a", "b"]})
    'column tags holds more than one value'
    """
    if _MANY.isdisjoint(map(type, row.values())):
        return None
    names = [name for name, value in row.items() if type(value) in _MANY]
    return f"column {', '.join(names)} holds more than one value"


def codes(body: dict[str, Any]) -> set[str]:
    """Every error code of a reply, in whichever of its shapes.

    >>> sorted(codes({"errorcode": 50200, "resultMessages": [{"resultCode": "x"}]}))
    ['50200', 'x']
    """
    found = [body.get(key) for key in ("errorcode", "errorCode", "code")]
    for key in ("resultMessages", "additionalErrors"):
        messages = body.get(key)
        for message in messages if isinstance(messages, list) else ():
            if isinstance(message, dict):
                found.extend(message.get(name) for name in ("resultCode", "errorcode", "code"))
    return {str(code) for code in found if code not in (None, "")}
