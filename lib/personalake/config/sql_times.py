"""Texts that Spark, in ANSI mode off, reads as a day or a time, and how it writes one."""

import re
from calendar import monthrange
from functools import lru_cache
from zoneinfo import available_timezones

# Spark takes years of up to seven digits, and so '202601' for the first day of the year 202601: nobody means it.
_DAY = r"\+?(?P<year>\d{4})(-(?P<month>\d{1,2})(-(?P<day>\d{1,2})%s)?)?"
# Behind the day may stand anything, if a blank or a T parts it from it.
_DATE = re.compile(_DAY % r"([ T].*)?", re.DOTALL | re.ASCII)
# A zone stands only behind seconds.
_CLOCK = r"(?P<hour>\d{1,2})(:(?P<minute>\d{1,2})(:(?P<second>\d{1,2})(\.\d*)?(?P<zone>[^\d.].*)?)?)?"
_TIME = re.compile(_DAY % rf"([ T]{_CLOCK})?", re.DOTALL | re.ASCII)
_DATE_AS_WRITTEN = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)", re.ASCII)
_TIME_AS_WRITTEN = re.compile(
    rf"{_DATE_AS_WRITTEN.pattern} (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(\.\d{{0,5}}[1-9])?", re.ASCII
)
_LAST = {"hour": 23, "minute": 59, "second": 59}
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?[+-](\d{1,2}(?::\d{1,2}|:\d\d:\d\d)?|\d{4}|\d{6})", re.ASCII)
_WIDEST_OFFSET = [18, 0, 0]
# Java's short forms, most of which the time zone database does not have; and its names that Java does not have.
_SHORT_ZONES = frozenset({
    "Z", "UTC", "GMT", "UT", "ACT", "AET", "AGT", "ART", "AST", "BET", "BST", "CAT", "CNT", "CST", "CTT", "EAT",
    "ECT", "EST", "HST", "IET", "IST", "JST", "MIT", "MST", "NET", "NST", "PLT", "PNT", "PRT", "PST", "SST", "VST",
})  # fmt: skip
_NOT_OF_JAVA = frozenset({"Factory", "ROC", "localtime"})


def is_day(text: str, as_written: bool = False) -> bool:
    """Whether Spark reads a text as a day, in a year of four digits.

    >>> is_day("2026-1-5"), is_day("2026-02-30"), is_day("202601")
    (True, False, False)
    """
    return _matches(text, _DATE_AS_WRITTEN if as_written else _DATE)


def is_time(text: str, as_written: bool = False) -> bool:
    """Whether Spark reads a text as a time of some day, perhaps in a zone of its own.

    >>> is_time("2026-01-05 10:00:00 Europe/Berlin"), is_time("2026-01-05 10:00:00+19:00"), is_time("10:00")
    (True, False, False)
    """
    return _matches(text, _TIME_AS_WRITTEN if as_written else _TIME)


def _matches(text: str, pattern: re.Pattern[str]) -> bool:
    found = pattern.fullmatch(text)
    if found is None:
        return False
    parts = {name: part for name, part in found.groupdict().items() if part}
    zone = parts.pop("zone", "").strip()
    return _is_there({name: int(part) for name, part in parts.items()}) and (not zone or _is_zone(zone))


def _is_there(parts: dict[str, int]) -> bool:
    """Whether the calendar and the clock have a day and a time."""
    month, day = parts.get("month", 1), parts.get("day", 1)
    if not 1 <= month <= 12:
        return False
    # The calendar repeats itself after 400 years.
    last_day = monthrange(2000 + parts["year"] % 400, month)[1]
    return 1 <= day <= last_day and all(parts.get(name, 0) <= last for name, last in _LAST.items())


def _is_zone(zone: str) -> bool:
    """Whether Java knows a zone: by the database's name in just its letters, by a short form, or by hours of at most 18."""
    if offset := _OFFSET.fullmatch(zone):
        digits = offset[1]
        parts = [int(part) for part in (digits.split(":") if ":" in digits else re.findall("..?", digits))]
        return parts <= _WIDEST_OFFSET[: len(parts)] and all(part <= 59 for part in parts[1:])
    return zone in _SHORT_ZONES or (zone in _names_of_zones() and zone not in _NOT_OF_JAVA)


@lru_cache
def _names_of_zones() -> frozenset[str]:
    return frozenset(available_timezones())
