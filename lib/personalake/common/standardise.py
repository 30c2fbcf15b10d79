"""Names, e-mails, phones, addresses and dates in one spelling, as Column functions; what says nothing becomes null."""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

NAME_LENGTH, ADDRESS_LENGTH, EMAIL_LENGTH, IDENTIFIER_LENGTH = 64, 128, 254, 256
# Letters with marks, and what they are written as without; two letters for one come first.
DOUBLE = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ł": "l", "ø": "o", "đ": "d"}
MARKED = "àáâãäåāăąçćčďèéêëēėęěìíîïīįñńňòóôõöōőŕřśšşťùúûüūůűųýÿźżž"
PLAIN = "aaaaaaaaacccdeeeeeeeeiiiiiinnnooooooorrssstuuuuuuuuyyzzz"
ENDINGS = {"str": "street", "st": "street", "rd": "road", "ave": "avenue", "av": "avenue", "ln": "lane", "sq": "square"}
_DAY_PATTERNS = ("yyyyMMdd", "d.M.yyyy", "M/d/yyyy", "yyyy/MM/dd")
# Only of Latin letters and digits by now; a title or suffix that is all there is stays, since people are called Dean.
_TITLES = ("mr", "mrs", "ms", "miss", "mx", "sir", "dr", "prof", "professor", "rev", "herr", "frau", "monsieur", "madame")
_SUFFIXES = ("jr", "sr", "junior", "senior", "ii", "iii", "iv", "phd", "md", "esq")
_MORE_ENDINGS = {
    "blvd": "boulevard", "dr": "drive", "ct": "court", "pl": "place", "hwy": "highway", "pkwy": "parkway", "ter": "terrace",
    "cres": "crescent", "cl": "close", "n": "north", "e": "east", "s": "south", "w": "west", "apt": "unit",
    "apartment": "unit", "flat": "unit", "ste": "unit", "suite": "unit", "p o box": "po box", "postfach": "po box",
}  # fmt: skip
_WRITTEN_DAYS = ("d MMM yyyy", "d MMMM yyyy", "MMM d yyyy", "MMMM d yyyy", "yyyy MMM d", "yyyy.M.d")
FEWEST_DIGITS, MOST_DIGITS, WRITTEN_PHONE_LENGTH = 6, 15, 40
# Every blank of Unicode, those of no width, and what terminals and spreadsheets leave at the ends of a value.
BLANKS = (
    "\0\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
# One thing on each side of one @, of what may stand there without quotes.
_PLAIN_PART = r"[^@\s\x00-\x1f\x7f<>(),:;\"\\"
EMAIL = rf"{_PLAIN_PART}\[\]]+@{_PLAIN_PART}]+"
# A name and brackets, a link, quotes: what may stand around an address, each taken off once, in this order.
AROUND_EMAIL = (r"[^<>]*<([^<>]*)>", r"mailto:([^?]*)(?:\?[\s\S]*)?", r'"([^"]*)"', r"'([^']*)'")
IS_AROUND_EMAIL = r"^(?:mailto:|[\"'])|<"
WRITTEN_EMAIL_LENGTH = 1_000
FIRST_YEAR = 1880


def plain_text(text: Column, length: int) -> Column:
    """Small letters and digits without marks, single spaces between words; null if nothing of that is left.

    Args:
        text: Text of any kind; emoji and punctuation go.
        length: Longest text that is kept; the rest is cut off.
    """
    small = F.lower(F.substring(text, 1, 4 * length))
    for letter, letters in DOUBLE.items():
        small = F.replace(small, F.lit(letter), F.lit(letters))
    folded = F.regexp_replace(F.translate(small, MARKED, PLAIN), r"\p{M}|['’`]", "")
    words = F.trim(F.regexp_replace(folded, r"[^\p{L}\p{N}]+", " "))
    return F.nullif(F.trim(F.substring(words, 1, length)), F.lit(""))


def standard_name(text: Column) -> Column:
    """A person's or place's name: `  Jean-Luc  O’Neill ` is `jean luc oneill`."""
    return plain_text(text, NAME_LENGTH)


def standard_address(text: Column) -> Column:
    """A street with its number, common endings written out: `12 High St.` is `12 high street`."""
    plain = plain_text(text, ADDRESS_LENGTH)
    return reduce(
        lambda so_far, ending: F.regexp_replace(so_far, rf"\b{ending[0]}\b", ending[1]), sorted(ENDINGS.items()), plain
    )


def standard_postcode(text: Column) -> Column:
    """Letters and digits in capitals: `sw1a 1aa` is `SW1A1AA`."""
    return F.nullif(F.upper(F.regexp_replace(F.substring(text, 1, 32), r"[^A-Za-z0-9]", "")), F.lit(""))


def standard_email(text: Column) -> Column:
    """An address in small letters, or null where there is no one thing on each side of one `@`.

    What headers and links put around an address is taken off: a mailer would write to who is within.
    """
    small = F.lower(F.substring(F.btrim(text, F.lit(BLANKS)), 1, WRITTEN_EMAIL_LENGTH))
    bare = reduce(
        lambda so_far, around: F.btrim(F.regexp_replace(so_far, rf"^{around}\z", "$1"), F.lit(BLANKS)), AROUND_EMAIL, small
    )
    found = F.when(small.rlike(IS_AROUND_EMAIL), bare).otherwise(small)
    return F.when(found.rlike(rf"^{EMAIL}\z") & (F.length(found) <= EMAIL_LENGTH), found)


def standard_phone(text: Column, calling_code: str) -> Column:
    """Digits with the country calling code in front, or null where they are too few, too many, or all zero.

    Args:
        text: A number as people write it: `+1 212 555-0101`, `001212…`, `(212) 555 0101`.
        calling_code: Country calling code of a number that has none.
    """
    written = F.substring(F.btrim(text, F.lit(BLANKS)), 1, WRITTEN_PHONE_LENGTH)
    digits = F.regexp_replace(written, r"\D", "")
    local = F.regexp_replace(digits, "^0", "")
    full = (
        F.when(written.startswith("+"), digits)
        .when(digits.startswith("00"), F.substring(digits, 3, 40))
        .otherwise(F.concat(F.lit(calling_code), local))
    )
    is_number = F.length(full).between(FEWEST_DIGITS, MOST_DIGITS) & ~digits.rlike("^0*$")
    return F.when(is_number, full)


def standard_day(text: Column) -> Column:
    """A day as ISO text, from the common ways of writing one; null where it is none, or before 1880."""
    written = F.trim(F.substring(text, 1, 32))
    iso = F.regexp_extract(written, r"^(\d{4}-\d{2}-\d{2})", 1)
    day = F.coalesce(
        iso.try_cast("date"), *(F.to_date(F.try_to_timestamp(written, F.lit(pattern))) for pattern in _DAY_PATTERNS)
    )
    return F.when(F.year(day) >= FIRST_YEAR, F.date_format(day, "yyyy-MM-dd"))


def standard_value(namespace: Column, value: Column, calling_code: str) -> Column:
    """An identifier in its one spelling: e-mails and phones standardised where they are any, others without blanks around.

    Args:
        namespace: Kind of identifier.
        value: The identifier, as somebody wrote it.
        calling_code: Country calling code of phone numbers that are written without one.
    """
    spelled = F.when(namespace == "email", standard_email(value)).when(
        namespace == "phone", standard_phone(value, calling_code)
    )
    return F.coalesce(spelled, F.nullif(F.btrim(value, F.lit(BLANKS)), F.lit("")), value)


def any_day(text: Column, day_first: bool) -> Column:
    """A day as ISO text, from many more ways of writing one: `3 March 2020`, `Mar 3, 2020`, `3/3/2020`, `3-3-2020`.

    A year of two digits tells no century, and is no day. Months are English.

    Args:
        text: A day as people write it, perhaps with a time of day behind it.
        day_first: Whether `3/4/2020` is the third of April or the fourth of March.
    """
    written = F.initcap(F.regexp_replace(F.trim(F.substring(text, 1, 40)), r"(?<=\d)(st|nd|rd|th)\b|,|\.(?=\s)", ""))
    numeric = F.regexp_replace(F.regexp_extract(written, r"^(\d{1,2}[/.-]\d{1,2}[/.-]\d{4})\b", 1), r"[/.-]", "/")
    ordered = ("d/M/yyyy", "M/d/yyyy") if day_first else ("M/d/yyyy", "d/M/yyyy")
    tried = [(numeric, pattern) for pattern in ordered] + [(written, pattern) for pattern in _WRITTEN_DAYS]
    day = F.coalesce(*(F.to_date(F.try_to_timestamp(found, F.lit(pattern))) for found, pattern in tried))
    return F.coalesce(F.when(F.year(day) >= FIRST_YEAR, F.date_format(day, "yyyy-MM-dd")), standard_day(text))


def full_name(text: Column) -> Column:
    """A whole name in the order of speech, without titles: `O’Neill, Dr. Jean-Luc Jr.` is `jean luc oneill`."""
    parts = F.split(F.substring(text, 1, 4 * NAME_LENGTH), ",", 2)
    in_order = F.when(F.size(parts) == 2, F.concat_ws(" ", F.get(parts, 1), F.get(parts, 0))).otherwise(text)
    plain = plain_text(in_order, NAME_LENGTH)
    words = F.split(plain, " ")
    said = F.filter(words, lambda word: ~word.isin(*_TITLES, *_SUFFIXES))
    return F.when(F.size(said) > 0, F.array_join(said, " ")).otherwise(plain)


def postal_address(text: Column) -> Column:
    """A whole address line: endings, points of the compass and units written out, `# 4` as `unit 4`."""
    numbered = F.regexp_replace(F.substring(text, 1, 4 * ADDRESS_LENGTH), r"#\s*(?=\w)", " unit ")
    # Before the shorter endings are written out: `dr` is a drive here, and `str` at the end of a German word a street.
    german = F.regexp_replace(standard_address(numbered), r"(?<=\p{L}{3})str\b", "strasse")
    longer = sorted(_MORE_ENDINGS.items(), key=lambda ending: (-len(ending[0]), ending[0]))
    whole = reduce(lambda so_far, ending: F.regexp_replace(so_far, rf"\b{ending[0]}\b", ending[1]), longer, german)
    return F.regexp_replace(whole, r"\b(unit )+", "unit ")


def standard_identifier(text: Column) -> Column:
    """An identifier without blanks around it; null if empty."""
    return F.nullif(F.btrim(F.substring(text, 1, IDENTIFIER_LENGTH), F.lit(BLANKS)), F.lit(""))


def without_blocked(value: Column, patterns: tuple[str, ...]) -> Column:
    """The value, or null where it matches one of the patterns, in any case of letters."""
    blocked = "|".join(f"(?:{pattern})" for pattern in patterns)
    return F.when(~F.lower(value).rlike(blocked), value) if patterns else value


def long_form(name: Column, nicknames: Mapping[str, str]) -> Column:
    """The name that a short form stands for; other names as they are."""
    if not nicknames:
        return name
    known = F.create_map(*(F.lit(text) for pair in sorted(nicknames.items()) for text in pair))
    return F.coalesce(F.element_at(known, name), name)
