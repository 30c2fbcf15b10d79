"""What goes wrong, and when: a script of steps for one vendor."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

GENERAL = (
    "throttle",  # 429 in the vendor's dialect; `wait`: seconds to wait
    "status",  # `status`: 500, 502, 503, … in the vendor's envelope
    "html",  # a page instead of JSON, with `status` (200 by default)
    "hang",  # the request is read, and never answered
    "reset_before_body",  # the connection is reset before the body is read
    "reset",  # the connection is reset after the body was read, nothing is taken
    "lost",  # everything is taken, then the connection is reset, or hangs if `how` is "hang"
    "truncated",  # everything is taken, and the reply breaks off in its middle
    "slow",  # everything is taken, the reply comes after `wait` seconds
    "partial",  # some items are refused in a reply of success: `items` (places) or a `share` of them
    "expire_tokens",  # every token that was issued until now is refused from here on
    "revoke",  # the account is refused from here on, until `restore` or `reset`
)


@dataclass(frozen=True)
class Step:
    """One fault and the requests that it befalls; without `at`, `every` and `probability`: each one.

    Args:
        fault: One of `GENERAL`, or one that only this vendor has (`Vendor.special`).
        at: Numbers of the requests, counted from 1 since the script was set.
        every: Each so-manyth request.
        probability: Chance of each request, drawn with `seed`.
        seed: Seed of that draw.
        times: At most so often.
        path: Only requests whose path contains it, and only these are counted; without it, requests that carry data
            are (no tokens, no polls).
        status: Status of the reply, for `status`, `html` and `revoke`.
        wait: Seconds, for `throttle` and `slow`.
        items: Places in the request, for `partial`.
        share: Share of the items, for `partial`; at least one.
        how: For `lost`: "reset" or "hang".
        code: The vendor's own code, where it has several.
    """

    fault: str
    at: Sequence[int] = ()
    every: int | None = None
    probability: float | None = None
    seed: int = 0
    times: int | None = None
    path: str | None = None
    status: int | None = None
    wait: float | None = None
    items: Sequence[int] = ()
    share: float = 0.0
    how: str = "reset"
    code: Any = None

    def hits(self, count: int) -> Sequence[int]:
        """Which of so many items a partial refusal befalls."""
        if self.items:
            return [place for place in self.items if place < count]
        step = max(int(1 / self.share), 1) if self.share else count + 1
        return [place for place in range(count) if place % step == 0]


@dataclass
class _Counted:
    step: Step
    seen: int = 0
    fired: int = 0
    chance: random.Random = field(default_factory=random.Random)


class Script:
    """Steps in order; the first that befalls a request wins."""

    def __init__(self, steps: Sequence[Step] = ()) -> None:
        self._steps = [_Counted(step, chance=random.Random(step.seed)) for step in steps]

    def next(self, path: str, carries_data: bool) -> Step | None:
        """The fault of the next request, if any."""
        chosen = None
        for counted in self._steps:
            step = counted.step
            if not (carries_data if step.path is None else step.path in path):
                continue
            counted.seen += 1
            if chosen is None and _fires(counted):
                counted.fired += 1
                chosen = step
        return chosen


def _fires(counted: _Counted) -> bool:
    step = counted.step
    # The draw is made in any case, so that it depends on the request's number alone.
    drawn = step.probability is not None and counted.chance.random() < step.probability
    if step.times is not None and counted.fired >= step.times:
        return False
    if step.at:
        return counted.seen in step.at
    if step.every is not None:
        return counted.seen % step.every == 0
    return True if step.probability is None else drawn
