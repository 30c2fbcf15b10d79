"""Checksums of tables: equal for equal rows in any order; floats are rounded, run columns left out."""

import json
from dataclasses import dataclass

import pandas as pd

from personalake.lake.ledger import Ledger
from personalake.tables import ALL, Table

# Sums in another order differ in the last bits; nine digits behind the point are far below anything that is decided on.
FLOAT_DIGITS = 9


# These tell how runs went (times, batches, attempts), not what they found: they differ between equal histories.
LEDGERS_OF_RUNS = (
    "gold.run", "gold.data_health", "gold.feature_snapshot", "gold.dataset_verdict", "gold.source_audit",
    "bronze.landing_file",
)  # fmt: skip


@dataclass(frozen=True)
class Checksum:
    """Rows of a table and a hash over them; `0` and an empty hash for a table that is not there."""

    rows: int
    digest: str


def checksum(ledger: Ledger, table: Table) -> Checksum:
    """The checksum of a table's current version."""
    columns = [name for name in table.columns if name not in table.run_columns]
    batches = ledger.batches(table, columns)
    rows, total = 0, 0
    for batch in batches:
        frame = batch.to_pandas(maps_as_pydicts="strict")
        total = (total + int(_row_hashes(frame).sum())) % 2**64
        rows += len(frame)
    return Checksum(rows, f"{total:016x}" if rows else "")


def checksums(ledger: Ledger) -> dict[str, Checksum]:
    """The checksum of every table by its full name, without the ledgers of runs."""
    return {table.full_name: checksum(ledger, table) for table in ALL if table.full_name not in LEDGERS_OF_RUNS}


def _row_hashes(frame: pd.DataFrame) -> "pd.Series[int]":
    plain = pd.DataFrame(index=frame.index)
    for name, column in frame.items():
        if column.dtype.kind == "f":
            plain[name] = column.round(FLOAT_DIGITS)
        elif column.dtype == object:
            plain[name] = column.map(_as_text, na_action="ignore").fillna("\0")
        else:
            plain[name] = column
    return pd.util.hash_pandas_object(plain, index=False)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(_rounded(value), sort_keys=True, default=str)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, FLOAT_DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if hasattr(value, "tolist"):
        return [_rounded(each) for each in value.tolist()]
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
