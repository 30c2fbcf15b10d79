"""What the endpoints of Braze share: the key, and deletion."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from personalake.activation.answers import Answer, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import AUTHORIZATION, JSON, HttpConnector, Resolve
from personalake.activation.connectors.replies import said
from personalake.activation.contract import Declaration, Limits
from personalake.activation.delivery import Name, Pack, object_in
from personalake.activation.transport import Reply, Request
from personalake.config.connections.braze import BrazeConnection

# What Braze finds people by, each with its list in a deletion; the first that is there names the person.
EXTERNAL, ALIAS, _BRAZE, _EMAIL, _NUMBER = "external_id", "user_alias", "braze_id", "email", "phone"
_ALIASES, _NUMBERS = f"{ALIAS}/", "phone_numbers"
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
        self._headers = {**JSON, AUTHORIZATION: f"Bearer {resolve(connection.api_key)}"}

    def to(self, path: str, body: bytes) -> Request:
        """A request to one of the endpoints."""
        return Request("POST", f"{self._workspace.url}{path}", body, self._headers)

    @property
    def erasure_limits(self) -> Limits:
        """Ids in one request."""
        return Limits(self._workspace.erasure_items)

    async def erase(self, pack: Pack) -> Answer:
        """Delete by the kind of name that was told, one kind a call.

        Where nobody knows the kind, each may be it: an external id, an alias, Braze's own id, an address, a number.
        """
        for body in _named([Name.of(delivery) for delivery in pack.deliveries], self._workspace.alias_labels):
            if not any(body.values()):
                continue
            answer = await self._delete(body)
            if isinstance(answer, Refused) and _NUMBERS in body:
                # Braze's documents have numbers in two forms: with the profile that goes first, as addresses, and bare.
                answer = await self._delete({_NUMBERS: [one[_NUMBER] for one in body[_NUMBERS]]})
            if not isinstance(answer, Taken):
                return answer
        return Taken()

    async def _delete(self, body: dict[str, Any]) -> Answer:
        """One call; of several profiles with one address it deletes one, so that it is repeated until there is none left."""
        request = self.to("/users/delete", json.dumps(body).encode())
        is_any = any(isinstance(one, dict) and "prioritization" in one for ones in body.values() for one in ones)
        answer: Answer = Taken()
        for _ in range(self._workspace.erasure_rounds if is_any else 1):
            answer = await self.exchange(request, succeeded)
            if not isinstance(answer, Taken) or answer.reference == _NOBODY:
                break
        return answer


def labelled(alias_label: str) -> str:
    """The kind of name that an alias of one label is: no label of a customer's is then taken for a kind of Braze's."""
    return f"{_ALIASES}{alias_label}"


def name_in(payload: str) -> Name | None:
    """Whom an item for any of the endpoints is about, as Braze finds them; null if it does not say.

    >>> name_in('{"user_alias": {"alias_name": "77", "alias_label": "crm"}, "email": "ann@home.example"}')
    Name(value='77', label='user_alias/crm')
    >>> name_in('{"campaign_id": "c", "recipients": [{"external_user_id": "77"}]}')
    Name(value='77', label='external_id')
    """
    found = object_in(payload)
    if found is None:
        return None
    recipients = found.get("recipients")
    if isinstance(recipients, list) and len(recipients) == 1 and isinstance(recipients[0], dict):
        found = {EXTERNAL: recipients[0].get("external_user_id"), **recipients[0]}
    kind = next((one for one in (EXTERNAL, ALIAS, _BRAZE, _EMAIL, _NUMBER) if found.get(one)), None)
    value = None if kind is None else found[kind]
    if kind == ALIAS and isinstance(value, dict):
        kind, value = labelled(value.get("alias_label", "")), value.get("alias_name")
    return Name(value, kind) if isinstance(value, str) else None


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


def _named(names: Sequence[Name], labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One body for each kind of name; empty lists for those that nobody has.

    An external id may look like an address: a name of which nobody knows the kind is asked for as each that it may be.
    """
    unknown = [one.value for one in names if one.label is None]
    labels_told = (one.label.removeprefix(_ALIASES) for one in names if one.label and one.label.startswith(_ALIASES))

    def of(kind: str, may_be: Iterable[str]) -> list[str]:
        return list(dict.fromkeys([*(one.value for one in names if one.label == kind), *may_be]))

    yield {"external_ids": of(EXTERNAL, unknown)}
    for label in dict.fromkeys([*labels, *labels_told]):
        ids = of(labelled(label), unknown if label in labels else ())
        yield {"user_aliases": [{"alias_name": one, "alias_label": label} for one in ids]}
    yield {"braze_ids": of(_BRAZE, filter(_OWN.fullmatch, unknown))}
    mails = of(_EMAIL, (one for one in unknown if "@" in one))
    yield {"email_addresses": [{_EMAIL: one, "prioritization": _ANY_PROFILE} for one in mails]}
    yield {_NUMBERS: [{_NUMBER: one, "prioritization": _ANY_PROFILE} for one in of(_NUMBER, filter(is_e164, unknown))]}
