"""Deadlines, keyed pseudonyms, and receipts that show whether anybody changed them."""

import hashlib
import hmac
import json
from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from personalake.common.hashing import keyed_hash_of

CCPA_DAYS = 45
PERSON = "person_id"
MAC = "mac"


def due_at(regulation: str, requested_at: datetime) -> datetime:
    """Until when the law wants it done: the same day of the next month by GDPR (Article 12), 45 days by CCPA.

    >>> due_at("GDPR", datetime(2025, 1, 31)), due_at("CCPA", datetime(2025, 1, 31))
    (datetime.datetime(2025, 2, 28, 0, 0), datetime.datetime(2025, 3, 17, 0, 0))
    """
    if regulation == "CCPA":
        return requested_at + timedelta(days=CCPA_DAYS)
    year, month = (requested_at.year + 1, 1) if requested_at.month == 12 else (requested_at.year, requested_at.month + 1)
    return requested_at.replace(year=year, month=month, day=min(requested_at.day, monthrange(year, month)[1]))


def pseudonym(key: str, namespace: str, value: str) -> str:
    """What stands for an identifier in ledgers: its keyed hash, the same as in `silver.suppression`."""
    return keyed_hash_of(key, f"{namespace}|{value}")


def mac_of(key: str, row: Mapping[str, Any]) -> str:
    """HMAC-SHA-256 over every column of a row but the MAC itself, whatever their order."""
    told = json.dumps({name: value for name, value in plain(row).items() if name != MAC}, sort_keys=True)
    return hmac.new(key.encode(), told.encode(), hashlib.sha256).hexdigest()


def verifies(key: str, row: Mapping[str, Any]) -> bool:
    """Whether a receipt, or a state of a request, is as it was written."""
    return hmac.compare_digest(mac_of(key, row), str(row.get(MAC)))


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A receipt with values that JSON knows, over which its MAC is made."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Times to the microsecond in UTC, and maps as pairs in order, however tables give them back."""
    if isinstance(value, Mapping):
        value = list(value.items())
    if isinstance(value, list):
        return sorted(map(list, value))
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
