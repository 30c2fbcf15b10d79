"""E-mail by SMTP: one message for each delivery, with a way to unsubscribe in its headers."""

import asyncio
import json
import re
import smtplib
from collections import deque
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

import aiosmtplib

from personalake.activation.answers import Again, Answer, Lost, Refused, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import BaseConnector, Resolve, declared
from personalake.activation.contract import MISSHAPEN
from personalake.activation.delivery import Delivery, Pack
from personalake.activation.known_as import message_id
from personalake.activation.mail import address, header, in_brackets, mail, on_the_wire, wire_address
from personalake.activation.nameless import nameless
from personalake.activation.overdue import Overdue
from personalake.activation.reasons import NO_MAILBOX
from personalake.common.mailboxes import one_address
from personalake.config.connections.open import EmailConnection

# Replies that concern the session or the account, not the message: authentication, encryption, policy of the sender.
_ACCOUNT = frozenset({530, 534, 535, 538})
# The first digit decides (RFC 5321, 4.2).
_TAKEN, _GO_ON, _NOT_NOW, _NEVER = range(200, 300), (354,), range(400, 500), range(500, 600)
# What relays say of a recipient behind whom nobody will ever be (RFC 3463, RFC 7505): no mailbox, no address, moved without
# a new one, a domain without mail. That there is no such system (5.1.2) a relay says of everybody if its own DNS fails.
_NO_MAILBOX = re.compile(r"5\.1\.([136]|10)\b")
_NO_UTF8 = "an address needs SMTPUTF8, which the relay does not offer"
# 998 characters by RFC 5322, without the name of the header.
_LONGEST_LINE = 998 - len("List-Unsubscribe: ")
# Relays leave idle sessions open for minutes; one that was used just now needs no question.
_FRESH_SECONDS = 5.0


