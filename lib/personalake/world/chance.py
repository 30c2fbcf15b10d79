"""Seeded chance as Column functions: a draw belongs to its keys, so partitions, order and other rows do not touch it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from math import pi

from pyspark.sql import Column
from pyspark.sql import functions as F

Number = Column | float


@dataclass(frozen=True)
class Chance:
    """Independent draws for each row, one for each topic.

    Args:
        seed: The world's seed.
        keys: Columns that identify whom the draws belong to.
    """

    seed: int
    keys: tuple[Column | str, ...]

    def bits(self, topic: str) -> Column:
        """64 uniform bits as a signed bigint."""
        digest = blake2b(f"{self.seed}:{topic}".encode(), digest_size=8).digest()
        return F.xxhash64(F.lit(int.from_bytes(digest, "big", signed=True)), *self.keys)

    def share(self, topic: str) -> Column:
        """Uniform in [0, 1)."""
        return F.shiftrightunsigned(self.bits(topic), 11) * F.lit(2.0**-53)

    def between(self, topic: str, low: Number, high: Number) -> Column:
        """Uniform in [low, high)."""
        return _column(low) + self.share(topic) * (_column(high) - _column(low))

    def below(self, topic: str, bound: Number) -> Column:
        """A whole number in 0..bound-1."""
        return F.floor(self.share(topic) * _column(bound))

    def happens(self, topic: str, probability: Number) -> Column:
        """True with a probability."""
        return self.share(topic) < _column(probability)

    def normal(self, topic: str) -> Column:
        """Standard normal (Box and Muller 1958)."""
        radius = F.sqrt(F.lit(-2.0) * F.log(1 - self.share(f"{topic}:radius")))
        return radius * F.cos(F.lit(2 * pi) * self.share(f"{topic}:angle"))

    def exponential(self, topic: str, mean: Number) -> Column:
        """Exponential with a mean."""
        return -F.log(1 - self.share(topic)) * _column(mean)

    def gamma(self, topic: str, shape: int, mean: Number) -> Column:
        """Gamma with a whole-number shape and a mean: the sum of that many exponentials."""
        total = F.lit(0.0)
        for part in range(shape):
            total = total - F.log(1 - self.share(f"{topic}:{part}"))
        return total * _column(mean) / shape

    def power(self, topic: str, bound: Number, exponent: float) -> Column:
        """A rank in 0..bound-1 whose frequency falls like rank^-exponent, for exponents in [0, 1)."""
        return F.floor(_column(bound) * F.pow(self.share(topic), F.lit(1 / (1 - exponent))))

    def identifier(self, topic: str, length: int = 16) -> Column:
        """Hex digits, at most 16, that say nothing of what else was drawn under the topic."""
        return code(self.bits(f"{topic}:identifier"), length)

    def pick(self, topic: str, values: Sequence[str]) -> Column:
        """One of the values, all equally likely."""
        return at(values, self.below(topic, len(values)))

    def weighted(self, topic: str, weights: Mapping[str, float]) -> Column:
        """One of the keys, as likely as its weight says."""
        names, total = list(weights), sum(weights.values())
        bounds = [reached / total for reached in accumulate(weights.values())]
        share, chosen = self.share(topic), F.lit(names[-1])
        for name, bound in reversed(list(zip(names[:-1], bounds, strict=False))):
            chosen = F.when(share < bound, F.lit(name)).otherwise(chosen)
        return chosen


def at(values: Sequence[str] | Sequence[int] | Sequence[float], position: Column) -> Column:
    """The value at a position, counted from 0."""
    kind = {str: "string", int: "bigint", float: "double"}[type(values[0])]
    # One literal that is taken apart while planning: hundreds of literals would take seconds to hand over.
    array = F.split(F.lit("\x1f".join(map(str, values))), "\x1f").cast(f"array<{kind}>")
    return F.element_at(array, position.cast("int") + 1)


def code(bits: Column, length: int = 16) -> Column:
    """Bits as lower-case hex digits, at most 16."""
    return F.lower(F.lpad(F.hex(bits), 16, "0")).substr(1, length)


def _column(value: Number) -> Column:
    return value if isinstance(value, Column) else F.lit(float(value))


def serial(kind: str, number: Column) -> Column:
    """Nine digits that no other number below a billion has in the same kind of serial, without a pattern for the eye."""
    offset = int.from_bytes(blake2b(kind.encode(), digest_size=4).digest(), "big")
    return F.lpad(F.pmod(number * 618_033_989 + offset, F.lit(10**9)).cast("string"), 9, "0")
