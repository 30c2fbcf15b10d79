"""Firebase Cloud Messaging v1: `POST /v1/projects/…/messages:send`, one message a request."""

import json
import re
from collections.abc import Coroutine, Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from google.auth import crypt, jwt

from personalake.activation.answers import Again, Answer, Lost, Refused, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import JSON, HttpConnector, Resolve, declared
from personalake.activation.connectors.fcm_platforms import not_texts, of_platforms
from personalake.activation.delivery import Pack, State
from personalake.activation.tokens import Token, Tokens, fetched
from personalake.activation.transport import Reply, Request, Unreached
from personalake.config.audience_kinds import FCM_OBJECTS, is_of_fcm
from personalake.config.connections.push import FcmConnection
from personalake.errors import ConfigError

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_AUDIENCE = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_HOUR = 3_600
_TARGETS = ("token", "topic", "condition")
_MEMBERS = frozenset({*_TARGETS, "data", "notification", "android", "apns", "webpush", "fcm_options"})
_PLAIN = frozenset({"token", "notification", "data"})
# Stands for the notification of a message that has none: it is data for the app.
_SAYING = {"title": "-"}
_NOTIFICATION = frozenset({"title", "body", "image"})
_MOST_TOPICS = 5
_CHECKED = "found right by Firebase, and not delivered: validate_only is on"
_TOPIC = re.compile(r"[a-zA-Z0-9-_.~%]+")
# What concerns one message or token, not the project.
_OF_MESSAGE = ("INVALID_ARGUMENT", "SENDER_ID_MISMATCH", "UNREGISTERED", "NOT_FOUND")
# No character takes more in JSON, an escaped one: what is short is not written out to be measured.
_MOST_BYTES = 6
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Fcm(HttpConnector):
    """The payload is a message with its token, topic or condition."""

    def __init__(self, name: str, connection: FcmConnection, clock: Clock, resolve: Resolve) -> None:
        super().__init__(name, declared(connection), clock)
        self._connection = connection
        self._account = _key_file(resolve(connection.service_account), connection.service_account)
        self._signer: Any = crypt.RSASigner.from_service_account_info(self._account)
        self.tokens = Tokens(self._login, clock)

    async def _login(self) -> Token:
        """An access token for an assertion that the service account signs."""
        issued = int(self.clock.now().timestamp())
        claims = {
            "iss": self._account["client_email"],
            "scope": _SCOPE,
            "aud": _AUDIENCE,
            "iat": issued,
            "exp": issued + _HOUR,
        }
        assertion = jwt.encode(self._signer, claims).decode()
        form = urlencode({"grant_type": _GRANT, "assertion": assertion}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = await fetched(self.transport, Request("POST", f"{self._connection.token_url}/token", form, headers))
        body = reply.object()
        if not body.get("access_token"):
            raise Unreached("token: the reply has none")
        return Token(str(body["access_token"]), float(body.get("expires_in", _HOUR)))

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """One target, text values only, and not too much of them."""
        if _is_plain(payload) and len(repr(payload)) * _MOST_BYTES <= self._connection.max_payload_bytes:
            return None
        targets = [key for key in _TARGETS if payload.get(key)]
        if len(targets) != 1:
            return f"exactly one of {', '.join(_TARGETS)} is needed"
        if (misspelt := next(_misspelt(payload), None)) is not None:
            return misspelt
        limit = self._connection.max_payload_bytes if targets == ["token"] else self._connection.max_topic_payload_bytes
        size = sum(len(_compact(payload[key]).encode()) for key in ("notification", "data") if payload.get(key))
        return f"oversize: {size} bytes of notification and data, {limit} at most" if size > limit else None

    def post(self, pack: Pack) -> Coroutine[Any, Any, Answer]:
        """Hand over a message, once; to be awaited."""
        answer = super().post(pack)
        return _as_check(answer) if self._connection.validate_only else answer

    def request(self, pack: Pack) -> Request:
        """The message."""
        url = f"{self._connection.url}/v1/projects/{self._connection.project}/messages:send"
        check = '"validate_only":true,' if self._connection.validate_only else ""
        return Request("POST", url, f'{{{check}"message":{pack.deliveries[0].payload}}}'.encode(), JSON)

    def fault(self, reply: Reply) -> Answer | None:
        """Some statuses concern the message here that concern the account elsewhere."""
        if reply.status >= 400:
            code = _code(reply)
            if code in _OF_MESSAGE:
                return Refused(code)
            if code == "THIRD_PARTY_AUTH_ERROR":
                return Stop(f"{code}: the project's APNs or web push credentials are not valid")
        return super().fault(reply)

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """Taken, with the message's name; what was only to be checked has reached nobody, and still waits."""
        if not 200 <= reply.status < 300:
            return Refused(f"status {reply.status} {_code(reply)}")
        name = str(reply.json()["name"])
        return Taken(State.PENDING, reason=_CHECKED) if self._connection.validate_only else Taken(reference=name)

    async def erase(self, pack: Pack) -> Answer:
        """FCM knows tokens, not people: what must be forgotten is the token, and it is kept on this side alone."""
        return Taken(reference="no person is kept there; the tokens are dropped with the person's rows")


async def _as_check(answering: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer to a check, which may be made again where its reply was lost."""
    answer = await answering
    return Again(answer.reason) if isinstance(answer, Lost) else answer


def _is_plain(message: Mapping[str, Any]) -> bool:
    """Whether a message has nothing about which there could be a question, as most have: a token, a title, a few texts."""
    if not message.keys() <= _PLAIN or not message.get("token"):
        return False
    data, said = message.get("data", {}), message.get("notification", _SAYING)
    if type(data) is not dict or type(said) is not dict or not said.keys() <= _NOTIFICATION:
        return False
    are_texts = set(map(type, chain(data.values(), said.values()))) <= {str}
    return are_texts and bool(said.get("title") or said.get("body")) and not any(map(is_of_fcm, data))


def _misspelt(message: Mapping[str, Any]) -> Iterator[str]:
    """What FCM would answer with INVALID_ARGUMENT."""
    unknown = sorted(message.keys() - _MEMBERS)
    if unknown:
        yield f"a message has no {', '.join(unknown)}"
    if message.get("topic") and not (isinstance(message["topic"], str) and _TOPIC.fullmatch(message["topic"])):
        yield "topic holds what the name of a topic may not; it has no /topics/ before it"
    if message.get("condition") and str(message["condition"]).count(" in topics") > _MOST_TOPICS:
        yield f"condition names more than {_MOST_TOPICS} topics"
    yield from not_texts("data", message.get("data"))
    yield from _unsaid(message.get("notification"), any(map(message.get, FCM_OBJECTS)))
    yield from of_platforms(message)


def _unsaid(notification: Any, is_said_elsewhere: bool) -> Iterator[str]:
    """A notification that shows nothing, since the platforms' parts have no words of their own, or else than texts."""
    if notification is None:
        return
    if not isinstance(notification, dict) or not all(isinstance(value, str) for value in notification.values()):
        yield "notification may hold texts only"
    elif unknown := sorted(notification.keys() - _NOTIFICATION):
        yield f"a notification has no {', '.join(unknown)}"
    elif not notification.get("title") and not notification.get("body") and not is_said_elsewhere:
        yield "the notification has neither title nor body"


def _code(reply: Reply) -> str:
    """FCM's own code where there is one, else the general status."""
    error = reply.object().get("error")
    if not isinstance(error, dict):
        return ""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and detail.get("errorCode"):
            return str(detail["errorCode"])
    return str(error.get("status", ""))


def _key_file(text: str, reference: str) -> dict[str, str]:
    try:
        found = json.loads(text)
        return {key: str(found[key]) for key in ("client_email", "private_key", "token_uri")}
    except (ValueError, KeyError, TypeError):
        # The content is a secret: it is not shown.
        raise ConfigError([f"{reference} is not a service account's key file"]) from None
