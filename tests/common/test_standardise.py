from collections.abc import Callable

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from personalake.common import standardise as s

BLOCKED = (r"^[0-]*$", "^null$")


def phone(text: Column) -> Column:
    return s.standard_phone(text, "1")


def unblocked(text: Column) -> Column:
    return s.without_blocked(text, BLOCKED)


def long_form(text: Column) -> Column:
    return s.long_form(text, {"bill": "william"})


def day_first(text: Column) -> Column:
    return s.any_day(text, day_first=True)


def month_first(text: Column) -> Column:
    return s.any_day(text, day_first=False)


CASES: list[tuple[Callable[[Column], Column], str | None, str | None]] = [
    (s.standard_name, "  Jean-Luc  O’Neill ", "jean luc oneill"),
    (s.standard_name, "MÜLLER-Ødegård, Zoë", "muller odegard zoe"),
    (s.standard_name, "Straße", "strasse"),
    (s.standard_name, "e\u0301va", "eva"),
    (s.standard_name, "X", "x"),
    (s.standard_name, "😀 !?", None),
    (s.standard_name, "", None),
    (s.standard_name, None, None),
    (s.standard_name, "a" * 10_000, "a" * 64),
    (s.standard_name, "王伟", "王伟"),
    (s.standard_address, "12, High St.", "12 high street"),
    (s.standard_postcode, " sw1a 1aa", "SW1A1AA"),
    (s.standard_email, " Ann.Lee@X.Example ", "ann.lee@x.example"),
    (s.standard_email, "ann at x", None),
    (s.standard_email, "Ann Lee <Ann@X.example>", "ann@x.example"),
    (s.standard_email, "< ann@x.example >", "ann@x.example"),
    (s.standard_email, "mailto:Ann@X.example?subject=Hi", "ann@x.example"),
    (s.standard_email, "'ann@x.example'", "ann@x.example"),
    (s.standard_email, '"ann@x.example"', "ann@x.example"),
    (s.standard_email, "o'neill@x.example", "o'neill@x.example"),
    (s.standard_email, "(c)ann@x.example", None),
    (s.standard_email, "ann@x.example, bob@x.example", None),
    (s.standard_email, "ann@x.example;", None),
    (s.standard_email, "<ann@x.example> <bob@x.example>", None),
    (s.standard_email, "a@b@c", None),
    (s.standard_email, "a" * 300 + "@x.example", None),
    (phone, "+44 20 7946 0018", "442079460018"),
    (phone, "0044-20-7946-0018", "442079460018"),
    (phone, "(212) 555-0101", "12125550101"),
    (phone, "0212/5550101", "12125550101"),
    (phone, "0000000000", None),
    (phone, "12", None),
    (phone, "call me", None),
    (s.standard_day, "1980-02-29", "1980-02-29"),
    (s.standard_day, "1980-02-29T10:00:00Z", "1980-02-29"),
    (s.standard_day, "29.2.1980", "1980-02-29"),
    (s.standard_day, "2/29/1980", "1980-02-29"),
    (s.standard_day, "19800229", "1980-02-29"),
    (s.standard_day, "1981-02-29", None),
    (s.standard_day, "0001-01-01", None),
    (s.standard_day, "yesterday", None),
    (day_first, "3/4/2020", "2020-04-03"),
    (month_first, "3/4/2020", "2020-03-04"),
    (month_first, "25/4/2020", "2020-04-25"),  # there is no month 25
    (day_first, "3-4-2020 10:15", "2020-04-03"),
    (day_first, "3rd MARCH 2020", "2020-03-03"),
    (day_first, "Mar. 3, 2020", "2020-03-03"),
    (day_first, "March 3 2020", "2020-03-03"),
    (day_first, "2020-03-03T08:00:00Z", "2020-03-03"),
    (day_first, "20200303", "2020-03-03"),
    (day_first, "3.3.20", None),
    (day_first, "31/2/2020", None),
    (day_first, "soon", None),
    (day_first, None, None),
    (s.full_name, "O’Neill, Dr. Jean-Luc Jr.", "jean luc oneill"),
    (s.full_name, "Mrs Ann  LEE", "ann lee"),
    (s.full_name, "Frau Prof. Müller", "muller"),
    (s.full_name, "Sir", "sir"),
    (s.full_name, " , ", None),
    (s.postal_address, "12 N. High St., Apt #4", "12 north high street unit 4"),
    (s.postal_address, "7 Lakeshore Dr", "7 lakeshore drive"),
    (s.postal_address, "Hauptstr. 5", "hauptstrasse 5"),
    (s.postal_address, "P.O. Box 12", "po box 12"),
    (s.postal_address, None, None),
    (s.standard_identifier, "  L17 ", "L17"),
    (s.standard_identifier, "\t\xa0L 17\u200b", "L 17"),
    (unblocked, "NULL", None),
    (unblocked, "000-000", None),
    (unblocked, "007", "007"),
    (long_form, "bill", "william"),
    (long_form, "bob", "bob"),
]


@pytest.fixture(scope="module")
def results(spark_session: SparkSession) -> list[str | None]:
    rows = spark_session.createDataFrame([(0,)], "n int")
    columns = [function(F.lit(text).cast("string")).alias(f"c{n}") for n, (function, text, _) in enumerate(CASES)]
    return list(rows.select(*columns).collect()[0])


@pytest.mark.parametrize("place", range(len(CASES)), ids=[f"{case[0].__name__} {str(case[1])[:20]}" for case in CASES])
def test_each_spelling_becomes_the_one_spelling(place: int, results: list[str | None]) -> None:
    assert results[place] == CASES[place][2]
