"""Receipts of rows that left a table for their age: told before they go, told again once they are gone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from personalake.lake import Lake
from personalake.lake.upkeep import older_rows, remove_older, removed_with
from personalake.pipelines.job import JobContext
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.receipt_check import unconfirmed
from personalake.privacy.receipts import MAC, mac_of
from personalake.tables import Table
from personalake.tables.erasure import RETENTION_RECEIPT

Receipt = Mapping[str, Any]


@dataclass(frozen=True)
class Aged:
    """Rows of a table that left for their age so far.

    Args:
        rows: How many.
        by_source: How many of each source.
        is_certain: Whether no run died between telling and removing; else they may be fewer, until `settle` looks.
    """

    rows: int
    by_source: Mapping[str, int]
    is_certain: bool


def aged(lake: Lake, table: Table) -> Aged:
    """What left a table for its age."""
    receipts = _receipts(lake, table)
    done = [row for row in receipts if row["rows_removed"] is not None]
    by_source: Counter[str] = Counter()
    for row in done:
        if row["rows_removed"]:
            by_source.update(dict(row["sources"] or {}))
    return Aged(sum(row["rows_removed"] for row in done), by_source, not unconfirmed(receipts))


def announce(context: JobContext, table: Table, kept_days: int, cutoff: date | datetime, rows: int) -> Receipt:
    """Write down what is about to go: whoever counts rows must never believe that nothing went."""
    moment = cutoff if isinstance(cutoff, datetime) else datetime.combine(cutoff, time(), UTC)
    receipt = {
        "table": table.full_name, "aged_by": table.aged_by, "kept_days": kept_days, "removed_before": moment, "rows": rows,
        "sources": _sources(context.lake, table, cutoff), "rows_removed": None,
        "version_before": context.lake.ledger.version(table), "run_id": context.run_id,
    }  # fmt: skip
    _write(context, receipt)
    return receipt


def announce_files(context: JobContext, place: str, kept_days: int, cutoff: datetime, files: int) -> Receipt:
    """Write down that files are about to go, as `announce` does for rows: place, and how many files."""
    receipt = {
        "table": place, "aged_by": "checked_at", "kept_days": kept_days, "removed_before": cutoff, "rows": files,
        "sources": {}, "rows_removed": None, "version_before": None, "run_id": context.run_id,
    }  # fmt: skip
    _write(context, receipt)
    return receipt


def unconfirmed_of(lake: Lake, place: str) -> list[Receipt]:
    """Receipts of a place that tell what is about to go, of a run that died."""
    return [*unconfirmed(_receipts_of(lake, place))]


def remove_told(lake: Lake, table: Table, receipt: Receipt) -> int:
    """Remove the rows that a receipt tells of, in a commit that names the receipt's run.

    Returns:
        Rows removed.
    """
    return remove_older(lake, table, receipt["removed_before"], _note(receipt))


def confirm(context: JobContext, receipt: Receipt, removed: int) -> None:
    """Write down that the rows of a receipt are gone, or that they are all still there."""
    _write(context, {**receipt, "rows_removed": removed})


def settle(context: JobContext, table: Table) -> None:
    """Find out what became of rows that a run told of before it died: they go in one commit, all of them or none.

    That commit says how many they were. Rows as old may have come since, so that counting what is there tells nothing;
    it is only done where the log of the table does not reach back any more.
    """
    lake = context.lake
    for receipt in unconfirmed(_receipts(lake, table)):
        removed = removed_with(lake, table, _note(receipt), receipt["version_before"])
        if removed is None:
            stay = older_rows(lake, table, receipt["removed_before"]) >= receipt["rows"]
            removed = 0 if stay else receipt["rows"]
        confirm(context, receipt, removed)


def _write(context: JobContext, receipt: Receipt) -> None:
    row = {**receipt, "recorded_at": datetime.now(UTC)}
    key = erasure_key(context.settings, context.lake.locations)
    context.lake.add([{**row, MAC: mac_of(key, row)}], RETENTION_RECEIPT)


def _note(receipt: Receipt) -> str:
    return f"retention {receipt['run_id']}"


def _receipts(lake: Lake, table: Table) -> list[dict[str, Any]]:
    return _receipts_of(lake, table.full_name)


def _receipts_of(lake: Lake, place: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.ledger.read(RETENTION_RECEIPT, where=[("table", "=", place)])
    return found


def _sources(lake: Lake, table: Table, cutoff: date | datetime) -> dict[str, int]:
    if "source" not in table.columns or table.aged_by is None:
        return {}
    leaving = lake.ledger.arrow(table, ["source"], [(table.aged_by, "<", cutoff)])["source"]
    return {row["values"]: row["counts"] for row in leaving.value_counts().to_pylist() if row["values"] is not None}
