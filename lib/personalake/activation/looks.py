"""Who of a chunk must not leave: looked at before and after it is claimed, and again while it is sent."""

import asyncio
from collections.abc import Sequence
from itertools import chain

from personalake.activation.attempts import Run, Seen, look
from personalake.activation.chunks import Chunk
from personalake.activation.delivery import Claimed, Pack


async def first_look(run: Run, chunk: Chunk) -> Seen:
    """Who must not leave, and so is not claimed."""
    at = run.clock.ticks()
    return Seen(at, await look(run, list(chain.from_iterable(part.deliveries for part in chunk if isinstance(part, Pack)))))


def claims_of(chunk: Chunk, seen: Seen) -> list[Claimed]:
    """What is about to leave; a claim of what is stopped would say after a kill that it may have left."""
    claims = [Claimed(part.delivery_ids, part.pack_id) for part in chunk if isinstance(part, Pack)]
    if not seen.stopped:
        return claims
    leaving = [one._replace(delivery_ids=[name for name in one.delivery_ids if name not in seen.stopped]) for one in claims]
    return [one for one in leaving if one.delivery_ids]


class Looks:
    """The looks at a chunk that is claimed: one for all that is left of it, as soon as the last one is too old.

    A chunk may take ten seconds, and a look at many deliveries costs little more than one at a single one.

    Args:
        run: What all requests share.
        packs: The chunk's requests.
        seen: The look before the claim.
    """

    def __init__(self, run: Run, packs: Sequence[Pack], seen: Seen) -> None:
        self._run, self.seen = run, seen
        self._left = {id(pack): pack for pack in packs}
        self._turn = asyncio.Lock()

    async def renew(self) -> None:
        """Look at all that has not begun: a claim may have waited for others."""
        at, known = self._run.clock.ticks(), self.seen.stopped
        left = chain.from_iterable(pack.deliveries for pack in self._left.values())
        late = await look(self._run, [one for one in left if one.delivery_id not in known])
        self.seen = Seen(at, {**known, **late}, self.seen.is_late or bool(late))

    async def of(self, pack: Pack) -> Seen:
        """The look that holds for a request that begins now."""
        if self._is_old():
            async with self._turn:
                if self._is_old():
                    await self.renew()
        del self._left[id(pack)]
        return self.seen

    def _is_old(self) -> bool:
        """Whether all that is left has to be looked at again; who looks before each request does that for it alone."""
        run = self._run
        return run.check is not None and 0 < run.recheck_seconds < run.clock.ticks() - self.seen.at
