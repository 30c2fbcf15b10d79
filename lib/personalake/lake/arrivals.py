"""Rows of a table counted by source and day, without Spark where the lake is a folder."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from personalake.lake.ledger import Ledger
from personalake.tables import Table

SOURCE, DAY, ROWS, KNOWN_AT = "source", "day", "rows", "known_at"


def rows_by_source_and_day(ledger: Ledger, table: Table, clock: str, counted: Sequence[str], time_zone: str) -> pa.Table:
    """What each source brought into a table on each day.

    Args:
        ledger: The tables.
        table: A table with `source` and `known_at`.
        clock: The column that says which day a row belongs to.
        counted: Columns whose values that are not null are counted.
        time_zone: Zone in which a day begins.

    Returns:
        `source`, `day`, `rows`, the greatest `known_at`, and for each counted column how many rows have it.
    """
    if ledger.version(table) is None:
        return _schema(counted).empty_table()
    if ledger.locations.catalog:
        return _by_spark(ledger, table, clock, counted)
    columns = list(dict.fromkeys([SOURCE, KNOWN_AT, clock, *counted]))
    parts = [_cut(batch, clock, counted, time_zone) for batch in ledger.batches(table, columns) if batch.num_rows]
    return _summed(pa.concat_tables([_schema(counted).empty_table(), *parts]), counted)


def values_by_source(ledger: Ledger, table: Table, column: str) -> dict[str, set[str]]:
    """Values of a column in the rows of each source."""
    found: dict[str, set[str]] = {}
    if ledger.version(table) is None:
        return found
    if ledger.locations.catalog:
        rows = ledger.start_session().table(ledger.locations.identifier(table)).select(SOURCE, column).distinct().toArrow()
        parts = [rows]
    else:
        batches = (pa.Table.from_batches([batch]) for batch in ledger.batches(table, [SOURCE, column]) if batch.num_rows)
        parts = [batch.group_by([SOURCE, column]).aggregate([]) for batch in batches]
    for part in parts:
        for source, value in zip(part[SOURCE].to_pylist(), part[column].to_pylist(), strict=True):
            if value is not None:
                found.setdefault(source, set()).add(value)
    return found


def _cut(batch: pa.RecordBatch, clock: str, counted: Sequence[str], time_zone: str) -> pa.Table:
    local = pc.local_timestamp(pc.cast(batch[clock], pa.timestamp("us", time_zone)))
    columns = {
        SOURCE: batch[SOURCE],
        DAY: pc.cast(local, pa.date32(), safe=False),
        ROWS: pa.repeat(1, batch.num_rows),
        KNOWN_AT: batch[KNOWN_AT],
        **{name: pc.is_valid(batch[name]) for name in counted},
    }
    rows = pa.table({name: pc.cast(columns[name], kind) for name, kind in _types(counted).items()})
    return _summed(rows, counted)


def _summed(rows: pa.Table, counted: Sequence[str]) -> pa.Table:
    sums = [(ROWS, "sum"), (KNOWN_AT, "max"), *((name, "sum") for name in counted)]
    found = rows.group_by([SOURCE, DAY]).aggregate(sums)
    names = [SOURCE, DAY, *(f"{name}_{how}" for name, how in sums)]
    return found.select(names).rename_columns(list(_types(counted))).cast(_schema(counted))


def _by_spark(ledger: Ledger, table: Table, clock: str, counted: Sequence[str]) -> pa.Table:
    """With a catalog; the session's zone is the business's."""
    rows = ledger.start_session().table(ledger.locations.identifier(table))
    grouped = rows.groupBy(SOURCE, F.to_date(clock).alias(DAY))
    sums = [F.count_if(F.col(name).isNotNull()).alias(name) for name in counted]
    found = grouped.agg(F.count(F.lit(1)).alias(ROWS), F.max(KNOWN_AT).alias(KNOWN_AT), *sums)
    return found.toArrow().select(list(_types(counted))).cast(_schema(counted))


def _types(counted: Sequence[str]) -> dict[str, pa.DataType]:
    known = {SOURCE: pa.string(), DAY: pa.date32(), ROWS: pa.int64(), KNOWN_AT: pa.timestamp("us", "UTC")}
    return {**known, **dict.fromkeys(counted, pa.int64())}


def _schema(counted: Sequence[str]) -> pa.Schema:
    return pa.schema(list(_types(counted).items()))
