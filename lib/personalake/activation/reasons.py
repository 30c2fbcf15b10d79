"""What a destination says, made fit for logs: short, one line, without personal data or secrets."""

import json
import re
from collections.abc import Iterator
from typing import Any

LONGEST = 300
# What is said here, and by no destination: it is no part of any payload, and others go by it.
NO_SUBSCRIBER, NO_USER = "not a subscriber there", "no such user there"
_OURS = frozenset({NO_SUBSCRIBER, NO_USER})
PRIVATE = (
    (re.compile(r"[^\s\"'<>(),;:]+@[^\s\"'<>(),;]+"), "<address>"),
    (re.compile(r"(?i)\b(bearer|basic|key)\s+[\w.~+/=-]{8,}"), r"\1 <secret>"),
    (re.compile(r"(?<!\w)\+?\d[\d ().-]{7,}\d"), "<number>"),
    (re.compile(r"(?=[\w-]*\d)[\w-]{24,}[\w.:/+=-]*"), "<token>"),
)


def told(reason: object, payload: str | None = None) -> str:
    """A reason as it may be written down.

    Args:
        reason: What was said.
        payload: The item that it is about, JSON; what is said of its contents is left out.

    >>> told("mail to jane@example.com bounced, call +49 170 1234567")
    'mail to <address> bounced, call <number>'
    >>> told("no such contact: Jane Doe", '{"name": "Jane Doe"}')
    'no such contact: <value>'
    """
    text = " ".join(str(reason).split())
    if text in _OURS:
        return text
    for value in sorted(set(_texts(payload)), key=len, reverse=True):
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
