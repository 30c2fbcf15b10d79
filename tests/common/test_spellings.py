"""One rule for the spelling of identifiers, wherever it is applied: by Spark to columns, in Python to single values."""

import random
import unicodedata

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.common.spellings import phone_spelling, spelled, spellings
from personalake.common.standardise import standard_value

KINDS = ("email", "phone", "login")
NO_BREAK, NO_WIDTH = "\xa0", "\u200b"
HOSTILE = [
    "", " ", "@", "a@", "@b", "a@b@c", "a@b", "A@B\n", "\tA@B\r\n", "A @b", f"{NO_BREAK}Ann@X.example{NO_WIDTH}",
    "\ufeffA@B", "ANN+shop@X.example", "Ann..Lee@x", "İstanbul@X.EXAMPLE", "ISPARTA@x",
    "ΟΔΥΣΣΕΥΣ@Σ.GR", "STRASSE@ẞ.DE", "😀@X.example",
    "<A@B>", "Ann < a@b >", "mailto:A@b?to=c@d", "<mailto:a@b>", "MAILTO:a@b\n?x", '"a@b"', "'a@b", "'a@b'", "(c)a@b",
    "a@b,c@d", "a@[::1]", "[a]@b", "a:b@c", '"a@b" <c@d>', "<a@b", "a@b>", "<<a@b>>", "x" * 900 + "<a@b>",
    "x" * 997 + "<a@b>",
    "a\0b@x", "a\x7f@X", "x" * 249 + "@Y.de", "x" * 250 + "@Y.de", "İ" * 130 + "@y.de", "A" * 10_000, "A@" + "B" * 10_000,
    " " * 300 + "A@b", "+1 212 555 0101", "(212) 555-0101", "0212/5550101", "00442079460018", "0000000", "+0", "+",
    "00", "0", "２１２５５５０１０１", "+٣٤٥٦٧٨٩٠", "212 555 0101 ext. 12", "212-555-0101x99999",
    f"{NO_BREAK}+44 20 7946 0018{NO_BREAK}",
    "1" * 15, "1" * 16, "12345", "+12345", "5" * 41, "call me", "1\n2\n3\n4\n5\n6",
]  # fmt: skip
ALPHABET = f"aAzZ09+@. -()<>x\t\n\0\x1c\x85{NO_BREAK}{NO_WIDTH}\u2028İıſKΣςßẞÄ٣２😀'\"\\%"


def random_values(count: int) -> list[str]:
    """Texts of odd characters, and of any that Python knows."""
    chance = random.Random(11)
    known = [letter for letter in map(chr, range(0x2FFFF)) if unicodedata.category(letter) not in ("Cs", "Cn")]
    pools = [ALPHABET, "0123456789+ -", known]
    return ["".join(chance.choices(chance.choice(pools), k=chance.randrange(24))) for _ in range(count)]


def test_spark_and_python_spell_every_value_alike(spark: SparkSession) -> None:
    values = [*HOSTILE, *(f"{one}@{one}" for one in random_values(1500)), *random_values(3000)]
    pairs = [(kind, value) for value in values for kind in KINDS]

    frame = spark.createDataFrame(list(enumerate(pairs)), "place int, told struct<kind: string, value: string>")
    found = frame.select("place", standard_value(F.col("told.kind"), F.col("told.value"), "90").alias("by_spark"))
    by_spark = {row["place"]: row["by_spark"] for row in found.collect()}

    wrong = [
        (kind, value, by_spark[place])
        for place, (kind, value) in enumerate(pairs)
        if by_spark[place] != spelled(kind, value, "90")
    ]
    assert wrong == []
    assert sum(by_spark[place] != value for place, (_, value) in enumerate(pairs)) > 500


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_spelled_is_never_spelled_otherwise_again(kind: str) -> None:
    # Of a phone in its one spelling the country is not told once more; with a plus it is.
    for value in [*HOSTILE, *random_values(500)]:
        once = spelled(kind, value, "90")
        is_number = kind == "phone" and phone_spelling(value, "90") is not None
        again = f"+{once}" if is_number and once != value else once

        assert spelled(kind, again, "90") == once


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("email", f"{NO_BREAK}Ann@X.example\n", "ann@x.example"),
        ("email", "A" * 10_000, "A" * 10_000),
        ("phone", f"{NO_WIDTH}(212) 555-0101\t", "12125550101"),
        ("phone", "2" * 10_000, "2" * 10_000),
        ("login", f"\t{NO_WIDTH}Ann Lee{NO_BREAK} ", "Ann Lee"),
        ("email", f" withheld{NO_BREAK}", "withheld"),
        ("login", f" {NO_BREAK}", f" {NO_BREAK}"),
    ],
)
def test_blanks_of_any_kind_around_an_identifier_are_no_part_of_it(kind: str, value: str, expected: str) -> None:
    assert spelled(kind, value, "1") == expected
    assert set(spellings(kind, value, "1")) == {value, expected}
