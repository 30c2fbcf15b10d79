"""A relay that says what a test wants it to say, line by line, and remembers what it heard."""

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Say = Callable[[bytes], bytes | None]


@dataclass
class Relay:
    """One thread for each session; `says` answers a line, and null is the usual answer.

    Args:
        says: Answer to a command, or to `.`, the end of a message; nothing at all, for an empty one; `b"close"` hangs up.
        tls: Certificate and key of its own, if it knows STARTTLS.
        after_go: Called when a message is allowed, before any of it is read.
    """

    says: Say = lambda _: None
    tls: ssl.SSLContext | None = None
    after_go: Callable[[], None] = lambda: None
    heard: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    cut_off: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                session, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session: socket.socket) -> None:
        try:
            with session:
                self._talk(session)
        except OSError:
            # Nobody is there any more, or the certificate was not liked.
            return

    def _talk(self, session: socket.socket) -> None:
        how, lines = "plain", session.makefile("rb")
        session.sendall(b"220 relay.example\r\n")
        while line := lines.readline():
            verb = line.split(b" ")[0].strip().upper()
            self.heard.append(f"{how} {line.decode().strip()}")
            said = self.says(line)
            if said == b"close":
                return
            session.sendall(self._usual(verb, how) if said is None else said)
            if verb == b"STARTTLS" and self.tls is not None and said is None:
                session = self.tls.wrap_socket(session, server_side=True)
                how, lines = "tls", session.makefile("rb")
            elif verb == b"DATA" and said is None:
                self.after_go()
                message = self._message(session)
                if message is None:
                    self.cut_off.set()
                    return
                self.messages.append(message)
                told = self.says(b".")
                session.sendall(b"250 taken\r\n" if told is None else told)

    def _message(self, session: socket.socket) -> bytes | None:
        """All up to a full stop alone; null if that never comes."""
        message = bytearray()
        while not message.endswith(b"\r\n.\r\n"):
            try:
                part = session.recv(1 << 16)
            except OSError:
                return None
            if not part:
                return None
            message += part
        return bytes(message)

    def _usual(self, verb: bytes, how: str) -> bytes:
        if verb == b"EHLO":
            offered = [b"STARTTLS"] if self.tls is not None and how == "plain" else []
            lines = [b"relay.example", *offered, b"AUTH PLAIN LOGIN"]
            return b"".join(b"250-" + one + b"\r\n" for one in lines[:-1]) + b"250 " + lines[-1] + b"\r\n"
        return {b"DATA": b"354 go\r\n", b"AUTH": b"235 ok\r\n", b"STARTTLS": b"220 go\r\n"}.get(verb, b"250 ok\r\n")
