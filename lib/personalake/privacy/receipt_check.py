"""Whether receipts of erasure and of retention are as they were written, and whether any of them is missing."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from personalake.privacy.receipts import MAC, verifies
from personalake.tables import Table
from personalake.tables.erasure import ERASURE_RECEIPT, ERASURE_REQUEST, RETENTION_RECEIPT

Row = Mapping[str, Any]

CHANGED = "is not as it was written"
TWICE = "stands there more than once"
NO_STATES = "its states are gone, its receipts are there"
NO_BEGINNING = "the state with which it began is missing"
NEVER_TOLD = "what was told before the rows went is gone"
# What of a row names it to a person.
_NAMES: Mapping[str, tuple[str, ...]] = {
    ERASURE_REQUEST.full_name: ("request_id", "state"),
    ERASURE_RECEIPT.full_name: ("request_id", "place"),
    RETENTION_RECEIPT.full_name: ("table", "run_id"),
}
CHECKED: tuple[Table, ...] = (ERASURE_REQUEST, ERASURE_RECEIPT, RETENTION_RECEIPT)


@dataclass(frozen=True)
class Failure:
    """Something about receipts that cannot be relied on.

    Args:
        table: Full name of the table.
        name: Which row, or which request.
        what: What is wrong.
    """

    table: str
    name: str
    what: str


@dataclass(frozen=True)
class Verified:
    """What a check came to.

    Args:
        rows: Table to the rows that are as they were written.
        failures: Everything that is wrong.
    """

    rows: Mapping[str, int]
    failures: tuple[Failure, ...]

    @property
    def is_of_another_key(self) -> bool:
        """Whether not a single row verifies: then it is the key that is another one."""
        return not any(self.rows.values()) and any(failure.what == CHANGED for failure in self.failures)


def verified(key: str, rows: Mapping[Table, Sequence[Row]]) -> Verified:
    """Check the MAC of each row, that none stands twice, and that none is missing that others tell of.

    Args:
        key: The erasure key.
        rows: Rows of `CHECKED`, all of them.
    """
    good = {table: [row for row in told if verifies(key, row)] for table, told in rows.items()}
    failures = [
        Failure(table.full_name, _name(table, row), what)
        for table, told in rows.items()
        for row, what in (*_changed(key, told), *_repeated(told))
    ]
    failures += _missing_of_requests(rows[ERASURE_REQUEST], rows[ERASURE_RECEIPT])
    failures += _never_told(rows[RETENTION_RECEIPT])
    return Verified({table.full_name: len(told) for table, told in good.items()}, tuple(failures))


def unconfirmed(rows: Sequence[Row]) -> list[Row]:
    """Receipts of retention that tell what is about to go, and that nothing confirms."""
    confirmed = {(row["table"], row["run_id"]) for row in rows if row["rows_removed"] is not None}
    return [row for row in rows if row["rows_removed"] is None and (row["table"], row["run_id"]) not in confirmed]


def _name(table: Table, row: Row) -> str:
    return " ".join(str(row[column]) for column in _NAMES[table.full_name])


def _changed(key: str, rows: Sequence[Row]) -> Iterator[tuple[Row, str]]:
    return ((row, CHANGED) for row in rows if not verifies(key, row))


def _repeated(rows: Sequence[Row]) -> Iterator[tuple[Row, str]]:
    """A copy verifies as well as what it was copied from, and has its MAC."""
    times = Counter(row[MAC] for row in rows)
    first = {row[MAC]: row for row in reversed(rows)}
    return ((first[mac], TWICE) for mac, count in times.items() if count > 1)


def _missing_of_requests(states: Sequence[Row], receipts: Sequence[Row]) -> Iterator[Failure]:
    """A state tells how many receipts there were; later answers of destinations only add to them."""
    of_request: dict[str, list[Row]] = {}
    for row in states:
        of_request.setdefault(row["request_id"], []).append(row)
    written: dict[str, list[datetime]] = {}
    for row in receipts:
        written.setdefault(row["request_id"], []).append(row["recorded_at"])
    for request_id in sorted({*written} - {*of_request}):
        yield Failure(ERASURE_REQUEST.full_name, request_id, NO_STATES)
    for request_id, told in sorted(of_request.items()):
        if "received" not in {row["state"] for row in told}:
            yield Failure(ERASURE_REQUEST.full_name, request_id, NO_BEGINNING)
        last = max(told, key=lambda row: row["receipts"] or 0)
        expected = last["receipts"] or 0
        # Those that came later do not stand in for any that were there.
        there = sum(at <= last["changed_at"] for at in written.get(request_id, ()))
        if there < expected:
            what = f"{expected - there} of its {expected} receipts are missing"
            yield Failure(ERASURE_RECEIPT.full_name, request_id, what)


def _never_told(rows: Sequence[Row]) -> Iterator[Failure]:
    told = {(row["table"], row["run_id"]) for row in rows if row["rows_removed"] is None}
    confirmed = {(row["table"], row["run_id"]) for row in rows if row["rows_removed"] is not None}
    for table, run_id in sorted(confirmed - told):
        yield Failure(RETENTION_RECEIPT.full_name, f"{table} {run_id}", NEVER_TOLD)
