"""Calls of Segment's HTTP Tracking API: which are discarded, and for which reason."""

import base64
import binascii
from typing import Any

from tests.fakes import schemas

KINDS = ("identify", "track", "group", "page", "screen", "alias")


def discarded(item: Any) -> str | None:
    """Why Segment discards a call, by the names of its delivery overview; null if it does not."""
    if not isinstance(item, dict) or item.get("type") not in KINDS:
        return "type"
    problem = schemas.problem("segment", item["type"], item)
    if problem is None:
        return None
    if not item.get("userId") and not item.get("anonymousId"):
        return "no_user_anon_id"
    if item["type"] == "track" and "event" not in item:
        return "event_not_defined"
    for key, kind, reason in (
        ("event", str, "event_not_string"),
        ("properties", dict, "properties_not_object"),
        ("traits", dict, "traits_not_object"),
        ("name", str, "name_not_string"),
        ("category", str, "category_not_string"),
    ):
        if key in item and not isinstance(item[key], kind):
            return reason
    return f"schema: {problem}"


def with_context(item: dict[str, Any], batch: dict[str, Any]) -> dict[str, Any]:
    """A call with the context and the integrations of its batch."""
    shared = {key: {**batch[key], **item.get(key, {})} for key in ("context", "integrations") if batch.get(key)}
    return {**item, **shared} if shared else item


def basic(credentials: str) -> str | None:
    """The user of basic authentication whose password is empty; the colon is part of it."""
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user if colon and not password else None
