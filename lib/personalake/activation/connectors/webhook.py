"""Signed webhooks, as Standard Webhooks has them; also the way to a help desk."""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from multidict import istr

from personalake.activation.answers import Answer, Refused, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import AUTHORIZATION, JSON, HttpConnector, Resolve, declared, encoded_objects
from personalake.activation.connectors.replies import said
from personalake.activation.contract import Limits, Measured
from personalake.activation.delivery import Delivery, Pack
from personalake.activation.transport import Reply, Request, Transport
from personalake.config.connections.open import WebhookConnection
from personalake.config.connections.signing import signing_key
from personalake.errors import ConfigError

_TAKEN = Taken()
_ID, _TIMESTAMP, _SIGNATURE = map(istr, ("webhook-id", "webhook-timestamp", "webhook-signature"))
# By which APIs that know it, such as Zendesk's, tell a repetition.
_REPETITION = istr("Idempotency-Key")


class Webhook(HttpConnector):
    """One request for each delivery; the receiver can tell a repetition by `webhook-id`, which never changes."""

    def __init__(self, name: str, connection: WebhookConnection, clock: Clock, resolve: Resolve) -> None:
        transport = Transport(
            connection.patience, connection.max_in_flight, connection.allow_private, connection.allow_redirects
        )
        super().__init__(name, declared(connection), clock, transport)
        self._url, self._is_event = connection.url, connection.form == "event"
        keys = [_key(resolve, connection.secret, is_former=False)]
        if connection.former_secret is not None:
            keys.append(_key(resolve, connection.former_secret, is_former=True))
        self._signers = [HMAC(key, SHA256()) for key in keys]
        self._headers = dict(JSON)
        if connection.bearer:
            self._headers[AUTHORIZATION] = f"Bearer {resolve(connection.bearer)}"
        if connection.basic:
            self._headers[AUTHORIZATION] = _basic(resolve, connection.basic)

    def measured(self, deliveries: Sequence[Delivery]) -> Sequence[Measured]:
        """Any JSON object may leave, as it is."""
        bodies = encoded_objects([delivery.payload for delivery in deliveries])
        return super().measured(deliveries) if bodies is None else bodies

    def request(self, pack: Pack) -> Request:
        """The payload, signed for this moment."""
        delivery = pack.deliveries[0]
        return self._signed(delivery.delivery_id, pack.items[0] if pack.items else delivery.payload.encode())

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """Any 2xx; of a refusal also the details, without which a help desk's says nothing (`RecordInvalid`)."""
        if 200 <= reply.status < 300:
            return _TAKEN
        details = reply.object().get("details")
        return Refused(f"{said(reply)} {json.dumps(details)}" if details else said(reply))

    @property
    def erasure_limits(self) -> Limits:
        """One person a request."""
        return Limits(1)

    async def erase(self, pack: Pack) -> Answer:
        """Tell the receiver, under a type of its own; an API of somebody else's knows no such type."""
        if not self._is_event:
            return Refused("this address takes fields, and no word of whom to forget; delete them there by hand")
        delivery, at = pack.deliveries[0], self.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = json.dumps({"type": "person.erased", "timestamp": at, "data": {"id": delivery.payload}}).encode()
        return await self.exchange(self._signed(delivery.delivery_id, body), lambda reply: self.answer(pack, reply))

    def _signed(self, message_id: str, body: bytes) -> Request:
        headers = signature(self._signers, message_id, self.clock.now(), body)
        headers.update(self._headers)
        if not self._is_event:
            headers[_REPETITION] = message_id
        return Request("POST", self._url, body, headers)


def _key(resolve: Resolve, reference: str, is_former: bool) -> bytes:
    try:
        return signing_key(resolve(reference), is_former)
    except ValueError as problem:
        raise ConfigError([f"{reference} is no secret of a webhook: {problem}"]) from None


def _basic(resolve: Resolve, reference: str) -> str:
    pair = resolve(reference)
    if ":" not in pair:
        raise ConfigError([f"{reference} has no colon between user and password"])
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def signature(signers: Iterable[HMAC], message_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers: HMAC-SHA256 over id, timestamp and body, once by each key.

    Args:
        signers: HMAC-SHA256 that have taken a shared secret in, see `signing_key`, and nothing else.
        message_id: The same each time the message is sent.
        now: Time of sending; receivers refuse old ones.
        body: Exactly what is sent.
    """
    timestamp = str(int(now.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        _ID: message_id,
        _TIMESTAMP: timestamp,
        _SIGNATURE: " ".join([_signed(signer, content) for signer in signers]),
    }


def _signed(signer: HMAC, content: bytes) -> str:
    # A copy spares taking the secret in again, which costs as much as the message.
    one = signer.copy()
    one.update(content)
    return f"v1,{binascii.b2a_base64(one.finalize(), newline=False).decode()}"
