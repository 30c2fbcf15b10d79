"""Patterns of dates and times, as Spark reads them; a wrong one would refuse every row, or read a wrong day.

Spark's words are those of its page on datetime patterns. What it only writes, and cannot read, is refused, too.
"""

import re
from collections.abc import Iterator

_READ = frozenset("GyMLdDHhkKmsSaVzOXxZ")
_QUOTED = re.compile(r"'[^']*'")
_RUNS = re.compile(r"([A-Za-z])\1*")
# Directives of strftime, and what Spark calls them.
_STRFTIME = {"%Y": "yyyy", "%y": "yy", "%m": "MM", "%d": "dd", "%H": "HH", "%I": "hh", "%M": "mm", "%S": "ss", "%p": "a"}


def check_pattern(pattern: str) -> str:
    """Check that a pattern reads a day.

    >>> check_pattern("dd.MM.yyyy HH:mm")
    'dd.MM.yyyy HH:mm'

    Raises:
        ValueError: If it does not; says what is wrong and what is perhaps meant.
    """
    problems = list(_problems(pattern))
    if problems:
        raise ValueError(f"{pattern!r} is no pattern that Spark reads dates by: {'; '.join(problems)}")
    return pattern


def _problems(pattern: str) -> Iterator[str]:
    if "%" in pattern:
        meant = re.sub("%.", lambda found: _STRFTIME.get(found[0], found[0]), pattern)
        yield f"write {meant}" if "%" not in meant else "% is no sign of it; write e.g. dd.MM.yyyy HH:mm"
        return
    if pattern.count("'") % 2:
        yield "a quote ' is not closed"
        return
    runs = [found[0] for found in _RUNS.finditer(_QUOTED.sub("", pattern))]
    letters = {run[0] for run in runs}
    unread = sorted(letters - _READ - {"Y"})
    if unread:
        yield f"{', '.join(unread)} is read as no part of a date; letters that stand for themselves go in quotes, as 'T'"
        return
    yield from _wrong_parts(set(runs), letters)


def _wrong_parts(runs: set[str], letters: set[str]) -> Iterator[str]:
    if "Y" in letters:
        yield "Y is the year of a week; a calendar year is yyyy"
    elif "y" not in letters:
        yield "there is no year; it is yyyy"
    if "D" in letters and not letters.isdisjoint("MLd"):
        yield "D counts the days of a year; the day of a month is dd"
    if "m" in letters and letters.isdisjoint("HhkK"):
        yield "m is minutes; a month is MM"
    if not letters.isdisjoint("hK") and "a" not in letters:
        yield "h is an hour of twelve and needs a for AM or PM; an hour of the day is HH"
