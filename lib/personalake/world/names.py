"""Made-up names: syllables composed by rank, from vocabularies that grow with the people who arrive.

A fixed list of names would make the pairs that share one grow with the square of the people. Here the person of number n
chooses among about n^0.6 surnames, and the pairs of equal surnames grow like n^1.4.
"""

from collections.abc import Sequence
from math import gcd, prod

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.world.chance import Chance, at

ONSETS = (
    "b", "br", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kl", "kr", "l", "m", "n", "p",
    "pl", "pr", "r", "s", "sch", "sk", "sl", "st", "t", "th", "tr", "v", "w", "z", "bl", "gl", "ph",
)  # fmt: skip
VOWELS = ("a", "e", "i", "o", "u", "au", "ei", "ia", "oe")
CODAS = ("ck", "ff", "lm", "ld", "m", "n", "nd", "rn", "rt", "s", "tz", "x", "sen")
ENDINGS = {
    "female": ("na", "la", "ra", "sa", "lia", "nia", "ne", "tta", "va", "da"),
    "male": ("ro", "lo", "ner", "ben", "mir", "dan", "vo", "tus", "rik", "mo"),
}
SHORT_ENDINGS = ("bi", "ni", "xi", "lo", "ks", "ti")
# How often a name is used falls like its rank to this power; the most frequent of 12,000 surnames has 0.9 %.
ZIPF = 0.5
SURNAMES, SURNAME_GROWTH = 3.0, 0.6
GIVEN_NAMES, GIVEN_NAME_GROWTH = 2.0, 0.35
SMALLEST_VOCABULARY = 20.0


def vocabulary(number: Column, factor: float, growth: float) -> Column:
    """How many words the person of a number chooses from, counted from 0."""
    return F.floor(F.lit(SMALLEST_VOCABULARY) + F.lit(factor) * F.pow(number + 1, F.lit(growth)))


def surname_rank(chance: Chance, number: Column) -> Column:
    """Which surname the person (or household) of a number has, from 0 for the most frequent."""
    return chance.power("surname", vocabulary(number, SURNAMES, SURNAME_GROWTH), ZIPF)


def given_name_rank(chance: Chance, number: Column) -> Column:
    """Which first name the person of a number has, from 0 for the most frequent."""
    return chance.power("given-name", vocabulary(number, GIVEN_NAMES, GIVEN_NAME_GROWTH), ZIPF)


def surname(rank: Column) -> Column:
    """The surname of a rank."""
    return _composed(rank, (ONSETS, VOWELS, ONSETS, VOWELS, CODAS))


def given_name(rank: Column, gender: Column) -> Column:
    """The first name of a rank; each gender has its own."""
    name = F.lit(None).cast("string")
    for sex, endings in ENDINGS.items():
        name = F.when(gender == sex, _composed(rank, (ONSETS, VOWELS, endings))).otherwise(name)
    return name


def nickname(given: Column) -> Column:
    """The short form of a first name: its first syllable and an ending that goes with the name."""
    ending = F.pmod(F.xxhash64(given), F.lit(len(SHORT_ENDINGS)))
    return F.concat(F.regexp_extract(given, "^[^aeiou]+[aeiou]+", 0), at(SHORT_ENDINGS, ending))


def place_name(rank: Column, ending: str) -> Column:
    """The name of a street or town."""
    return F.concat(_composed(rank, (ONSETS, VOWELS, CODAS)), F.lit(ending))


def _composed(rank: Column, parts: Sequence[Sequence[str]]) -> Column:
    """The word of a rank: the digits of the rank, scattered over all words, choose the parts; two ranks share none."""
    size = prod(len(part) for part in parts)
    rest = F.pmod(rank.cast("bigint") * _scatter(size), F.lit(size))
    chosen = []
    for part in parts:
        chosen.append(at(part, F.pmod(rest, F.lit(len(part)))))
        rest = F.floor(rest / len(part))
    return F.initcap(F.concat(*chosen))


def _scatter(size: int) -> int:
    """A factor near the golden section of `size` that shares no divisor with it."""
    factor = int(size * 0.618)
    while gcd(factor, size) > 1:
        factor += 1
    return factor
