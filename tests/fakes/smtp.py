"""A mail relay: aiosmtpd with a user, limits, mailboxes that do not exist, and faults at every step."""

import asyncio
import email
import email.policy
import logging
import warnings
from collections.abc import Iterable
from email.message import EmailMessage
from typing import Any, ClassVar

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.fakes.clock import Window
from tests.fakes.faults import Step
from tests.fakes.vendor import Call, Handler, Reply, Vendor
from tests.fakes.wire import break_off

_SLOWER = "421 4.7.0 Too many messages, try again later"
# Says how the parts are wrapped, with a boundary that is another each time the same message is written.
_WRAPPING = ("mime-version", "content-type", "content-transfer-encoding")
_NO_USER = "550 5.1.1 The mailbox does not exist"


class Smtp(Vendor):
    """A relay for one user. A request, for scripts and counters, is one message, from MAIL to the end of DATA."""

    name = "smtp"
    username: ClassVar[str] = "relay-user"
    password: ClassVar[str] = "relay-password"
    settings: ClassVar[dict[str, Any]] = {
        "max_bytes": 10_000_000,
        "needs_login": True,
        # Messages; null if unlimited.
        "rate": None,
        "keep": True,
    }
    verbs = (*Vendor.verbs, "unknown_mailboxes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listener: asyncio.Server | None = None
        self._released = asyncio.Event()

    def clear(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.unknown: set[str] = set()
        self._seen: set[str] = set()

    def state(self) -> dict[str, Any]:
        return {"messages": self.messages}

    def unknown_mailboxes(self, addresses: Iterable[str]) -> None:
        """Addresses that bounce at once."""
        self.unknown.update(addresses)

    async def start(self, host: str) -> None:
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self._listener = await asyncio.get_running_loop().create_server(self._session, host, 0)
        self.url = f"smtp://{host}:{self._listener.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self._released.set()
        if self._listener is not None:
            self._listener.close()

    def release(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def _session(self) -> SMTP:
        with warnings.catch_warnings():
            # A password without encryption never leaves this machine.
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(
                _Transactions(self),
                data_size_limit=self.config["max_bytes"],
                authenticator=self._authenticated,
                auth_required=self.config["needs_login"],
                auth_require_tls=False,
                enable_SMTPUTF8=True,
                hostname="relay.example",
            )

    def _authenticated(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            self.username.encode(),
            self.password.encode(),
        )
        if is_right and self.is_revoked is None:
            return AuthResult(success=True)
        self.counters.rejects["credentials"] += 1
        return AuthResult(success=False, handled=False)

    def begin(self) -> Step | None:
        """A message begins: what goes wrong with it."""
        self.counters.requests["MAIL"] += 1
        step = self.script.next("MAIL", True)
        if step is not None:
            self.counters.faults[step.fault] += 1
            if step.fault == "revoke":
                self.is_revoked = step.status or 535
        return step

    def refusal(self) -> str | None:
        """Why no message is taken now, if so."""
        if self.is_revoked is not None:
            self.counters.rejects["revoked"] += 1
            return f"{530 if self.is_revoked == 535 else self.is_revoked} 5.7.0 Authentication required"
        if self.config["rate"] is not None:
            window = self._windows.setdefault("rate", Window(*self.config["rate"]))
            if not window.take(self.clock()):
                self.counters.rejects["rate"] += 1
                return _SLOWER
        return None

    def take(self, envelope: Envelope) -> None:
        """Hold a message; it is parsed as a mailbox would."""
        raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        self.counters.bytes += len(raw)
        self.counters.items["messages"] += 1
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        number = str(message["Message-ID"] or "")
        self.counters.duplicates += number in self._seen
        self._seen.add(number)
        if self.config["keep"]:
            self.messages.append(_held(envelope, message))

    def route(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        return None

    def throttled(self, wait: float, window: Window | None = None) -> Reply:
        return Reply(429)

    def revoked(self, status: int) -> Reply:
        return Reply(status)


def _held(envelope: Envelope, message: EmailMessage) -> dict[str, Any]:
    def part(kind: str) -> str | None:
        found = message.get_body((kind,))
        return None if found is None else str(found.get_content())

    return {
        "from": envelope.mail_from,
        "to": list(envelope.rcpt_tos),
        "headers": {key: str(value) for key, value in message.items() if key.lower() not in _WRAPPING},
        "text": part("plain"),
        "html": part("html"),
    }


class _Transactions:
    """What aiosmtpd asks at each step."""

    def __init__(self, relay: Smtp) -> None:
        self._relay = relay
        self._step: Step | None = None

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        self._step = step = self._relay.begin()
        if step is not None and step.fault == "reset_before_body":
            return _reset(server)
        if step is not None and step.fault == "throttle":
            return _SLOWER
        refusal = self._relay.refusal()
        if refusal is not None:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self._relay.unknown or (self._step is not None and self._step.fault == "partial"):
            self._relay.counters.rejects["mailbox"] += 1
            return _NO_USER
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        step = self._step
        fault = None if step is None else step.fault
        if fault == "reset":
            return _reset(server)
        if fault == "hang":
            return await self._hang(server)
        if step is not None and fault in ("status", "html"):
            return f"{step.status or 451} the relay says no"
        self._relay.take(envelope)
        if step is not None and fault in ("lost", "truncated"):
            return await self._hang(server) if step.how == "hang" else _reset(server)
        if step is not None and fault == "slow":
            await asyncio.sleep(step.wait or 1)
        return "250 2.0.0 OK: queued"

    async def _hang(self, server: SMTP) -> str:
        await self._relay._released.wait()
        return _reset(server)


def _reset(server: SMTP) -> str:
    break_off(server.transport)
    return "421 gone"
