"""How many deliveries are claimed together: what is claimed when a run dies may have left, for all that anybody knows."""

from personalake.activation.contract import Declaration

# Where that is held as unknown, a claim covers about so long a time of sending; each costs two commits of the log.
_SECONDS = 10.0
# Two chunks are at work and a third is made of the first size before anything is known of the destination's speed: where
# each request carries one, a few for each that may be under way.
_FIRST, _ROUNDS, _GROWTH = 100, 4, 4


class ClaimSize:
    """The number of deliveries in the next chunk: all that the settings allow, or, where a lost reply is held, what is sent
    in a few seconds at the speed of the chunks before.

    Args:
        declaration: What the destination promises.
    """

    def __init__(self, declaration: Declaration) -> None:
        limits = declaration.limits
        self._most = declaration.chunk_items
        # Fewer would leave some of the requests that may be under way together unused.
        self._least = declaration.max_in_flight * (limits.max_items or limits.max_each or 1)
        self._is_held = declaration.unknown == "hold"
        self.items = self._bounded(min(_FIRST, _ROUNDS * self._least)) if self._is_held else self._most

    def took(self, deliveries: int, seconds: float) -> None:
        """A chunk of so many is done."""
        if self._is_held and deliveries:
            wanted = self.items * _GROWTH if seconds <= 0 else int(deliveries / seconds * _SECONDS)
            self.items = self._bounded(min(wanted, self.items * _GROWTH))

    def _bounded(self, wanted: int) -> int:
        return min(self._most, max(self._least, wanted))
