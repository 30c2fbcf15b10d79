"""What a destination says, made fit for logs: short, one line, without personal data or secrets."""

import json
import re
from collections.abc import Iterator
from typing import Any

LONGEST = 300
_LONG_NUMBER = 6
# What is said here, and by no destination: it is no part of any payload, and others go by it.
NO_SUBSCRIBER, NO_USER = "not a subscriber there", "no such user there"
_OURS = frozenset({NO_SUBSCRIBER, NO_USER})
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
        payloads: The items that it is about, JSON; what is said of their contents is left out. Of several items that is not
            said of short numbers: among many prices and counts, some status is found by chance.

    >>> told("mail to jane@example.com bounced, call +49 170 1234567")
    'mail to <address> bounced, call <number>'
    >>> told("no such contact: Jane Doe", '{"name": "Jane Doe"}')
    'no such contact: <value>'
    >>> told("called +49 170 1234567, born 1980-05-03; until 2026-11-27 04:51:39 UTC")
    'called <number>, born <number>; until 2026-11-27 04:51:39 UTC'
    """
    text = " ".join(str(reason).split())
    if text in _OURS:
        return text
    values = {value for payload in payloads for value in _texts(payload) if value in text}
    if len(payloads) > 1:
        values = {value for value in values if len(value) >= _LONG_NUMBER or not value.isdecimal()}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "<value>")
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
        elif isinstance(node, str | int | float) and not isinstance(node, bool) and len(str(node)) > 2:
            yield " ".join(str(node).split())
