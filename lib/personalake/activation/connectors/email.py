"""E-mail by SMTP: one message for each delivery, with a way to unsubscribe in its headers."""

import asyncio
import json
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.utils import format_datetime
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from personalake.activation.answers import Again, Answer, Lost, Refused, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import BaseConnector, Resolve, declared
from personalake.activation.contract import MISSHAPEN
from personalake.activation.delivery import Delivery, Pack
from personalake.activation.mail import address, header, in_brackets, mail, wire_address
from personalake.common.mailboxes import one_address
from personalake.config.connections.open import EmailConnection

# Replies that concern the session or the account, not the message: authentication, encryption, policy of the sender.
_ACCOUNT = frozenset({530, 534, 535, 538})
# 998 characters by RFC 5322, without the name of the header.
_LONGEST_LINE = 998 - len("List-Unsubscribe: ")
# Relays leave idle sessions open for minutes; one that was used just now needs no question.
_FRESH_SECONDS = 5.0


class Email(BaseConnector):
    """The payload has `to`, `subject`, `text` or `html`, and `unsubscribe_url`."""

    def __init__(self, name: str, connection: EmailConnection, clock: Clock, resolve: Resolve) -> None:
        # Twice as many as there are sessions, so that each finds its next message waiting.
        declaration = replace(declared(connection), max_in_flight=2 * connection.max_in_flight)
        super().__init__(name, declaration, clock)
        self._connection = connection
        self._login = (
            (resolve(connection.username), resolve(connection.password or "")) if connection.username is not None else None
        )
        name, sender = _one_address("sender", connection.sender)
        self._sender = wire_address(sender)
        self._domain = self._sender.rpartition("@")[2]
        self._from = f"From: {address(name, sender)}"
        # One thread for each session: those of the event loop are fewer, and read and write down meanwhile.
        self._threads: ThreadPoolExecutor | None = None
        self._idle: SimpleQueue[tuple[smtplib.SMTP, float]] = SimpleQueue()

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """An address, something to read, and a way out."""
        for key in ("to", "subject", "unsubscribe_url"):
            if not isinstance(payload.get(key), str) or not payload[key]:
                return f"{key} is missing"
        if not payload.get("text") and not payload.get("html"):
            return "text or html is needed"
        if not payload["unsubscribe_url"].startswith(("https://", "mailto:")):
            return "unsubscribe_url is neither https:// nor mailto:"
        if any(character in payload[key] for key in ("to", "subject", "unsubscribe_url") for character in "\r\n"):
            return "a header holds a line end"
        if len(in_brackets(payload["unsubscribe_url"])) > _LONGEST_LINE:
            return f"unsubscribe_url does not fit into a line of {_LONGEST_LINE} characters, and must not be folded"
        for key in ("to", "reply_to"):
            if payload.get(key) and (not isinstance(payload[key], str) or one_address(payload[key]) is None):
                return f"{key} is not one address"
        return None

    async def post(self, pack: Pack) -> Answer:
        """Send one message in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._sent, pack.deliveries[0])

    def _sent(self, delivery: Delivery) -> Answer:
        try:
            to, content = self.message(delivery)
        except MISSHAPEN as problem:
            return Refused(f"not a message: {problem}")
        return self._send(to, content)

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
            f"Date: {format_datetime(self.clock.now())}",
            f"Message-ID: <{delivery.delivery_id}@{self._domain}>",
            f"List-Unsubscribe: {in_brackets(way_out)}",
        ]
        if self._connection.one_click and way_out.startswith("https://"):
            headers.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
        if payload.get("reply_to"):
            headers.append(f"Reply-To: {address(*_one_address('reply_to', payload['reply_to']))}")
        if payload.get("feedback_id"):
            headers.append(header("Feedback-ID", payload["feedback_id"]))
        return to, mail(headers, payload.get("text"), payload.get("html"), delivery.delivery_id)

    def _send(self, to: str, content: bytes) -> Answer:
        try:
            session = self._session()
        except smtplib.SMTPAuthenticationError as error:
            return Stop(f"SMTP {error.smtp_code}: the relay refuses user and password")
        except (smtplib.SMTPException, OSError) as error:
            return Again(f"not reached: {type(error).__name__}")
        answer = _handed_over(session, self._sender, to, content)
        # After a refusal the transaction is still open.
        if isinstance(answer, Taken) or (isinstance(answer, Refused) and _is_clean(session)):
            self._idle.put((session, self.clock.ticks()))
        else:
            session.close()
        return answer

    def _session(self) -> smtplib.SMTP:
        """One that is open already, or a new one; one that was idle for a while is asked whether it still lives."""
        while True:
            try:
                session, since = self._idle.get_nowait()
            except Empty:
                return self._connected()
            if self.clock.ticks() - since < _FRESH_SECONDS or _is_clean(session):
                return session
            session.close()

    def _connected(self) -> smtplib.SMTP:
        connection, seconds = self._connection, self.declaration.patience.connect_seconds
        context = ssl.create_default_context()
        if connection.security == "tls":
            session: smtplib.SMTP = smtplib.SMTP_SSL(connection.host, connection.port, timeout=seconds, context=context)
        else:
            session = smtplib.SMTP(connection.host, connection.port, timeout=seconds)
        if connection.security == "starttls":
            session.starttls(context=context)
        session.ehlo_or_helo_if_needed()
        if self._login is not None:
            session.login(*self._login)
        if session.sock is not None:
            session.sock.settimeout(self.declaration.patience.reply_seconds)
        return session

    async def __aenter__(self) -> Self:
        self._threads = ThreadPoolExecutor(self._connection.max_in_flight, thread_name_prefix="smtp")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._threads is not None:
            # What is being handed over comes to its end: nothing may leave once a run is over.
            await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
            self._threads = None
        while not self._idle.empty():
            self._idle.get_nowait()[0].close()


def _one_address(key: str, text: str) -> tuple[str, str]:
    found = one_address(text)
    if found is None:
        raise ValueError(f"{key} is not one address")
    return found


def _is_clean(session: smtplib.SMTP) -> bool:
    """Take back what was begun; false if nobody answers any more."""
    try:
        return bool(session.rset()[0] == 250)
    except (smtplib.SMTPException, OSError):
        return False


def _handed_over(session: smtplib.SMTP, sender: str, to: str, content: bytes) -> Answer:
    """The transaction step by step, since only the last one is in doubt when its reply is lost."""
    try:
        for code, reply in (session.mail(sender), session.rcpt(to)):
            if code not in (250, 251):
                return _refusal(code, reply)
    except (smtplib.SMTPException, OSError) as error:
        return Again(f"not reached: {type(error).__name__}")
    try:
        code, reply = session.data(content)
    except smtplib.SMTPDataError as error:
        return _refusal(error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        return Lost(f"no reply after the message: {type(error).__name__}")
    return Taken() if code == 250 else _refusal(code, reply)


def _refusal(code: int, reply: bytes | str) -> Answer:
    """4xx may pass, 5xx never will; some concern the account."""
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    if code in _ACCOUNT:
        return Stop(f"SMTP {code}: {text}")
    if code == 421 or code == -1:
        return Again(f"SMTP {code}: {text}", is_pause=code == 421)
    return Again(f"SMTP {code}: {text}") if 400 <= code < 500 else Refused(f"SMTP {code}: {text}")
