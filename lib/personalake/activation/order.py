"""Order of sending for each person: a request waits for earlier ones about the same people, retries included."""

import asyncio
from operator import attrgetter

from personalake.activation.delivery import Pack

_person = attrgetter("person_id")


class Turn:
    """A pack's place behind earlier ones with the same people.

    Args:
        names: People, and keys that must not be at work twice.
    """

    __slots__ = ("_followed", "before", "is_done", "names")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.before: list[Turn] = []
        self.is_done = False
        # Most packs are never waited for: only those that are have something to wait on.
        self._followed: asyncio.Future[None] | None = None

    async def come(self) -> None:
        """Wait for those before."""
        for earlier in self.before:
            if not earlier.is_done:
                await asyncio.shield(earlier._end())

    def end(self) -> None:
        """Let those behind come."""
        self.is_done = True
        if self._followed is not None and not self._followed.done():
            self._followed.set_result(None)

    def _end(self) -> "asyncio.Future[None]":
        if self._followed is None:
            self._followed = asyncio.get_running_loop().create_future()
        return self._followed


class Order:
    """Keeps a person's packs from overtaking each other, across chunks."""

    def __init__(self) -> None:
        self._last: dict[str, Turn] = {}
        self._open = 0

    def enter(self, pack: Pack) -> Turn:
        """Queue up behind the packs of the same people."""
        people = pack.deliveries
        if len(people) == 1 and not pack.keys:
            turn = Turn((people[0].person_id,))
        else:
            turn = Turn((*map(_person, people), *[f"\0{key}" for key in pack.keys]))
        self._open += 1
        if not self._last:
            self._last = dict.fromkeys(turn.names, turn)
            return turn
        if not self._last.keys().isdisjoint(turn.names):
            turn.before += dict.fromkeys(self._last[name] for name in turn.names if name in self._last)
        self._last.update(dict.fromkeys(turn.names, turn))
        return turn

    def leave(self, turn: Turn) -> None:
        """Let the next one come."""
        turn.end()
        self._open -= 1
        if not self._open:
            self._last = {}
            return
        for name in turn.names:
            if self._last.get(name) is turn:
                del self._last[name]
