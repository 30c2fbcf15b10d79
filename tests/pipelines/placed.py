"""Rows as earlier jobs would have left them, written by delta-rs: Spark takes seconds for a handful."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from personalake.lake import Lake
from personalake.lake.declared import arrow_schema
from personalake.tables import Table


def place(lake: Lake, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put rows in the place of those that are there; every declared column that a row lacks is null."""
    complete = [{name: row.get(name) for name in table.columns} for row in rows]
    lake.put(pa.Table.from_pylist(complete, arrow_schema(table)), table)
