"""What every fake vendor is: routes, limits, counters, faults, and a state that can be looked at."""

import hashlib
import json
import traceback
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.fakes import schemas, wire
from tests.fakes.clock import Window
from tests.fakes.faults import GENERAL, Script, Step

JSON = "application/json"


@dataclass(slots=True)
class Call:
    """A request, read to its end."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    step: Step | None = None

    def refused_places(self, count: int) -> frozenset[int]:
        """Items that the script wants refused."""
        if self.step is None or self.step.fault != "partial":
            return frozenset()
        return frozenset(self.step.hits(count))


@dataclass(slots=True)
class Reply:
    """A reply; a body that is not bytes is sent as JSON."""

    status: int
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON

    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, separators=(",", ":")).encode()


class Reject(Exception):
    """A request that is refused, with the vendor's reply and the reason under which it is counted."""

    def __init__(self, reason: str, reply: Reply) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply


@dataclass
class Counters:
    """What was asked, not what came of it."""

    requests: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    crashes: list[str] = field(default_factory=list)

    def dump(self) -> dict[str, Any]:
        return {
            "requests": sum(self.requests.values()),
            "by_path": dict(self.requests),
            "bytes": self.bytes,
            "statuses": dict(self.statuses),
            "items": dict(self.items),
            "rejects": dict(self.rejects),
            "faults": dict(self.faults),
            "duplicates": self.duplicates,
            "peak_in_flight": self.peak_in_flight,
            "crashes": self.crashes,
        }


Handler = Callable[..., Reply]


