"""Seeded chance that belongs to a record, not to a call: any slice of the shop comes out the same."""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

Draws = NDArray[np.uint64]


def draw(seed: int, topic: str, *keys: Any) -> Draws:
    """A keyed 64-bit hash for each record.

    Args:
        seed: The shop's seed.
        topic: What is being decided; two topics are independent of each other.
        *keys: Integer columns of equal length that identify the records.

    Returns:
        One unsigned draw for each record, unaffected by which other records are present.
    """
    digest = blake2b(f"{seed}:{topic}".encode(), digest_size=8).digest()
    state: Draws = np.full(len(keys[0]), int.from_bytes(digest, "big"), dtype=np.uint64)
    for key in keys:
        state = _mixed(np.asarray(key).astype(np.uint64) ^ state)
    return state


def below(draws: Draws, bound: int) -> NDArray[np.int64]:
    """The draws as integers in 0..bound-1."""
    return (draws % np.uint64(bound)).astype(np.int64)


def as_share(draws: Draws) -> NDArray[np.float64]:
    """The draws as shares in 0..1."""
    return draws / np.float64(2**64)


def seconds(count: Any) -> Any:
    """Whole seconds as a numpy duration (scalar or array)."""
    return np.asarray(count).astype("timedelta64[s]")


def _mixed(values: Draws) -> Draws:
    """The splitmix64 step (Steele, Lea, Flood 2014); unsigned overflow is intended."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
