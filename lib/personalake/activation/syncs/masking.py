"""Payloads that may be looked at: who is meant cannot be seen, what is said about them can be guessed at."""

import json
from typing import Any

# Members that say what is done, at the outermost level only: further inside they may be anybody's.
_SHOWN = frozenset({"type", "event", "tealium_event", "subscription_state", "target_channel"})


def masked(payload: str) -> Any:
    """A payload whose values are hidden: of a text the first letter is left, of a number only that it is one.

    >>> masked('{"type": "identify", "userId": "4711", "traits": {"orders": 12, "city": "Ulm", "is_new": true}}')
    {'type': 'identify', 'userId': '4…', 'traits': {'orders': '…', 'city': 'U…', 'is_new': True}}
    """
    content = json.loads(payload)
    return {key: value if key in _SHOWN else _hidden(value) for key, value in content.items()}


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    return f"{value[:1]}…" if isinstance(value, str) else "…"
