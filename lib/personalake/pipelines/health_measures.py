"""Measures tables for their verdicts: column by column, past Spark where the lake is a folder."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from personalake.config.near_duplicates import NearDuplicates
from personalake.config.quality import Consistency, DatasetChecks, measure_of
from personalake.ingestion.contracts import CONTRACTS
from personalake.lake import Lake
from personalake.pipelines.distribution_measures import distribution_verdicts
from personalake.pipelines.gap_measures import gap_verdicts
from personalake.pipelines.job import JobContext
from personalake.pipelines.refusal_measures import refusal_verdicts
from personalake.quality.near_duplicates import left_out_for_size, near_duplicates, without_near_duplicates
from personalake.quality.verdicts import (
    Verdict,
    completeness,
    equal,
    few_near_duplicates,
    freshness,
    known_elsewhere,
    volume,
)
from personalake.tables import BY_NAME, Table


def dataset_verdicts(context: JobContext) -> list[Verdict]:
    """The verdict of every check that conf/quality.yml declares."""
    quality = context.settings.quality
    wanted = [(BY_NAME[name], checks) for name, checks in quality.datasets.items()]
    found = [
        verdict for table, checks in wanted if _is_expected(context, table) for verdict in _of_table(context, table, checks)
    ]
    found += [*refusal_verdicts(context), *gap_verdicts(context)]
    return [*found, *(_of_two(context.lake, name, check) for name, check in quality.consistency.items())]


def _of_table(context: JobContext, table: Table, checks: DatasetChecks) -> Iterator[Verdict]:
    ledger, zone = context.lake.ledger, ZoneInfo(context.settings.business_timezone)
    if checks.freshness:
        newest = ledger.latest(table, checks.clock)
        newest = newest if newest is None or isinstance(newest, datetime) else datetime.combine(newest, time(), zone)
        midnight = datetime.combine(context.as_of, time(), zone)
        yield freshness(table.full_name, newest, midnight, checks.freshness)
    if checks.volume:
        yield volume(table.full_name, _per_day(context, table, checks.clock), context.as_of, checks.volume)
    rows = ledger.rows(table) if checks.completeness else 0
    for column, wanted in checks.completeness.items():
        missing = ledger.count(table, [(column, "=", None)]) if rows else 0
        yield completeness(table.full_name, column, rows, missing, wanted, checks.fail_below)
    if checks.near_duplicates:
        rows, repeated, left_out = _repeated(context.lake, table, checks.near_duplicates)
        yield few_near_duplicates(table.full_name, rows, repeated, checks.near_duplicates, left_out)
    yield from distribution_verdicts(context, table, checks.clock, checks)


def _is_expected(context: JobContext, table: Table) -> bool:
    """Whether anything should be in a table: one that sources fill, and no source of today does, may be empty."""
    filling = [name for name, contract in CONTRACTS.items() if contract.table is table]
    return not filling or bool(context.settings.active_sources(*filling)) or bool(context.lake.ledger.rows(table))


def _per_day(context: JobContext, table: Table, clock: str) -> dict[date, int]:
    """Rows by day; a snapshot of an as-of is of the day before it."""
    ledger = context.lake.ledger
    if next(field.type for field in table.fields if field.name == clock) == "timestamp":
        return ledger.per_day(table, clock, context.settings.business_timezone)
    days = pc.value_counts(ledger.arrow(table, [clock])[clock].drop_null()).to_pylist()
    is_snapshot = clock in table.key and clock == "as_of"
    return {day["values"] - timedelta(is_snapshot): day["counts"] for day in days}


def _repeated(lake: Lake, table: Table, wanted: NearDuplicates) -> tuple[int, int, tuple[int, int]]:
    """Rows, those nearly the same as an earlier one, and blocks and rows that were too many to compare; by Spark."""
    rows = lake.ledger.rows(table)
    if not rows:
        return 0, 0, (0, 0)
    keyed = lake.read(table).withColumn("row_key", F.concat_ws(":", *table.key))
    block = F.expr(wanted.block).cast("string")
    pairs = near_duplicates(keyed, "row_key", wanted.columns, block, wanted.most_edits, wanted.largest_block)
    blocks, unseen = left_out_for_size(keyed, block, wanted.largest_block).collect()[0]
    return rows, rows - without_near_duplicates(keyed, "row_key", pairs, []).count(), (blocks, unseen)


def _of_two(lake: Lake, name: str, check: Consistency) -> Verdict:
    (what, left, column), (other_what, right, other) = (measure_of(text, check.kind) for text in (check.left, check.right))
    if check.kind == "foreign_key" and column is not None and other is not None:
        if not lake.ledger.rows(right):  # who knows nothing refuses nothing
            return known_elsewhere(left.full_name, name, 0, 0, check)
        return known_elsewhere(left.full_name, name, *_unknown(lake, left, column, right, other), check)
    return equal(left.full_name, name, _measure(lake, what, left, column), _measure(lake, other_what, right, other), check)


def _unknown(lake: Lake, left: Table, column: str, right: Table, other: str) -> tuple[int, int]:
    """Rows with a value, and those of them whose value the other table does not know."""
    if lake.locations.catalog:
        known = lake.read(right).select(F.col(other).alias(column), F.lit(True).alias("is_known")).distinct()
        told = lake.read(left).where(F.col(column).isNotNull()).join(known, column, "left")
        rows, unknown = told.agg(F.count("*"), F.count_if(F.col("is_known").isNull())).collect()[0]
        return int(rows), int(unknown)
    known_values = pa.array([value for value in lake.ledger.distinct(right, other) if value is not None])
    rows = unknown = 0
    for batch in lake.ledger.batches(left, [column]):
        values = batch.column(0).drop_null()
        rows += len(values)
        unknown += len(values) - (pc.sum(pc.is_in(values, known_values.cast(values.type))).as_py() or 0)
    return rows, unknown


def _measure(lake: Lake, what: str, table: Table, column: str | None) -> float | None:
    """Rows, the sum of a column, or its distinct values; None for a table without rows."""
    ledger = lake.ledger
    rows = ledger.rows(table)
    if not rows or column is None:
        return float(rows) if rows else None
    if lake.locations.catalog:
        measured = F.count_distinct(column) if what == "distinct" else F.sum(column)
        found = lake.read(table).agg(measured).collect()[0][0]
        return None if found is None else float(found)
    if what == "distinct":
        return float(len(ledger.distinct(table, column) - {None}))
    sums = [pc.sum(pc.cast(batch.column(0), pa.float64())).as_py() for batch in ledger.batches(table, [column])]
    return float(sum(part for part in sums if part is not None))
