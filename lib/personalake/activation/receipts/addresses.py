"""Addresses in payloads, where a destination's own reply tells that there is nobody behind one any more."""

import json
from collections.abc import Mapping

# Namespace of what pushes are sent to, as receipts have it.
DEVICE = "device_token"
# Kind of connection: what it says of an address that is gone for good.
GONE: Mapping[str, tuple[str, ...]] = {"fcm": ("UNREGISTERED",), "onesignal": ("not a subscriber there",)}
# Kind of connection and what its syncs call the key: that key is such an address.
_ADDRESSED = frozenset({("fcm", "token"), ("onesignal", "subscription_id")})
_MARKS = ('"token"', '"include_subscription_ids"')


def is_device(kind: str, key_field: str) -> bool:
    """Whether a sync's keys are devices, and not people."""
    return (kind, key_field) in _ADDRESSED


def device_of(payload: str) -> str | None:
    """The one device that a push is for; null if it is for a person, or no push.

    >>> device_of('{"token": "t1", "notification": {}}'), device_of('{"include_aliases": {"external_id": ["u1"]}}')
    ('t1', None)
    """
    if not any(mark in payload for mark in _MARKS):
        return None
    try:
        found = json.loads(payload)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    listed = found.get("include_subscription_ids")
    device = listed[0] if isinstance(listed, list) and len(listed) == 1 else found.get("token")
    return device if isinstance(device, str) and device else None
