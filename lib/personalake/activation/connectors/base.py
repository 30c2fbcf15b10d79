"""What connectors share, so that a new one is a page: a request out of a pack, and an answer out of a reply."""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from itertools import repeat
from types import TracebackType
from typing import Any, Self, TypeVar

from multidict import istr

from personalake.activation.answers import Again, Answer, Lost, NotYet, Refused, Stop
from personalake.activation.clock import Clock
from personalake.activation.connectors.replies import usual_fault
from personalake.activation.contract import MISSHAPEN, Declaration, Limits, Measured, one_by_one
from personalake.activation.delivery import Delivery, Pack
from personalake.activation.tokens import TokenRefused, Tokens
from personalake.activation.transport import Reply, ReplyLost, Request, Transport, Unreached
from personalake.config.connections.base import Bounds, Connection

# Names of headers that aiohttp need not bring into one case for each request.
AUTHORIZATION = istr("Authorization")
JSON: Mapping[str, str] = {istr("Content-Type"): "application/json"}
Resolve = Callable[[str], str]
Meaning = TypeVar("Meaning", Answer, Answer | NotYet)
_DECODER = json.JSONDecoder()
_scan = _DECODER.scan_once  # type: ignore[attr-defined]


def decoded(text: str, decoder: json.JSONDecoder = _DECODER) -> Any:
    """JSON, twice as fast as `json.loads` where nothing stands around it, as in payloads.

    >>> decoded('{"a": 1.50}'), decoded(' [1] ')
    ({'a': 1.5}, [1])

    Raises:
        ValueError: If it is none.
    """
    try:
        found, end = decoder.raw_decode(text)
    except ValueError:
        return decoder.decode(text)
    return found if end == len(text) else decoder.decode(text)


def declared(
    connection: Connection,
    *,
    limits: Limits | None = None,
    window_seconds: float | None = None,
    bounds: Bounds | None = None,
) -> Declaration:
    """A declaration out of a connection's settings."""
    usual = Limits(connection.max_items, connection.max_bytes, connection.max_item_bytes)
    return Declaration(
        kind=str(getattr(connection, "kind", "")),
        limits=limits or usual,
        rates=connection.rates,
        deduplication=connection.promised.deduplication,
        unknown=connection.unknown,
        patience=connection.patience,
        bounds=bounds or connection.bounds,
        max_in_flight=connection.max_in_flight,
        chunk_items=connection.chunk_items,
        recheck_seconds=connection.recheck_seconds,
        guarantee=connection.promised.guarantee,
        window_seconds=window_seconds,
    )


def encoded_objects(texts: Sequence[str]) -> list[bytes] | None:
    """Payloads as bytes, looked at all at once; null if one or another is no JSON object, or none that can be sent.

    >>> encoded_objects(['{"a": 1}', "{}"]), encoded_objects(["{}", "[]"])
    ([b'{"a": 1}', b'{}'], None)
    """
    try:
        return None if objects(texts) is None else list(map(str.encode, texts))
    except MISSHAPEN:
        return None


def objects(texts: Sequence[str]) -> Sequence[dict[str, Any]] | None:
    """Payloads as JSON, all at once; null if one or another is no JSON object, or has blanks around it.

    >>> objects(['{"a": 1}', "{}"]), objects(["{}", "[]"])
    (({'a': 1}, {}), None)
    """
    try:
        # What is no JSON at all ends the map as if it were the last, and is missing from the ends.
        found, ends = zip(*map(_scan, texts, repeat(0)), strict=True)
    except MISSHAPEN:
        return None
    return found if set(map(type, found)) == {dict} and ends == tuple(map(len, texts)) else None


