"""How long to wait before trying again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from personalake.activation.clock import Chance
from personalake.config.connections.base import Patience

# A number of seconds beyond this is a time since 1970; Braze sends one, Segment a time to wait under the same name.
_EPOCH = 1_000_000_000
# The last is Segment's, for the month's quota of regulations.
_NAMES = ("retry-after", "x-ratelimit-retry-after", "x-ratelimit-reset", "x-regulation-ratelimit-quota-reset")


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that a reply asks to wait, in whichever dialect; null if it says nothing.

    >>> asked_wait({"Retry-After": "7"}, datetime(2026, 1, 1, tzinfo=UTC))
    7.0
    >>> asked_wait({"X-RateLimit-Reset": "1767225605"}, datetime(2026, 1, 1, tzinfo=UTC))
    5.0
    >>> asked_wait({"X-Regulation-RateLimit-Quota-Reset": "2026-01-31T23:59:59.000Z"}, datetime(2026, 1, 31, 23, tzinfo=UTC))
    3599.0
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    for name in _NAMES:
        seconds = _seconds(lowered.get(name), now)
        if seconds is not None:
            return seconds
    return None


def _seconds(text: str | None, now: datetime) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        return _until(text, now)
    if number != number or number < 0:
        return None
    return max(0.0, number - now.timestamp()) if number > _EPOCH else number


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text) if "," in text else datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def wait_before(tries: int, asked: float | None, patience: Patience, chance: Chance) -> float:
    """Seconds before the next try: exponential with full jitter, and never less than was asked for.

    Args:
        tries: How many there have been.
        asked: Seconds that the destination asked to wait.
        patience: First and longest wait. A run does not wait for longer: who asks for more is left alone before.
        chance: Randomness.
    """
    bound = min(patience.max_wait_seconds, patience.first_wait_seconds * 2 ** min(tries - 1, 30))
    jitter = chance.uniform(0, bound)
    if asked is None:
        return jitter
    return min(patience.max_wait_seconds, asked + chance.uniform(0, min(bound, patience.first_wait_seconds)))
