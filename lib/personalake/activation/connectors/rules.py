"""What a vendor's document says of one value: whether it will do, and in words what is wanted."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

Fits = Callable[[Any], bool]
# Field: whether a value will do, and what is wanted.
Rules = Mapping[str, tuple[Fits, str]]
_CURRENCY = re.compile("[A-Z]{3}")


def is_text(value: Any) -> bool:
    """Whether it is a text."""
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    """Whether it is true or false."""
    return isinstance(value, bool)


def is_object(value: Any) -> bool:
    """Whether it has members."""
    return isinstance(value, dict)


def is_number(value: Any) -> bool:
    """Whether it is a number; Python's true and false are numbers, too, and meant otherwise.

    >>> is_number(1.5), is_number(True), is_number("1")
    (True, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, in the form of one."""
    return isinstance(value, int) and not isinstance(value, bool)


def within(lowest: float, highest: float, is_kind: Fits = is_whole) -> Fits:
    """Whether a value is a number, whole by default, of so much to so much."""
    return lambda value: is_kind(value) and lowest <= value <= highest


def one_of(values: Collection[Any]) -> Fits:
    """Whether a value is among some texts or numbers."""
    return lambda value: isinstance(value, str | int | float) and not isinstance(value, bool) and value in values


def matching(pattern: re.Pattern[str]) -> Fits:
    """Whether a value is a text of a form, as a whole."""

    @lru_cache(maxsize=4_096)
    def fits(value: str) -> bool:
        return pattern.fullmatch(value) is not None

    # The same times and codes come again and again.
    return lambda value: isinstance(value, str) and fits(value)


is_currency = matching(_CURRENCY)
CURRENCY = "three letters of ISO 4217"
