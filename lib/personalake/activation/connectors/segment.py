"""Segment: `POST /v1/batch` of identify, track and group calls, and regulations for deletions."""

import base64
import json
import re
from typing import Any
from urllib.parse import quote

from personalake.activation.answers import Answer, NotYet, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import AUTHORIZATION, JSON, HttpConnector, Resolve, declared
from personalake.activation.connectors.replies import joined, said
from personalake.activation.connectors.rules import CURRENCY, is_currency, is_flag, is_number
from personalake.activation.contract import Declaration, Limits
from personalake.activation.delivery import Pack, State
from personalake.activation.transport import Reply, Request
from personalake.config.connections.segment import SegmentConnection, WorkspaceConnection

_HEAD, _TAIL = '{"batch":[', "]}"
# How a regulation ends that has not done what it should.
_FAILED = ("FAILED", "INVALID", "NOT_SUPPORTED", "PARTIAL_SUCCESS")
_NEEDS = {"identify": "traits", "track": "event", "group": "groupId"}
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
# What must be a text wherever it stands.
_TEXTS = ("userId", "anonymousId", "groupId", "event")
_TEXT_OR_NONE = (str, type(None))
_SAYS = {"identify": "traits", "track": "properties", "group": "traits"}
_AROUND = frozenset({"context", "integrations"})
_OF_MONEY = frozenset({"revenue", "value", "currency"})


class Workspace(HttpConnector):
    """A workspace, by its Public API: people are suppressed and deleted by regulations."""

    def __init__(
        self, name: str, connection: WorkspaceConnection, declaration: Declaration, clock: Clock, api_token: str | None
    ) -> None:
        super().__init__(name, declaration, clock)
        self._workspace = connection
        self._api_token = api_token

    @property
    def erasure_limits(self) -> Limits:
        """Ids in one regulation."""
        return Limits(self._workspace.erasure_items)

    async def erase(self, pack: Pack) -> Answer:
        """Suppress and delete, in the whole workspace."""
        if self._api_token is None:
            return Refused("api_token is not set; deletions need the Public API")
        ids = [delivery.payload for delivery in pack.deliveries]
        body = {"regulationType": self._workspace.regulation, "subjectType": "USER_ID", "subjectIds": ids}
        request = Request("POST", f"{self._workspace.api_url}/regulations", json.dumps(body).encode(), self._of_api())
        return await self.exchange(request, regulation_taken)

    async def ask_erasure(self, reference: str) -> Answer | NotYet:
        """Whether the regulation has come to an end, in the whole workspace."""
        if self._api_token is None:
            return NotYet()
        url = f"{self._workspace.api_url}/regulations/{quote(reference, safe='')}"
        return await self.exchange(Request("GET", url, headers=self._of_api()), regulation_ended)

    def _of_api(self) -> dict[str, str]:
        return {**JSON, AUTHORIZATION: f"Bearer {self._api_token}"}


class Segment(Workspace):
    """Events of a source. A repetition within about a day is dropped there by its `messageId`."""

    def __init__(self, name: str, connection: SegmentConnection, clock: Clock, resolve: Resolve) -> None:
        token = resolve(connection.api_token) if connection.api_token else None
        super().__init__(name, connection, declared(connection, window_seconds=connection.window_seconds), clock, token)
        self._connection = connection
        key = base64.b64encode(f"{resolve(connection.write_key)}:".encode()).decode()
        self._headers = {**JSON, AUTHORIZATION: f"Basic {key}"}

    def envelope(self, group: str, first: object) -> int:
        """The batch's brackets."""
        return len(_HEAD) + len(_TAIL)

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """What Segment would answer with 200 and drop, or not count."""
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
        # Null is none: Segment's own libraries write one down where they have no anonymous id.
        other = [key for key in _TEXTS if not isinstance(payload.get(key), _TEXT_OR_NONE)]
        if other:
            return f"{', '.join(other)} is not a text"
        at = payload.get("timestamp")
        if at is not None and not (isinstance(at, str) and _TIME.fullmatch(at)):
            return "timestamp is not a time in ISO 8601"
        said = payload.get(_SAYS[kind])
        if said is not None and not isinstance(said, dict):
            return f"{_SAYS[kind]} is not an object"
        if not _AROUND.isdisjoint(payload):
            odd = [name for name in sorted(_AROUND & payload.keys()) if not isinstance(payload[name], dict)]
            if odd:
                return f"{', '.join(odd)} is not an object"
            if not _is_consent(payload.get("context", {}).get("consent")):
                return "context.consent is not categoryPreferences, each true or false"
        return _of_money(said) if said and kind == "track" and not _OF_MONEY.isdisjoint(said) else None

    def request(self, pack: Pack) -> Request:
        """The batch; no `sentAt`, so that timestamps are taken as they are."""
        body = f"{_HEAD}{joined(pack)}{_TAIL}".encode()
        return Request("POST", f"{self._connection.events_url}/v1/batch", body, self._headers)

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """All or nothing."""
        if not 200 <= reply.status < 300:
            return Refused(said(reply))
        return Taken() if reply.json().get("success") is True else Refused(said(reply))


def _is_consent(consent: Any) -> bool:
    """Whether Segment can tell from it where a call may go; without one it goes everywhere."""
    if consent is None:
        return True
    categories = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    return isinstance(categories, dict) and all(map(is_flag, categories.values()))


def _of_money(properties: dict[str, Any]) -> str | None:
    """What is wrong with the properties that Segment understands of every event."""
    for name in ("revenue", "value"):
        value = properties.get(name)
        if value is not None and not is_number(value):
            return f"{name} is not a number"
    currency = properties.get("currency")
    if currency is not None and not is_currency(currency):
        return f"currency is not {CURRENCY}"
    return None


def regulation_taken(reply: Reply) -> Answer:
    """A regulation, with its name; what becomes of it is asked for later."""
    if not 200 <= reply.status < 300:
        return Refused(said(reply))
    return Taken(reference=str(reply.json()["data"]["regulateId"]))


def regulation_ended(reply: Reply) -> Answer | NotYet:
    """Whether a regulation has done what it should."""
    if not 200 <= reply.status < 300:
        return NotYet()
    status = str(reply.json()["data"]["regulation"]["overallStatus"])
    if status == "FINISHED":
        return Taken(State.CONFIRMED)
    return Refused(f"the regulation is {status}") if status in _FAILED else NotYet()
