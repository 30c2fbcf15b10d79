"""Rows that must be gone: out of the current version, and out of every older one.

A delete by condition would write the condition, and with it the identifiers, into the log of the table. So the keys come
as a table to be merged with, of which the log keeps only the names of the columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from personalake.lake.declared import arrow_schema
from personalake.lake.disk import writing
from personalake.lake.lake import Lake
from personalake.lake.notes import noted, properties_with
from personalake.lake.overtaken import unless_overtaken
from personalake.tables import Table

_UNCHECKED = "spark.databricks.delta.retentionDurationCheck.enabled"


@dataclass(frozen=True)
class Erased:
    """What happened to one table.

    Args:
        rows_before: Rows before.
        rows_after: Rows afterwards.
        version_before: Version before; None if there is no such table.
        version_after: Version without the rows.
        purged_at: When that version was there.
        vacuumed_at: When the files of older versions were gone.
    """

    rows_before: int = 0
    rows_after: int = 0
    version_before: int | None = None
    version_after: int | None = None
    purged_at: datetime | None = None
    vacuumed_at: datetime | None = None


def batches_of(lake: Lake, table: Table, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The chosen columns of a table of any size in their declared types; nothing if it has not been created."""
    schema = arrow_schema(table, columns)
    for batch in lake.ledger.batches(table, columns) if lake.exists(table) else ():
        yield batch.cast(schema)


def erase_rows(lake: Lake, table: Table, keys: pa.Table, retention: timedelta, note: str = "") -> Erased:
    """Remove the rows that have any of some keys, and the files of every version that still holds them.

    Args:
        lake: The lake.
        table: A table that has been created.
        keys: Keys, in columns of the table; none only cleans up what an earlier run has removed.
        retention: Age from which files of older versions go; nothing may read an older version meanwhile.
        note: What the commit bears, so that `notes.removed_with` finds it.

    Raises:
        EnvironmentProblem: If the disk is full, or the folder cannot be written.
    """
    before, rows_before = lake.ledger.version(table), lake.ledger.rows(table)
    remove_rows(lake, table, keys, note)
    after, purged_at = lake.ledger.version(table), datetime.now(UTC)
    rows_after = lake.ledger.rows(table)
    vacuum(lake, table, retention)
    return Erased(rows_before, rows_after, before, after, purged_at, datetime.now(UTC))


def vacuum(lake: Lake, table: Table, retention: timedelta) -> None:
    """Take every file off the disk that no version within the retention needs."""
    if lake.locations.catalog:
        _vacuum_in_catalog(lake, table, retention)
        return
    with writing(Path(lake.locations.table(table))):
        _vacuum(lake, table, retention)


def remove_rows(lake: Lake, table: Table, keys: pa.Table, note: str = "") -> None:
    """Remove the rows that have any of some keys from the current version; older versions keep them until they go."""
    if not len(keys) or lake.dry_run or not lake.ledger.rows(table):
        return
    distinct = keys.group_by(keys.column_names).aggregate([])
    if lake.locations.catalog:
        _merge_in_catalog(lake, table, distinct, note)
        return
    with writing(Path(lake.locations.table(table))):
        _merge(lake, table, distinct, note)


def _merge(lake: Lake, table: Table, keys: pa.Table, note: str) -> None:
    """Nothing but whole files is replaced, so nothing is left to be purged: deletion vectors are off in every table."""

    def merge() -> None:
        target = DeltaTable(lake.locations.table(table))
        merging = target.merge(
            keys, predicate=_condition(keys), source_alias="s", target_alias="t", commit_properties=properties_with(note)
        )
        merging.when_matched_delete().execute()

    unless_overtaken(merge)


def _vacuum(lake: Lake, table: Table, retention: timedelta) -> None:
    """Every file of the folder that no version within the retention needs, also such as no version ever named."""
    hours = int(retention.total_seconds() // 3600)
    opened = DeltaTable(lake.locations.table(table))
    opened.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True)


def _merge_in_catalog(lake: Lake, table: Table, keys: pa.Table, note: str) -> None:
    from delta.tables import DeltaTable as SparkDeltaTable

    name = lake.locations.identifier(table)
    target = SparkDeltaTable.forName(lake.spark, name) if lake.locations.catalog else SparkDeltaTable.forPath(
        lake.spark, lake.locations.table(table)
    )  # fmt: skip
    source = lake.spark.createDataFrame(keys).alias("s")
    with noted(lake, note):
        target.alias("t").merge(source, _condition(keys)).whenMatchedDelete().execute()
    lake.spark.sql(f"REORG TABLE {name} APPLY (PURGE)")


def _vacuum_in_catalog(lake: Lake, table: Table, retention: timedelta) -> None:
    hours = int(retention.total_seconds() // 3600)
    is_checked = lake.spark.conf.get(_UNCHECKED, "true") or "true"
    lake.spark.conf.set(_UNCHECKED, "false")
    try:
        lake.spark.sql(f"VACUUM {lake.locations.identifier(table)} RETAIN {hours} HOURS")
    finally:
        lake.spark.conf.set(_UNCHECKED, is_checked)


def _condition(keys: pa.Table) -> str:
    return " AND ".join(f"t.{name} = s.{name}" for name in keys.column_names)
