"""Addresses that a relay refuses as unknown: each is a bounce, unless it says so of nearly everybody."""

from collections import deque
from collections.abc import Sequence

from personalake.activation.delivery import Outcome, State
from personalake.activation.reasons import NO_MAILBOX

# Of how many answers in a row nearly all are looked at.
ANSWERS = 25
_NOT_BELIEVED = f"not sent: the relay says of nearly everybody: {NO_MAILBOX}"


class Bounces:
    """What is said of addresses is written down once as many answers came after it as show that not all are refused so.

    A bounce is for good: the address is written to no more, by nobody. A relay that has lost its list of mailboxes, or the
    connection to it, says the same of everybody. Until that is told apart, what was refused has no outcome; of a run that
    is killed meanwhile it is unknown, as all is that was under way.

    Args:
        limit: So many of the last answers are too many; null believes them all.
    """

    def __init__(self, limit: int | None) -> None:
        self.answers = 0
        self._limit = limit
        self._refused: deque[int] = deque()
        self._held: list[tuple[int, Outcome]] = []
        self._is_doubted = False

    def refused(self) -> int:
        """Count an address that was refused as unknown; how many were among the last answers, if those are too many."""
        self.answers += 1
        self._refused.append(self.answers)
        while self._refused[0] <= self.answers - ANSWERS:
            self._refused.popleft()
        count = len(self._refused)
        if self._limit is None or count < self._limit:
            return 0
        self._is_doubted = True
        return count

    def sifted(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """What may be written down now: of these, and of those that were held before."""
        if self._limit is None or not (self._held or any(map(_is_bounce, outcomes))):
            return outcomes
        self._held += [(self.answers, one) for one in outcomes if _is_bounce(one)]
        rest = [one for one in outcomes if not _is_bounce(one)]
        if self._is_doubted:
            return rest + self.rest()
        sure = [one for at, one in self._held if self.answers - at >= ANSWERS]
        self._held = [(at, one) for at, one in self._held if self.answers - at < ANSWERS]
        return rest + sure

    def rest(self) -> list[Outcome]:
        """Those that are still held, at the end: bounces, or waiting if the relay is not to be believed."""
        held, self._held = [one for _, one in self._held], []
        if not self._is_doubted:
            return held
        return [one._replace(state=State.PENDING, reason=_NOT_BELIEVED) for one in held]


def _is_bounce(outcome: Outcome) -> bool:
    return outcome.reason == NO_MAILBOX and outcome.state is State.REJECTED
