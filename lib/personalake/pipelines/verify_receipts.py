"""Receipts of erasure and of retention, checked against the erasure key and against each other."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from personalake.config import Settings
from personalake.errors import InputError
from personalake.lake import Ledger
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.receipt_check import CHANGED, CHECKED, TWICE, Failure, Verified, unconfirmed, verified
from personalake.privacy.receipts import plain
from personalake.tables import Table
from personalake.tables.erasure import ERASURE_RECEIPT, ERASURE_REQUEST, RETENTION_RECEIPT

_OTHER_KEY = (
    "Not a single one verifies: erasure.key is another key than the one under which they were written. "
    "Configure that one; who has lost it cannot verify them any more."
)
_REMEDIES: Mapping[str, str] = {
    CHANGED: "Find in the history of the table which commit changed it, restore the version before, ask who writes there.",
    TWICE: "A copy was added: find in the history of the table which commit did, and restore the version before.",
}
_GONE = "Rows were deleted: restore the version of the table that has them, or compare with the copy kept elsewhere."


@dataclass(frozen=True)
class Check:
    """Every receipt, checked.

    Args:
        found: What the check came to.
        waiting: Receipts of retention that no run has confirmed yet.
    """

    found: Verified
    waiting: int

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.found.failures


@dataclass(frozen=True)
class RequestCheck:
    """One request to be forgotten, as it is handed over.

    Args:
        states: Its states, the oldest first.
        receipts: What was done about it, the oldest first.
        failures: What is wrong with them.
    """

    states: Sequence[Mapping[str, Any]]
    receipts: Sequence[Mapping[str, Any]]
    failures: Sequence[Failure]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failures

    def as_json(self) -> str:
        """All of it; each MAC is over the values as they are written here."""
        wrong = [f"{failure.table} {failure.name}: {failure.what}" for failure in self.failures]
        told = {"verifies": self.is_sound, "failures": wrong}
        return json.dumps(told | {"states": [*map(plain, self.states)], "receipts": [*map(plain, self.receipts)]}, indent=2)


def verify_receipts(settings: Settings, ledger: Ledger) -> Check:
    """Check every receipt and every state of a request.

    Raises:
        ConfigError: If the erasure key is not there.
    """
    rows: dict[Table, list[dict[str, Any]]] = {table: ledger.read(table) for table in CHECKED}
    if not any(rows.values()):
        return Check(verified("", rows), 0)
    key = erasure_key(settings, ledger.locations, may_make=False)
    return Check(verified(key, rows), len(unconfirmed(rows[RETENTION_RECEIPT])))


def request_verified(settings: Settings, ledger: Ledger, request_id: str) -> RequestCheck:
    """Check what is written of one request.

    Raises:
        InputError: If nothing is written of it.
        ConfigError: If the erasure key is not there.
    """
    of_request = [("request_id", "=", request_id)]
    states, receipts = (ledger.read(table, where=of_request) for table in (ERASURE_REQUEST, ERASURE_RECEIPT))
    if not states and not receipts:
        raise InputError(
            "No request has this id.", "gold.erasure_request lists them: personalake query 'FROM gold.erasure_request'."
        )
    key = erasure_key(settings, ledger.locations, may_make=False)
    failures = verified(key, {ERASURE_REQUEST: states, ERASURE_RECEIPT: receipts, RETENTION_RECEIPT: []}).failures
    states.sort(key=lambda row: str(row["changed_at"]))
    receipts.sort(key=lambda row: (str(row["recorded_at"]), row["place"]))
    return RequestCheck(states, receipts, failures)


def told(check: Check) -> Iterator[str]:
    """What a privacy officer reads: how many verify, and what to do about each that does not."""
    found = check.found
    counts = ", ".join(f"{rows:,} of {name}" for name, rows in found.rows.items())
    yield f"{sum(found.rows.values()):,} verify: {counts}"
    if check.waiting:
        yield (
            f"{check.waiting:,} of {RETENTION_RECEIPT.full_name} tell of rows that no run has confirmed to be gone: "
            "the next maintain_tables finds out."
        )
    if found.is_of_another_key:
        yield _OTHER_KEY
        return
    for failure in found.failures:
        yield f"FAILED {failure.table} {failure.name}: {failure.what}"
        yield f"       {_REMEDIES.get(failure.what, _GONE)}"
