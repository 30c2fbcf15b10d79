"""Order of sending for each person: a request waits for earlier ones about the same people, retries included."""

import asyncio
from collections.abc import Sequence
from operator import attrgetter

from personalake.activation.delivery import Pack

_person = attrgetter("person_id")


class Turn:
    """A pack's place behind earlier ones with the same people."""

    __slots__ = ("_followed", "_names", "_pack", "before", "is_done", "only")

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        people = pack.deliveries
        # The one name there is, of a request about one person, as each message is.
        self.only: str | None = people[0].person_id if len(people) == 1 and not pack.keys else None
        self._names: Sequence[str] | None = None if self.only is None else (self.only,)
        self.before: Sequence[Turn] = ()
        self.is_done = False
        # Most packs are never waited for: only those that are have something to wait on.
        self._followed: asyncio.Future[None] | None = None

    @property
    def names(self) -> Sequence[str]:
        """People, and keys that must not be at work twice."""
        if self._names is None:
            self._names = [*map(_person, self._pack.deliveries), *[f"\0{key}" for key in self._pack.keys]]
        return self._names

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
        # Nobody is asked for who is in a pack beside which there is no other, as most large files are.
        self._alone: Turn | None = None

    def enter(self, pack: Pack) -> Turn:
        """Queue up behind the packs of the same people."""
        turn = Turn(pack)
        self._open += 1
        if self._open == 1:
            self._alone = turn
            return turn
        if self._alone is not None:
            self._last = dict.fromkeys(self._alone.names, self._alone)
            self._alone = None
        last = self._last
        if turn.only is not None:
            if (earlier := last.get(turn.only)) is not None:
                turn.before = (earlier,)
            last[turn.only] = turn
            return turn
        names = turn.names
        if not last.keys().isdisjoint(names):
            turn.before = tuple(dict.fromkeys(last[name] for name in names if name in last))
        for name in names:
            last[name] = turn
        return turn

    def leave(self, turn: Turn) -> None:
        """Let the next one come."""
        turn.end()
        self._open -= 1
        if not self._open:
            self._last, self._alone = {}, None
            return
        last = self._last
        for name in turn.names:
            if last.get(name) is turn:
                del last[name]
