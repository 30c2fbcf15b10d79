"""HTTP as sending needs it: what certainly did not leave is told apart from what may have been taken."""

import asyncio
import ipaddress
import json
import socket
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from personalake.activation.overdue import Overdue
from personalake.config.connections.base import Patience

_AGENT = "personalake"
# Other redirects turn a request into another one, and lose its body.
_SAME_REQUEST, _MOST_HOPS = (307, 308), 3
_HOSTS = 1_024
# Digits of a length that is beyond no measure.
_FEW_DIGITS = 5
_PAGES = (b"<!doc", b"<html")
_read = json.JSONDecoder().raw_decode


class Unreached(Exception):
    """Raised when a request certainly did not leave."""


class ReplyLost(Exception):
    """Raised when a request may have been taken, and no reply came."""


@dataclass(slots=True)
class Request:
    """One request; its representation shows neither headers nor body."""

    method: str
    url: str
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Reply:
    """One reply, read to its end."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_html(self) -> bool:
        """Whether it is a page, which no API sends: a proxy or a portal answered instead."""
        if self.body.startswith(b"{"):
            return False
        if "html" in self.headers.get("Content-Type", "").lower():
            return True
        head = self.body[:64].lstrip()
        return head.startswith(b"<") and head.lower().startswith(_PAGES)

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: If it is none.
        """
        # As text, which spares the guess at its encoding; what begins otherwise may have a mark of it before.
        if not self.body.startswith(b"{"):
            return json.loads(self.body)
        text = self.body.decode()
        found, end = _read(text)
        return found if end == len(text) else json.loads(text)

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one if it is something else."""
        try:
            found = self.json()
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Transport:
    """An aiohttp session that follows no redirect and keeps no cookie.

    Args:
        patience: Time-outs.
        max_in_flight: Connections.
        allow_private: Whether addresses that are not public may be reached.
        allow_redirects: Whether redirects are followed that keep the request as it is (307, 308); each hop is looked up with
            the same care, and none leads away from https.
    """

    def __init__(
        self, patience: Patience, max_in_flight: int, allow_private: bool = True, allow_redirects: bool = False
    ) -> None:
        self._patience = patience
        self._max_in_flight = max_in_flight
        self._allow_private = allow_private
        self._allow_redirects = allow_redirects
        self._session: aiohttp.ClientSession | None = None
        self._overdue = Overdue(patience.reply_seconds)

    async def __aenter__(self) -> Self:
        # A limit on the whole way to a connection would be a timer for each request: these two are asked on new ones alone.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._patience.connect_seconds)
        resolver = _Resolver(self._patience.connect_seconds, self._allow_private)
        self._session = aiohttp.ClientSession(
            timeout=timeout,
            connector=aiohttp.TCPConnector(limit=self._max_in_flight, resolver=resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": _AGENT},
        )
        self._overdue.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._overdue.stop()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def send(self, request: Request) -> Coroutine[Any, Any, Reply]:
        """Send a request, once; to be awaited.

        Raises:
            Unreached: If it certainly did not leave.
            ReplyLost: If it may have been taken.
        """
        return self._followed(request) if self._allow_redirects else self._sent(request)

    async def _followed(self, request: Request) -> Reply:
        reply = await self._sent(request)
        for _ in range(_MOST_HOPS):
            target = _moved(request, reply)
            if target is None:
                break
            request = replace(request, url=target)
            reply = await self._sent(request)
        return reply

    async def _sent(self, request: Request) -> Reply:
        if self._session is None:
            raise Unreached("the connection is closed")
        if not self._allow_private and _is_private_literal(request.url):
            raise Unreached("the address is not public; allow_private would permit it")
        try:
            with self._overdue:
                # Read to its end, or broken off, a reply lets go of its connection by itself.
                data = aiohttp.BytesPayload(request.body) if request.body else None
                response = await self._session.request(
                    request.method, request.url, data=data, headers=request.headers, allow_redirects=False
                )
                body = _at_hand(response)
                return Reply(response.status, response.headers, await self._read(response) if body is None else body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise Unreached(type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The message of the library may show a URL, which may hold an identifier; its type is enough.
            raise ReplyLost(type(error).__name__) from None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body, if it is not beyond all measure: a few bytes can unpack to more than there is memory."""
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > self._patience.max_reply_bytes:
                response.close()
                raise ReplyLost("beyond patience.max_reply_bytes")
        return bytes(body)


def _at_hand(response: aiohttp.ClientResponse) -> bytes | None:
    """A short body that has come with its head, as nearly every one has; null if it has not, or may be a long one."""
    headers, content = response.headers, response.content
    length = headers.get("Content-Length")
    is_short = length is not None and len(length) < _FEW_DIGITS and "Content-Encoding" not in headers
    return content.read_nowait() if is_short and content.is_eof() else None


def _moved(request: Request, reply: Reply) -> str | None:
    """Where the very same request is wanted; null if nowhere, or where it would be less safe."""
    location = reply.headers.get("location")
    if reply.status not in _SAME_REQUEST or not location:
        return None
    target = urljoin(request.url, location)
    is_safe = target.startswith("https://") or (target.startswith("http://") and not request.url.startswith("https://"))
    return target if is_safe else None


class _Resolver(AbstractResolver):
    """Looks names up, for so long, and refuses those that stand for an address that is not public, unless they may."""

    def __init__(self, seconds: float, allow_private: bool) -> None:
        self._inner = aiohttp.ThreadedResolver()
        self._seconds = seconds
        self._allow_private = allow_private

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._inner.resolve(host, port, family)
        except TimeoutError:
            raise OSError(None, "the name was not looked up in time") from None
        if not self._allow_private and not all(is_public(result["host"]) for result in found):
            raise OSError(None, "the name stands for an address that is not public")
        return found

    async def close(self) -> None:
        await self._inner.close()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet.

    >>> [is_public(text) for text in ("8.8.8.8", "10.0.0.1", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1")]
    [True, False, False, False, False]
    """
    found = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_global and not (mapped or found).is_multicast


@lru_cache(_HOSTS)
def _is_private_literal(url: str) -> bool:
    """Whether a URL names an address itself, and one that is not public; asked of the same few for each request."""
    from yarl import URL

    try:
        return not is_public(URL(url).host or "")
    except ValueError:
        return False
