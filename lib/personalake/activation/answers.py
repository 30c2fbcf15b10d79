"""What a destination's reply to one request means, whatever its dialect."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from personalake.activation.delivery import State

_NOTHING: Mapping[int, str] = MappingProxyType({})


class Taken(NamedTuple):
    """The request was taken, apart from some of its items.

    Args:
        state: Accepted (queued there) or confirmed (processed there); pending, if it was only looked at.
        refused: Place of an item in the pack: why it was refused for good.
        again: Place of an item: why it should be sent once more.
        reference: The destination's name for the request.
        ask_later: Whether the results must be asked for under that name.
        reason: Why the state is no better.
    """

    state: State = State.ACCEPTED
    refused: Mapping[int, str] = _NOTHING
    again: Mapping[int, str] = _NOTHING
    reference: str | None = None
    ask_later: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing of the request was taken, and it never will be as it is; its halves may be."""

    reason: str


@dataclass(frozen=True, slots=True)
class Again:
    """Nothing was taken; the same request may be, later.

    Args:
        reason: What the destination said.
        wait_seconds: How long it asked to wait.
        is_pause: Whether the whole destination asked for a pause, not only for this request.
    """

    reason: str
    wait_seconds: float | None = None
    is_pause: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """The request left, and nobody knows whether it was taken."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing was taken, and nothing of this account will be: whoever owns it must act."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """The results that were asked for are not there yet.

    Args:
        doubt: What makes it doubtful that they will be; null if nothing does.
    """

    doubt: str | None = None


Answer = Taken | Refused | Again | Lost | Stop
