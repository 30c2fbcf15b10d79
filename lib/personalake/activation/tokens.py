"""Tokens that run out: fetched once for everybody, again before they end or when the destination says so."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from personalake.activation.clock import Clock
from personalake.activation.transport import Reply, ReplyLost, Request, Transport, Unreached

# A token is not used in its last minute: a request may be on its way for so long.
_MARGIN_SECONDS = 60


@dataclass(frozen=True)
class Token:
    """A token, which its representation does not show.

    Args:
        value: The token.
        seconds: How long it lives.
        host: Which host it is for, where the vendor says so.
    """

    value: str = field(repr=False)
    seconds: float
    host: str = ""


class TokenRefused(Exception):
    """Raised when credentials are not accepted: nothing will be until somebody acts."""


class Tokens:
    """The current token of one account.

    Args:
        fetch: Gets a new one; raises `TokenRefused`, or what the transport raises.
        clock: Time.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Token]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token: Token | None = None
        self._ends = 0.0
        self._lock = asyncio.Lock()
        # Once credentials are not accepted, nobody knocks again in this run: an account may be locked for it.
        self._refused = ""

    @property
    def at_hand(self) -> Token | None:
        """The token that still lives; null if one must be fetched first."""
        return self._token if self._clock.ticks() < self._ends else None

    async def current(self) -> Token:
        """A token that still lives."""
        if (token := self.at_hand) is not None:
            return token
        async with self._lock:
            if self._token is None or self._clock.ticks() >= self._ends:
                await self._renew()
            assert self._token is not None
            return self._token

    async def instead_of(self, refused: Token) -> Token:
        """Another token than one that was refused; many who ask at once cause one request."""
        async with self._lock:
            if self._token is None or self._token.value == refused.value:
                await self._renew()
            assert self._token is not None
            return self._token

    async def _renew(self) -> None:
        self._token = None
        if self._refused:
            raise TokenRefused(self._refused)
        try:
            token = await self._fetch()
        except TokenRefused as refusal:
            self._refused = str(refusal)
            raise
        except ReplyLost as loss:
            # Only the token's request may have been taken, not the one that needs it.
            raise Unreached(f"token: {loss}") from None
        self._ends = self._clock.ticks() + max(token.seconds - _MARGIN_SECONDS, token.seconds / 2)
        self._token = token


async def fetched(transport: Transport, request: Request) -> Reply:
    """The reply to a request for a token.

    Raises:
        TokenRefused: If the credentials are not accepted.
        Unreached: If there is no token now, and may be later.
    """
    reply = await transport.send(request)
    if reply.status == 429 or reply.status >= 500 or reply.status == 408:
        raise Unreached(f"token: status {reply.status}")
    if not 200 <= reply.status < 300:
        raise TokenRefused(f"status {reply.status} from the token endpoint; check the credentials")
    return reply
