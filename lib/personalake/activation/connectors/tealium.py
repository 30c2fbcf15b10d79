"""Tealium Collect v3: `bulk-event` of up to ten events, and the visitor privacy API for deletions."""

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

from personalake.activation.answers import Again, Answer, NotYet, Refused, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import JSON, HttpConnector, Resolve, declared
from personalake.activation.connectors.replies import joined, said
from personalake.activation.contract import Limits
from personalake.activation.delivery import Pack, State
from personalake.activation.tokens import Token, TokenRefused, Tokens, fetched
from personalake.activation.transport import Reply, Request, Unreached
from personalake.config.connections.hosts import is_loopback
from personalake.config.connections.tealium import TealiumConnection

_PLATFORM = re.compile(r"[a-z0-9-]+-platform\.tealiumapis\.com")
# Longer texts are cut, in lists, too.
_LONGEST = 1_500
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Tealium(HttpConnector):
    """Events of visitors. Nothing is de-duplicated there."""

    def __init__(self, name: str, connection: TealiumConnection, clock: Clock, resolve: Resolve) -> None:
        super().__init__(name, declared(connection), clock)
        self._connection = connection
        self._credentials = {"username": resolve(connection.username), "key": resolve(connection.api_key)}
        self.tokens = Tokens(self._login, clock)
        shared = {"tealium_account": connection.account, "tealium_profile": connection.profile}
        if connection.datasource:
            shared["tealium_datasource"] = connection.datasource
        self._head, self._tail = f'{{"shared":{json.dumps(shared)},"events":[', "]}"

    async def _login(self) -> Token:
        account = f"accounts/{quote(self._connection.account)}/profiles/{quote(self._connection.profile)}"
        url = f"{self._connection.platform_url}/v3/auth/{account}"
        reply = await fetched(self.transport, Request("POST", url, urlencode(self._credentials).encode(), _FORM))
        body = reply.object()
        if not body.get("token"):
            raise Unreached("token: the reply has none")
        return Token(str(body["token"]), self._connection.token_seconds, str(body.get("host", "")))

    def envelope(self, group: str, first: object) -> int:
        """What all events share."""
        return len(self._head) + len(self._tail)

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """An event needs a name and a visitor; its attributes have no periods, and no more text than is kept."""
        for key in ("tealium_event", self._connection.visitor_attribute):
            if not payload.get(key):
                return f"{key} is missing"
        for name, value in payload.items():
            if "." in name:
                return f"the attribute {name} has a period in its name, for which Tealium refuses the whole call"
            if (len(value) > _LONGEST) if type(value) is str else (type(value) is list and any(map(_is_long, value))):
                return f"the attribute {name} is longer than {_LONGEST} characters, and would be cut"
        return None

    def request(self, pack: Pack) -> Request:
        """The bulk call, by way of the profile's region if it is named."""
        regional = "/regional" if self._connection.region else ""
        url = f"{self._connection.collect_url}/v3/collect{regional}/bulk-event"
        return Request("POST", url, f"{self._head}{joined(pack)}{self._tail}".encode(), JSON)

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """All or nothing; the body of a success says nothing, but a header may say that it is none."""
        if 200 <= reply.status < 300:
            problem = reply.headers.get("X-Error")
            return Taken() if not problem else Refused(f"status {reply.status}: {problem}")
        return Refused(said(reply))

    @property
    def erasure_limits(self) -> Limits:
        """One visitor in a call."""
        return Limits(1)

    async def erase(self, pack: Pack) -> Answer:
        """Delete one visitor, with all that was stitched to them; it takes up to 30 days."""
        if self._connection.erasure_attribute_id is None:
            return Refused("erasure_attribute_id is not set; deletions need the number of the visitor id attribute")
        place = await self._privacy()
        if not isinstance(place, str):
            return place
        value, beginning = pack.deliveries[0].payload, self._connection.known_beginning
        # A sync may have made the visitor's id itself: deletions ask by the value within.
        if value.startswith(beginning) and value.endswith("__"):
            value = value[len(beginning) : -2]
        form = {"attributeId": self._connection.erasure_attribute_id, "attributeValue": value}
        return await self.exchange(Request("DELETE", place, urlencode(form).encode(), _FORM), _deletion)

    async def ask_erasure(self, reference: str) -> Answer | NotYet:
        """Whether the visitor is deleted."""
        place = await self._privacy()
        if not isinstance(place, str):
            return place
        return await self.exchange(Request("GET", f"{place}/transactions/{quote(reference, safe='')}"), _deleted)

    async def _privacy(self) -> str | Answer:
        """Where the profile's visitors are asked about and deleted: at the host that came with the token."""
        assert self.tokens is not None
        try:
            host = (await self.tokens.current()).host
        except TokenRefused as refusal:
            return Stop(f"no token: {refusal}")
        except Unreached as failure:
            return Again(str(failure))
        base = self._privacy_url(host)
        if base is None:
            return Stop("the token is for a host that is not Tealium's platform")
        account = f"accounts/{quote(self._connection.account)}/profiles/{quote(self._connection.profile)}"
        return f"{base}/v3/privacy/visitor/{account}"

    def fault(self, reply: Reply) -> Answer | None:
        """A visitor who is not there is no fault."""
        if reply.status == 404 and b"transactionId" in reply.body:
            return None
        return super().fault(reply)

    def _privacy_url(self, host: str) -> str | None:
        """The regional host that came with the token, if it is Tealium's."""
        own = self._connection.platform_endpoint
        if own and is_loopback(own.split("://")[1].split("/")[0].rsplit(":", 1)[0].strip("[]")):
            return own
        return f"https://{host}" if _PLATFORM.fullmatch(host) else None


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and len(value) > _LONGEST


def _deletion(reply: Reply) -> Answer:
    if reply.status == 404:
        # Nobody is there, and there is nothing to ask about.
        return Taken()
    body = reply.object()
    reference = body.get("transactionId") or body.get("transaction_id")
    if 200 <= reply.status < 300:
        return Taken(reference=None if reference is None else str(reference))
    return Refused(said(reply))


def _deleted(reply: Reply) -> Answer | NotYet:
    states = set(reply.object().values()) if 200 <= reply.status < 300 else set()
    if states == {"SUCCESS"}:
        return Taken(State.CONFIRMED)
    return Refused("the deletion is FAILED") if states == {"FAILED"} else NotYet()