class Email(BaseConnector):
    """The payload has `to`, `subject`, `text` or `html`, and `unsubscribe_url`."""

    def __init__(self, name: str, connection: EmailConnection, clock: Clock, resolve: Resolve) -> None:
        super().__init__(name, declared(connection), clock)
        self._connection = connection
        self._login = (
            (resolve(connection.username), resolve(connection.password or "")) if connection.username is not None else None
        )
        name, sender = _one_address("sender", connection.sender)
        self._sender = wire_address(sender)
        self._from = f"From: {address(name, sender)}"
        self._mail_from = f"FROM:<{self._sender}>".encode()
        self._overdue = Overdue(connection.patience.reply_seconds)
        self._own_name: str | None = None
        # Sessions that are open and have nothing to do, and since when.
        self._idle: deque[tuple[aiosmtplib.SMTP, float]] = deque()

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """An address, something to read, and a way out."""
        for key in ("to", "subject", "unsubscribe_url"):
            if not isinstance(payload.get(key), str) or not payload[key]:
                return f"{key} is missing"
        said = [payload[key] for key in ("text", "html") if payload.get(key)]
        if not said or not all(isinstance(one, str) for one in said):
            return "text or html is needed, as a text"
        if not payload["unsubscribe_url"].lower().startswith(("https://", "mailto:")):
            return "unsubscribe_url is neither https:// nor mailto:"
        if any(character in payload[key] for key in ("to", "subject", "unsubscribe_url") for character in "\r\n"):
            return "a header holds a line end"
        if len(in_brackets(payload["unsubscribe_url"])) > _LONGEST_LINE:
            return f"unsubscribe_url does not fit into a line of {_LONGEST_LINE} characters, and must not be folded"
        for key in ("to", "reply_to"):
            if payload.get(key) and (not isinstance(payload[key], str) or one_address(payload[key]) is None):
                return f"{key} is not one address"
            if len(payload.get(key) or "") > _LONGEST_LINE:
                return f"{key} has more than {_LONGEST_LINE} characters"
        return None

    async def post(self, pack: Pack) -> Answer:
        """Hand over one message by a session of its own."""
        delivery = pack.deliveries[0]
        try:
            to, content = self.message(delivery)
        except MISSHAPEN as problem:
            return Refused(f"not a message: {problem}")
        try:
            session = await self._session()
        except aiosmtplib.SMTPAuthenticationError as error:
            if error.code in _NOT_NOW:
                return Again(f"SMTP {error.code} at login", is_pause=error.code == 421)
            return Stop(f"SMTP {error.code}: the relay refuses user and password")
        except (aiosmtplib.SMTPException, OSError) as error:
            return Again(f"not reached: {type(error).__name__}")
        is_kept = False
        try:
            answer = await self._handed_over(session, to, content, delivery)
            # After a refusal the transaction is still open.
            is_kept = isinstance(answer, Taken) or (isinstance(answer, Refused) and await self._is_clean(session))
        finally:
            if is_kept:
                self._idle.append((session, self.clock.ticks()))
            else:
                _cut_off(session)
        return answer

    def message(self, delivery: Delivery) -> tuple[str, bytes]:
        """Address and message of a delivery; its Message-ID is the delivery's, each time it is sent.

        Raises:
            ValueError: If no message can be made of it.
        """
        payload = json.loads(delivery.payload)
        name, to = _one_address("to", payload["to"])
        to = wire_address(to)
        way_out = payload["unsubscribe_url"]
        headers = [
            self._from,
            f"To: {address(name, to)}",
            header("Subject", payload["subject"]),
            f"Date: {_dated(self.clock.now().replace(microsecond=0))}",
            f"Message-ID: <{message_id(delivery.delivery_id, self._sender)}>",
            f"List-Unsubscribe: {in_brackets(way_out)}",
        ]
        if self._connection.one_click and way_out.lower().startswith("https://"):
            headers.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
        if payload.get("reply_to"):
            headers.append(f"Reply-To: {address(*_one_address('reply_to', payload['reply_to']))}")
        if payload.get("feedback_id"):
            headers.append(header("Feedback-ID", str(payload["feedback_id"])))
        return to, mail(headers, payload.get("text"), payload.get("html"), delivery.delivery_id)

    async def _session(self) -> aiosmtplib.SMTP:
        """One that is open already, or a new one; one that was idle for a while is asked whether it still lives."""
        while self._idle:
            session, since = self._idle.pop()
            if session.is_connected and (self.clock.ticks() - since < _FRESH_SECONDS or await self._is_clean(session)):
                return session
            _cut_off(session)
        return await self._connected()

    async def _connected(self) -> aiosmtplib.SMTP:
        """A new session; each step may take as long as connecting may."""
        connection, seconds = self._connection, self.declaration.patience.connect_seconds
        if self._own_name is None:
            # A full name, or an address in brackets, as relays want it; as slow as the DNS of this machine.
            self._own_name = await asyncio.to_thread(lambda: smtplib.SMTP().local_hostname)
        session = aiosmtplib.SMTP(
            hostname=connection.host,
            port=connection.port,
            local_hostname=self._own_name,
            use_tls=connection.security == "tls",
            start_tls=connection.security == "starttls",
            timeout=seconds,
        )
        try:
            await session.connect()
            await _greeted(session)
            if self._login is not None:
                await session.login(*self._login)
        except BaseException:
            _cut_off(session)
            raise
        # From here on who waits too long is found by `Overdue`: a time limit for each command would be a timer for each.
        session.timeout = None
        return session

    async def _is_clean(self, session: aiosmtplib.SMTP) -> bool:
        """Take back what was begun; false if nobody answers any more."""
        try:
            with self._overdue:
                await session.rset()
        except (aiosmtplib.SMTPException, OSError):
            return False
        return True

    async def _handed_over(self, session: aiosmtplib.SMTP, to: str, content: bytes, delivery: Delivery) -> Answer:
        """The transaction step by step, since only the last one is in doubt when its reply is lost."""
        mail_from = self._mail_from
        if not content.isascii():
            # Only addresses are not, by any of which a relay may be unable to write.
            if not session.supports_extension("smtputf8"):
                return Stop(_NO_UTF8) if not self._sender.isascii() else Refused(_NO_UTF8)
            mail_from += b" SMTPUTF8 BODY=8BITMIME"
        # Both addresses are checked and bare: to take them apart again costs as much as the reply.
        steps = ((b"MAIL", mail_from), (b"RCPT", f"TO:<{to}>".encode()), (b"DATA",))
        try:
            for verb, *of_whom in steps:
                with self._overdue:
                    code, said = await session.execute_command(verb, *of_whom)
                if code not in (_GO_ON if verb == b"DATA" else _TAKEN):
                    return _refusal(code, said, delivery, is_of_sender=verb == b"MAIL")
        except (aiosmtplib.SMTPException, OSError) as error:
            return Again(f"not reached: {type(error).__name__}")
        if not _is_listening(session):
            return Again("not reached: it has hung up, or answered a message that was not there yet")
        try:
            with self._overdue:
                code, said = await _said_of(session, on_the_wire(content))
        except (aiosmtplib.SMTPException, OSError) as error:
            return Lost(f"no reply after the message: {type(error).__name__}")
        if code in _TAKEN:
            return Taken()
        if code in _NOT_NOW or code in _NEVER:
            return _refusal(code, said, delivery)
        return Lost(f"SMTP {code} after the message")

    async def __aenter__(self) -> Self:
        self._overdue.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._overdue.stop()
        while self._idle:
            self._idle.pop()[0].close()


