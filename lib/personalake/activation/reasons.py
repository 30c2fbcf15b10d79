"""What a destination says, made fit for logs: short, one line, without personal data or secrets."""

import json
import re
from collections.abc import Iterator
from typing import Any

LONGEST = 300
VALUE = "<value>"
_LONG_NUMBER = 6
# What is shorter may be part of a word by chance; longer values are left out wherever they stand.
_SHORT = 8
# Letters and digits of scripts that have capitals (Latin, Greek, Cyrillic, Armenian). Others write names without a gap, or
# with a particle at an end.
_BESIDE = r"[0-9A-Za-z\u00c0-\u02af\u0370-\u0481\u048a-\u0587\u1e00-\u1fff]"
# Where words begin and end; an underscore and an escape (%2E, =2E) are no part of one.
BEGINS, ENDS = rf"(?-i:(?<!{_BESIDE})|(?<=[%=][0-9A-Fa-f]{{2}}))", rf"(?-i:(?!{_BESIDE}))"
# What is said here, and by no destination: it is no part of any payload, and others go by it.
NO_SUBSCRIBER, NO_USER, NO_MAILBOX = "not a subscriber there", "no such user there", "no such mailbox there"
_OURS = frozenset({NO_SUBSCRIBER, NO_USER, NO_MAILBOX})
PRIVATE = (
    (re.compile(r"[^\s\"'<>(),;:]+@[^\s\"'<>(),;]+"), "<address>"),
    (re.compile(r"(?i)\b(bearer|basic|key)\s+[\w.~+/=-]{8,}"), r"\1 <secret>"),
    # Until when a destination wants to be left alone is our own word, in the one form in which it is said.
    (re.compile(r"(?<!\w)(?!\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC)\+?\d[\d ().-]{7,}\d"), "<number>"),
    (re.compile(r"(?=[\w-]*\d)[\w-]{24,}[\w.:/+=-]*"), "<token>"),
)


def told(reason: object, *payloads: str | None) -> str:
    """A reason as it may be written down.

    Args:
        reason: What was said.
        payloads: The items that it is about, JSON; what is said of their contents is left out, in any case of letters. Short
            ones count as words only, not as parts of them. Of several items short numbers may be said: among many prices
            and counts, some status is found by chance.

    >>> told("mail to jane@example.com bounced, call +49 170 1234567")
    'mail to <address> bounced, call <number>'
    >>> told("no such contact: Jane Doe", '{"name": "Jane Doe"}')
    'no such contact: <value>'
    >>> told("UNKNOWN: ANN; cannot be reached", '{"name": "Ann"}')
    'UNKNOWN: <value>; cannot be reached'
    >>> told("called +49 170 1234567, born 1980-05-03; until 2026-11-27 04:51:39 UTC")
    'called <number>, born <number>; until 2026-11-27 04:51:39 UTC'
    """
    text = _line(reason)
    if text in _OURS:
        return text
    folded = text.casefold()
    values = {value for payload in payloads for value in _texts(payload) if value.casefold() in folded}
    if len(payloads) > 1:
        values = {value for value in values if len(value) >= _LONG_NUMBER or not value.isdecimal()}
    if values:
        said = "|".join(_as_said(value) for value in sorted(values, key=len, reverse=True))
        # What was left out before stays as it is.
        text = re.sub(f"{VALUE}|{said}", VALUE, text, flags=re.IGNORECASE)
    for pattern, instead in PRIVATE:
        text = pattern.sub(instead, text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _texts(payload: str | None) -> Iterator[str]:
    """Texts and numbers of three characters or more anywhere in a payload; the whole of one that is no JSON."""
    try:
        nodes: list[Any] = [json.loads(payload)] if payload else []
    except ValueError:
        nodes = [payload]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
        elif isinstance(node, str | int | float) and not isinstance(node, bool) and len(text := _line(node)) > 2:
            yield text


def _as_said(value: str) -> str:
    begins, ends = value[0].isalnum() and len(value) < _SHORT, value[-1].isalnum() and len(value) < _SHORT
    return f"{BEGINS if begins else ''}{re.escape(value)}{ENDS if ends else ''}"


def _line(text: object) -> str:
    """On one line, and without the halves of characters that JSON may hold: they cannot be written down."""
    return " ".join(str(text).encode("utf-8", "replace").decode().split())
