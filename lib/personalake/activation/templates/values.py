"""Values as a template may show them: plain, printable, of bearable length."""

import math
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

LONGEST_VALUE, MOST_ENTRIES = 10_000, 100
# What no text needs and what can disguise it: control characters but tab and line feed, marks that turn the direction of
# what follows, half a character. Letters written from right to left stay.
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ud800-\udfff]")
_WAYS = ("https://", "mailto:")


class Unfit(ValueError):
    """Raised when a value may not be shown."""


def shown(variables: Mapping[str, Any]) -> dict[str, Any]:
    r"""The variables that have a value, cleaned; what is null, blank or no number is missing.

    Args:
        variables: Name to value; what a template does not know is left alone.

    Raises:
        Unfit: If a value is too long, of a strange kind, or no address where its name says so.

    >>> shown({"first_name": "Jane\x00", "city": " ", "orders": None, "spend": float("nan")})
    {'first_name': 'Jane'}
    """
    found = {}
    for name, value in variables.items():
        kept = _value(name, value)
        if kept is not None:
            found[name] = kept
    return found


def _value(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return _text(name, value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | Decimal | date):
        return value
    if isinstance(value, list | tuple):
        if len(value) > MOST_ENTRIES:
            raise Unfit(f"{name} has {len(value)} entries; {MOST_ENTRIES} at most")
        return [kept for entry in value if (kept := _entry(name, entry)) is not None] or None
    raise Unfit(f"{name} is a {type(value).__name__}, which no template can show")


def _entry(name: str, entry: Any) -> Any:
    return shown(entry) if isinstance(entry, Mapping) else _value(name, entry)


def _text(name: str, text: str) -> str | None:
    if len(text) > LONGEST_VALUE:
        raise Unfit(f"{name} has {len(text):,} characters; {LONGEST_VALUE:,} at most")
    kept = _ODD.sub("", text.replace("\r\n", "\n")).strip()
    if kept and name.endswith("_url") and not kept.startswith(_WAYS):
        raise Unfit(f"{name} is neither https:// nor mailto:")
    return kept or None