@lru_cache(2)
def _dated(second: datetime) -> str:
    """As RFC 5322 has it; many messages leave in one second."""
    return format_datetime(second)


def _one_address(key: str, text: str) -> tuple[str, str]:
    found = one_address(text)
    if found is None:
        raise ValueError(f"{key} is not one address")
    return found


async def _greeted(session: aiosmtplib.SMTP) -> None:
    """Introduce itself, to an old relay in the old way."""
    try:
        await session.ehlo()
    except aiosmtplib.SMTPHeloError:
        await session.helo()


async def _said_of(session: aiosmtplib.SMTP, content: bytes) -> aiosmtplib.SMTPResponse:
    """What is said of a message once it is allowed; `SMTP.data` begins before that, and does not tell one from the other."""
    assert session.protocol is not None
    session.protocol.write(content)
    return await session.protocol.read_response()


def _is_listening(session: aiosmtplib.SMTP) -> bool:
    """Whether a session is open, and nothing was said ahead, which would pass for the answer to what is said next."""
    return session.is_connected and session.protocol is not None and not session.protocol._buffer


def _cut_off(session: aiosmtplib.SMTP) -> None:
    """Let nothing leave any more: to close a session is to wait until the rest of a message is through."""
    if session.transport is not None:
        session.transport.abort()  # type: ignore[attr-defined]
    session.close()


def _refusal(code: int, reply: str, delivery: Delivery, is_of_sender: bool = False) -> Answer:
    """4xx may pass, 5xx never will; some concern the account. What is no answer to the question may be one next time."""
    if code in _NEVER and not is_of_sender and _NO_MAILBOX.match(reply):
        # A transaction has one recipient: whatever is said of an address is said of theirs.
        return Refused(NO_MAILBOX)
    said = reply.encode("utf-8", "surrogateescape").decode(errors="replace")
    text = nameless(said, json.loads(delivery.payload)["to"])
    # The sender is the same for all: what is wrong with it is wrong with each message.
    if code in _ACCOUNT or (is_of_sender and code in _NEVER):
        return Stop(f"SMTP {code}: {text}")
    return Refused(f"SMTP {code}: {text}") if code in _NEVER else Again(f"SMTP {code}: {text}", is_pause=code == 421)
