"""What Braze finds wrong with an object of users/track, in its own words where they are known."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.fakes import schemas
from tests.fakes.braze_profiles import PRIMARY

LISTS = {"attributes": "attributes", "events": "event", "purchases": "purchase"}
BLOCKED = "provided external_id is blacklisted and disallowed"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_BAD_EMAIL = "The value provided for the 'email' field is not a valid email."
_NEEDS_ID = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
_ONE_ID = "Only one of 'external_id', 'braze_id' or 'user_alias' may be given"
_MOST_ID_BYTES = 987


def problem_of(name: str, item: Any, size: int, config: Mapping[str, Any]) -> str | None:
    """What is wrong with one object of a list, given the bytes that it took; null if nothing."""
    if config["max_item_bytes"] is not None and size > config["max_item_bytes"]:
        return "the object is too large"
    found = _identity_problem(item)
    if found is not None:
        return found
    try:
        schemas.check("braze", LISTS[name])(item)
    except schemas.Refusal as refusal:
        return _worded(refusal)
    if name == "attributes":
        return _BAD_EMAIL if item.get("email") and not _EMAIL.fullmatch(item["email"]) else None
    properties, most = item.get("properties"), config["max_property_bytes"][name]
    is_large = size > most and len(json.dumps(properties, ensure_ascii=False).encode()) > most
    return "'properties' is not valid" if is_large else None


def fits(counts: Mapping[str, int], rule: str) -> bool:
    """Whether so many objects of each list go into one request."""
    if rule == "each75":
        return max(counts.values()) <= 75
    return sum(counts.values()) <= (50 if rule == "combined50" else 75)


def _identity_problem(item: Any) -> str | None:
    if not isinstance(item, dict):
        return "an object is expected"
    primary = sum(1 for key in PRIMARY if item.get(key))
    if primary > 1:
        return _ONE_ID
    if not primary and not item.get("email") and not item.get("phone"):
        return _NEEDS_ID
    external_id = item.get("external_id")
    if isinstance(external_id, str) and len(external_id.encode()) > _MOST_ID_BYTES:
        return "'external_id' is too long"
    return None


def _worded(refusal: schemas.Refusal) -> str:
    """`'quantity' is not valid`, `'name' is required`."""
    missing = re.search(r"must contain \[(.*)\] properties", str(refusal.message))
    if refusal.rule == "required" and missing and isinstance(refusal.value, dict):
        absent = [key for key in refusal.rule_definition if key not in refusal.value]
        return f"'{absent[0]}' is required"
    path = [str(part) for part in refusal.path[1:]]
    if path[:1] in (["email_subscribe"], ["push_subscribe"]):
        return f"'{path[0]}' must be 'opted_in', 'subscribed' or 'unsubscribed'"
    return f"'{path[0] if path else 'object'}' is not valid"
