"""Texts of Latin letters in their one spelling, in Python: what `common.standardise` makes of them in Spark, for a few rows.

Letters of other scripts, signs and odd dates are left to Spark, whose rules about them are Java's.
"""

import re
from datetime import date

from personalake.common import standardise as spark

_DOUBLE, _FOLDED = spark.DOUBLE, str.maketrans(spark.MARKED, spark.PLAIN)
_LETTERS = "".join(sorted({each for text in (spark.MARKED, *_DOUBLE) for each in (text, text.upper()) if each != "SS"}))
_KNOWN = re.compile(f"[ -~’{_LETTERS}]*")
_QUOTES = re.compile("['’`]")
_BETWEEN = re.compile("[^a-z0-9]+")
_NO_CODE = re.compile("[^A-Za-z0-9]")
_ENDINGS = tuple((re.compile(rf"\b{short}\b"), whole) for short, whole in sorted(spark.ENDINGS.items()))
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# In the order in which they are tried; of one text no two can be days.
_DAYS = (
    re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})", re.ASCII),
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", re.ASCII),
    re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})", re.ASCII),
    re.compile(r"(?P<year>\d{4})/(?P<month>\d{2})/(?P<day>\d{2})", re.ASCII),
)
_DIGIT = re.compile("[0-9]")


def is_known(text: str) -> bool:
    """Whether a text is of letters, digits and signs of which this module knows what Spark makes of them.

    >>> is_known("Zoë O’Neill"), is_known("Ζωή")
    (True, False)
    """
    return _KNOWN.fullmatch(text) is not None


def is_day_known(text: str) -> bool:
    """Whether a text is a day in one of the common ways of writing one, or surely none."""
    written = text[:32].strip(" ")
    return bool(_ISO.match(written)) or any(form.fullmatch(written) for form in _DAYS) or not _DIGIT.search(written)


def plain_text(text: str, length: int) -> str | None:
    """Small letters and digits without marks, single spaces between words; None if nothing of that is left."""
    small = text[: 4 * length].lower()
    if not small.isascii():
        for letter, letters in _DOUBLE.items():
            small = small.replace(letter, letters)
        small = small.translate(_FOLDED)
    words = _BETWEEN.sub(" ", _QUOTES.sub("", small)).strip(" ")
    return words[:length].strip(" ") or None


def name(text: str) -> str | None:
    """A person's or place's name.

    >>> name("  Jean-Luc  O’Neill ")
    'jean luc oneill'
    """
    return plain_text(text, spark.NAME_LENGTH)


def address(text: str) -> str | None:
    """A street with its number, common endings written out.

    >>> address("12, High St.")
    '12 high street'
    """
    plain = plain_text(text, spark.ADDRESS_LENGTH)
    if plain is not None:
        for short, whole in _ENDINGS:
            plain = short.sub(whole, plain)
    return plain


def postcode(text: str) -> str | None:
    """Letters and digits in capitals."""
    return _NO_CODE.sub("", text[:32]).upper() or None


def day(text: str) -> str | None:
    """A day as ISO text, of a text of which the form is known; None where it is none, or before 1880.

    >>> day("29.2.1980"), day("2/29/1981"), day("1980-02-29T10:00:00Z")
    ('1980-02-29', None, '1980-02-29')
    """
    written = text[:32].strip(" ")
    if iso := _ISO.match(written):
        parts = [int(part) for part in iso[0].split("-")]
    else:
        found = next(filter(None, (form.fullmatch(written) for form in _DAYS)), None)
        if found is None:
            return None
        parts = [int(found[part]) for part in ("year", "month", "day")]
    try:
        told = date(*parts)
    except ValueError:
        return None
    return told.isoformat() if told.year >= spark.FIRST_YEAR else None


def identifier(text: str) -> str | None:
    """An identifier without blanks around it; None if empty."""
    return text[: spark.IDENTIFIER_LENGTH].strip(spark.BLANKS) or None
