"""Spark's `xxhash64` of texts, for those that are not in Spark: XXH64 (Yann Collet's specification) with Spark's seed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_Words = NDArray[np.uint64]
_SEED = 42
_MOST = (1 << 64) - 1
_PRIMES = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
_P1, _P2, _P3, _P4, _P5 = (np.uint64(prime) for prime in _PRIMES)
_STRIPE = 32


def xxhash64(texts: Sequence[str]) -> NDArray[np.int64]:
    """The hash of each text's UTF-8 bytes, as Spark's `xxhash64` of one text column has it.

    >>> xxhash64(["Spark"]).tolist()
    [-4294468057691064905]
    """
    coded = [text.encode() for text in texts]
    sizes = np.fromiter(map(len, coded), np.int64, len(coded))
    found = np.zeros(len(coded), np.uint64)
    # Texts of one length go through the same steps, side by side.
    for size in np.unique(sizes).tolist():
        places = np.flatnonzero(sizes == size)
        joined = b"".join(coded[place] for place in places.tolist())
        found[places] = _hashed(np.frombuffer(joined, np.uint8).reshape(len(places), size))
    return found.view(np.int64)


def _hashed(rows: NDArray[np.uint8]) -> _Words:
    count, size = rows.shape
    whole = size - size % _STRIPE
    code = _stripes(rows[:, :whole]) if whole else np.full(count, (_SEED + _PRIMES[4]) & _MOST, np.uint64)
    code = code + np.uint64(size)
    for at in range(whole, size - 7, 8):
        code = _turned(code ^ _mixed(_words(rows[:, at : at + 8], "<u8")[:, 0]), 27) * _P1 + _P4
    at = size - size % 8
    if size - at >= 4:
        code = _turned(code ^ _words(rows[:, at : at + 4], "<u4")[:, 0] * _P1, 23) * _P2 + _P3
        at += 4
    for byte in range(at, size):
        code = _turned(code ^ rows[:, byte].astype(np.uint64) * _P5, 11) * _P1
    code = (code ^ (code >> np.uint64(33))) * _P2
    code = (code ^ (code >> np.uint64(29))) * _P3
    return code ^ (code >> np.uint64(32))


def _stripes(rows: NDArray[np.uint8]) -> _Words:
    """Four lanes over 32 bytes at a time, and what they come to."""
    starts = (_SEED + _PRIMES[0] + _PRIMES[1], _SEED + _PRIMES[1], _SEED, _SEED - _PRIMES[0])
    lanes = np.tile(np.array([start & _MOST for start in starts], np.uint64), (len(rows), 1))
    for at in range(0, rows.shape[1], _STRIPE):
        lanes = _turned(lanes + _words(rows[:, at : at + _STRIPE], "<u8") * _P2, 31) * _P1
    one, two, three, four = lanes.T
    code = _turned(one, 1) + _turned(two, 7) + _turned(three, 12) + _turned(four, 18)
    for lane in (one, two, three, four):
        code = (code ^ _mixed(lane)) * _P1 + _P4
    return code


def _mixed(words: _Words) -> _Words:
    return _turned(words * _P2, 31) * _P1


def _turned(words: _Words, bits: int) -> _Words:
    return (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))


def _words(part: NDArray[np.uint8], kind: str) -> _Words:
    return np.ascontiguousarray(part).view(kind).astype(np.uint64)
