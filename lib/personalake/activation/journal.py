"""Where claims and outcomes are written down, and who may stop a delivery at the last moment."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from personalake.activation.delivery import Claimed, Delivery, Outcome

# Asked right before sending: for each delivery that must not leave after all, why (consent withdrawn, suppressed,
# a cap reached, no longer current). What is not named may leave.
Check = Callable[[Sequence[Delivery]], Mapping[str, str]]


class Journal(Protocol):
    """What makes sending resumable; both calls return once what they were given is safely stored."""

    def claim(self, claims: Sequence[Claimed]) -> None:
        """Written before anything of a chunk leaves; a claim without an outcome is an unknown delivery.

        Parts of a request are claimed once more, beside the claims of a next chunk.
        """
        ...

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Written after a chunk; one outcome for each of its claims, and for what was refused before it was claimed."""
        ...
