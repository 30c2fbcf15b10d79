"""What the endpoints of Braze share: the key, and deletion."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from personalake.activation.answers import Answer, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import JSON, HttpConnector, Resolve
from personalake.activation.connectors.replies import said
from personalake.activation.contract import Declaration, Limits
from personalake.activation.delivery import Pack
from personalake.activation.transport import Reply, Request
from personalake.config.connections.braze import BrazeConnection

# How Braze writes ids of its own.
_OWN = re.compile("[0-9a-f]{24}")
_PHONE = re.compile(r"\+[1-9][0-9]{1,14}")
# Where several profiles have an address, the one that was used last goes first.
_ANY_PROFILE = ["most_recently_updated"]
# Stands for the name of a deletion that found nobody.
_NOBODY = "nobody"


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
        """Delete by external id, and by what else it may be: an alias, Braze's own id, an address, a number; one a call."""
        for body in _named([delivery.payload for delivery in pack.deliveries], self._workspace.alias_labels):
            request = self.to("/users/delete", json.dumps(body).encode())
            # Of several profiles with one address a call deletes one: it is repeated until there is none left.
            for _ in range(self._workspace.erasure_rounds if "email_addresses" in body else 1):
                answer = await self.exchange(request, succeeded)
                if not isinstance(answer, Taken):
                    return answer
                if answer.reference == _NOBODY:
                    break
        return Taken()


def is_e164(number: Any) -> bool:
    """Whether a telephone number is in the form in which Braze finds people by it.

    >>> is_e164("+4915112345678"), is_e164("0151 12345678")
    (True, False)
    """
    return isinstance(number, str) and _PHONE.fullmatch(number) is not None


def succeeded(reply: Reply) -> Answer:
    """Success is a status and a word, and no errors: what they speak of was not taken."""
    if not 200 <= reply.status < 300:
        return Refused(said(reply))
    body = reply.json()
    reference = _NOBODY if body.get("deleted") == 0 else body.get("dispatch_id")
    if body.get("message") not in ("success", "queued") or body.get("errors"):
        return Refused(said(reply))
    return Taken(reference=None if reference is None else str(reference))


def _named(ids: list[str], labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One body for each kind of id. An external id may look like an address, so it is asked for by both names."""
    yield {"external_ids": ids}
    for label in labels:
        yield {"user_aliases": [{"alias_name": one, "alias_label": label} for one in ids]}
    if own := [one for one in ids if _OWN.fullmatch(one)]:
        yield {"braze_ids": own}
    mails = [{"email": one, "prioritization": _ANY_PROFILE} for one in ids if "@" in one]
    phones = list(filter(is_e164, ids))
    if mails:
        yield {"email_addresses": mails}
    if phones:
        yield {"phone_numbers": phones}