class BaseConnector:
    """The usual answers to what a connector is asked; most connectors change few of them.

    Args:
        name: Name of the destination.
        declaration: What it promises.
        clock: Time.
    """

    def __init__(self, name: str, declaration: Declaration, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self._declaration = declaration
        self._parsed: tuple[str, Any] = ("null", None)
        # Whether a payload is read to see what it lacks, in the usual way, and for no other question.
        own, usual = type(self), BaseConnector
        is_usual = (own.problem_of, own.size_of, own.loads) == (usual.problem_of, usual.size_of, usual.loads)
        self._is_read_once = is_usual and not self.has_groups and not declaration.limits.distinct

    def parsed(self, delivery: Delivery) -> Any:
        """The payload as JSON; the one that was asked for last is remembered, since questions come in a row.

        Raises:
            ValueError: If it is none.
        """
        text, found = self._parsed
        if text is not delivery.payload:
            found = self.loads(delivery.payload)
            self._parsed = (delivery.payload, found)
        return found

    def loads(self, text: str) -> Any:
        """JSON as this destination wants it."""
        return decoded(text)

    @property
    def declaration(self) -> Declaration:
        """Limits, guarantee and policies."""
        return self._declaration

    @property
    def erasure_limits(self) -> Limits:
        """People in one erasure request."""
        return Limits(max_items=1)

    def group_of(self, delivery: Delivery) -> str:
        """Everything may share a request."""
        return ""

    def key_of(self, delivery: Delivery) -> str:
        """No two items are in each other's way."""
        return ""

    def size_of(self, delivery: Delivery) -> int:
        """The payload's bytes."""
        payload = delivery.payload
        return len(payload) if payload.isascii() else len(payload.encode())

    def measured(self, deliveries: Sequence[Delivery]) -> Sequence[Measured]:
        """Of each delivery its size, or why it would never be taken."""
        found = objects([delivery.payload for delivery in deliveries]) if self._is_read_once else None
        if found is None:
            return one_by_one(self, deliveries)
        try:
            problems = [self.lacks(one.operation, payload) for one, payload in zip(deliveries, found, strict=True)]
            sizes = map(self.size_of, deliveries)
            return [size if problem is None else problem for size, problem in zip(sizes, problems, strict=True)]
        except MISSHAPEN:
            return one_by_one(self, deliveries)

    @property
    def has_groups(self) -> bool:
        """Whether this connector says more about groups than that there are none."""
        return type(self).group_of is not BaseConnector.group_of

    def envelope(self, group: str, first: Delivery) -> int:
        """Nothing stands around the items."""
        return 0

    def problem_of(self, delivery: Delivery) -> str | None:
        """Why a payload would never be taken: it is no JSON object, or lacks what the destination wants."""
        try:
            payload = self.parsed(delivery)
        except (ValueError, RecursionError):
            return "the payload is not JSON"
        if not isinstance(payload, dict):
            return "the payload is not a JSON object"
        return self.lacks(delivery.operation, payload)

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """What a payload lacks, if anything."""
        return None

    def is_state(self, delivery: Delivery) -> bool:
        """Nothing is."""
        return False

    async def ask(self, pack: Pack, reference: str) -> Answer | NotYet:
        """Nothing is queued there."""
        return NotYet()

    async def erase(self, pack: Pack) -> Answer:
        """Nobody can be erased there by a request."""
        return Refused("this destination has no way to erase people by a request")

    async def ask_erasure(self, reference: str) -> Answer | NotYet:
        """Nobody can be asked."""
        return NotYet()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class HttpConnector(BaseConnector):
    """A connector that speaks HTTP; sub-classes say what a request is, and what a reply means.

    Args:
        name: Name of the destination.
        declaration: What it promises.
        clock: Time.
        transport: HTTP; one with the declaration's patience by default.
    """

    tokens: Tokens | None = None

    def __init__(self, name: str, declaration: Declaration, clock: Clock, transport: Transport | None = None) -> None:
        super().__init__(name, declaration, clock)
        self.transport = transport or Transport(declaration.patience, declaration.max_in_flight)

    async def __aenter__(self) -> Self:
        await self.transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.transport.__aexit__(kind, error, trace)

    def request(self, pack: Pack) -> Request:
        """The request of a pack."""
        raise NotImplementedError

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """What a reply without a general fault means for a pack."""
        raise NotImplementedError

    def fault(self, reply: Reply) -> Answer | None:
        """What a reply means whatever was asked: too many requests, no permission, out of order; null if nothing."""
        return usual_fault(reply, self._declaration.patience, self.clock)

    def post(self, pack: Pack) -> Coroutine[Any, Any, Answer]:
        """Hand over a pack, once; to be awaited."""
        try:
            request = self.request(pack)
        except MISSHAPEN as problem:
            return _refusing(f"no request can be made of it: {type(problem).__name__}")
        return self.exchange(request, partial(self.answer, pack))

    async def exchange(self, request: Request, meaning: Callable[[Reply], Meaning]) -> Meaning | Answer:
        """Send a request and understand its reply; a token that was refused is replaced once."""
        tokens = self.tokens
        try:
            # No coroutine between this one and the transport's, which every request would pay for.
            if tokens is None:
                reply = await self.transport.send(request)
            else:
                token = tokens.at_hand or await tokens.current()
                reply = await self.transport.send(_bearing(request, token.value))
                if reply.status == 401:
                    token = await tokens.instead_of(token)
                    reply = await self.transport.send(_bearing(request, token.value))
        except TokenRefused as refusal:
            return Stop(f"no token: {refusal}")
        except Unreached as failure:
            return Again(f"not reached: {failure}")
        except ReplyLost as loss:
            return Lost(f"no reply: {loss}")
        found = self.fault(reply)
        if found is not None:
            return found
        try:
            return meaning(reply)
        except MISSHAPEN:
            return Lost(f"status {reply.status} with a body that cannot be understood")


async def _refusing(reason: str) -> Refused:
    return Refused(reason)


def _bearing(request: Request, token: str) -> Request:
    return Request(request.method, request.url, request.body, {**request.headers, AUTHORIZATION: f"Bearer {token}"})