class Vendor:
    """A vendor that holds nothing yet.

    Args:
        clock: Seconds since the epoch.
        url: Base of its endpoints.
    """

    name: ClassVar[str]
    # What a user of the fake may change by `configure`; the values are what the vendor publishes.
    settings: ClassVar[Mapping[str, Any]] = {}
    # Paths that carry no data: faults without a path of their own do not count them.
    quiet: ClassVar[tuple[str, ...]] = ()
    # Faults that only this vendor has.
    specials: ClassVar[tuple[str, ...]] = ()
    # What can be asked of it by name, from another process too.
    verbs: ClassVar[tuple[str, ...]] = ("state", "digest", "reset", "configure", "expire_tokens")

    def __init__(self, clock: Callable[[], float], url: str = "") -> None:
        self.clock = clock
        self.url = url
        self.config: dict[str, Any] = dict(self.settings)
        self.journal: deque[dict[str, Any]] = deque(maxlen=10_000)
        self._windows: dict[str, Window] = {}
        self.reset()

    def reset(self) -> None:
        """Forget everything but the configuration."""
        self.counters = Counters()
        self.script = Script()
        self.journal.clear()
        self._windows.clear()
        self.is_revoked: int | None = None
        self.clear()

    def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings."""
        unknown = set(changes) - set(self.settings)
        if unknown:
            raise ValueError(f"{self.name} has no setting {', '.join(sorted(unknown))}; it has {', '.join(self.settings)}")
        self.config.update(changes)
        self._windows.clear()

    def clear(self) -> None:
        """Forget what is held."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """What the vendor would hold now."""
        raise NotImplementedError

    def digest(self) -> dict[str, dict[str, Any]]:
        """Number and checksum of what is held, by its kind, whatever the order: for comparing what is too large to dump."""
        return {kind: digested(held) for kind, held in self.state().items()}

    def route(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        """Who answers a call, and with which parts of its path."""
        raise NotImplementedError

    def throttled(self, wait: float, window: Window | None = None) -> Reply:
        """Too many requests, in the vendor's dialect."""
        raise NotImplementedError

    def failed(self, status: int) -> Reply:
        """A failure of the vendor's own."""
        return Reply(status, {"message": "Internal Server Error"})

    def revoked(self, status: int) -> Reply:
        """The account is not accepted any more."""
        raise NotImplementedError

    def expire_tokens(self) -> None:
        """Tokens that were issued are worth nothing from now on."""

    def special(self, call: Call, step: Step) -> Reply | None:
        """The reply to one of `specials`; null to go on as usual."""
        raise NotImplementedError

    def knows(self, fault: str) -> None:
        """Raise for a fault that the vendor cannot have."""
        if fault not in (*GENERAL, *self.specials):
            raise ValueError(f"{self.name} knows no fault {fault!r}; it knows {', '.join((*GENERAL, *self.specials))}")

    async def start(self, host: str) -> None:
        """Open ports of its own, if it speaks something else than HTTP."""

    async def stop(self) -> None:
        """Close them."""

    def release(self) -> None:
        """Break the connections that hang, where they are not the HTTP server's."""

    def counted(self, path: str) -> str:
        """The path under which a request is counted: without ids."""
        return path

    def note(self, call: Call, status: int, end: str = "answered") -> None:
        """Keep a line about a request."""
        fault = call.step.fault if call.step else None
        self.journal.append(
            {"call": f"{call.method} {call.path}", "bytes": len(call.body), "status": status, "fault": fault, "end": end}
        )

    def carries_data(self, path: str) -> bool:
        """Whether faults without a path count this request."""
        return not any(part in path for part in self.quiet)

    def answer(self, call: Call) -> Reply:
        """The reply to a call; what is accepted is held from now on."""
        found = self.route(call)
        if found is None:
            self.counters.rejects["not_found"] += 1
            return self.not_found(call)
        handler, parts = found
        try:
            if self.is_revoked is not None:
                raise Reject("revoked", self.revoked(self.is_revoked))
            return handler(call, *parts)
        except Reject as rejection:
            self.counters.rejects[rejection.reason] += 1
            return rejection.reply
        except Exception:
            # The fake's own mistake, which must not pass for the vendor's: tests look at the counter.
            self.counters.crashes.append(traceback.format_exc())
            return Reply(500, {"message": "the fake itself crashed"})

    def not_found(self, call: Call) -> Reply:
        """Nothing answers there."""
        return Reply(404, {"message": "Not Found"})

    def pace(self, name: str, units: int = 1) -> Window:
        """Use up units of a rate, `(amount, seconds)` under that name in the settings, or reject the call."""
        window = self._windows.get(name)
        if window is None:
            amount, seconds = self.config[name] or (None, 1)
            window = self._windows[name] = Window(amount, seconds)
        now = self.clock()
        if not window.take(now, units):
            raise Reject("rate", self.throttled(window.wait(now), window))
        return window

    def valid(self, schema: str, body: Any, refuse: Callable[[str], Reply]) -> None:
        """Reject a body that is not as documented."""
        found = schemas.problem(self.name, schema, body)
        if found is not None:
            raise Reject("schema", refuse(found))

    def parsed(self, call: Call, refuse: Reply, *lists: str) -> tuple[Any, dict[str, list[int]]]:
        """The JSON of a call, with the bytes of the items of some lists; else the call is rejected."""
        try:
            return wire.measured(call.body, *lists) if lists else (wire.loads(call.body), {})
        except (ValueError, RecursionError):
            raise Reject("json", refuse) from None

    def is_json(self, call: Call) -> bool:
        """Whether the call says that it carries JSON."""
        return call.headers.get("Content-Type", "").split(";")[0].strip().lower() == JSON


def digested(held: Any) -> dict[str, Any]:
    """Number of parts, and a checksum over all of them whatever their order."""
    parts = held.items() if isinstance(held, dict) else held if isinstance(held, list) else [held]
    lines = sorted(json.dumps(part, sort_keys=True) for part in parts)
    checksum = hashlib.sha256()
    for line in lines:
        checksum.update(line.encode())
    return {"count": len(lines), "sha256": checksum.hexdigest()}


def within(places: Sequence[int], limit: int | None) -> bool:
    """Whether no size is beyond a limit."""
    return limit is None or not places or max(places) <= limit
