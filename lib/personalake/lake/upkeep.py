"""Tables kept small and lawful: rows beyond their age go, small files become large ones, old versions leave the disk."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from deltalake import DeltaTable
from pyspark.sql import functions as F

from personalake.lake.erasing import vacuum
from personalake.lake.lake import Lake
from personalake.lake.notes import noted
from personalake.tables import Table


@dataclass(frozen=True)
class Upkeep:
    """What was done to one table.

    Args:
        table: Full name.
        rows_removed: Rows that were older than allowed; of a dry run, those that would go.
        files_before: Files of the version before.
        files_after: Files of the version after.
    """

    table: str
    rows_removed: int = 0
    files_before: int = 0
    files_after: int = 0


def older_rows(lake: Lake, table: Table, before: date | datetime) -> int:
    """Rows of a table that are older than a moment, without Spark."""
    column = table.aged_by
    return 0 if column is None or not lake.exists(table) else lake.ledger.count(table, [(column, "<", before)])


def remove_older(lake: Lake, table: Table, before: date | datetime, note: str = "") -> int:
    """Remove rows that are older than a moment, in one commit; rows without a time stay.

    Args:
        lake: The tables.
        table: The table.
        before: The moment.
        note: What the commit bears, so that `removed_with` finds it.

    Returns:
        Rows removed.
    """
    if table.aged_by is None:
        return 0
    limit = F.lit(before.isoformat()).cast(table.schema[table.aged_by].dataType)
    with noted(lake, note):
        return lake.delete(table, F.col(table.aged_by) < limit)


def compact(lake: Lake, table: Table) -> tuple[int, int]:
    """Make large files of small ones, in a commit that changes no rows, and that streams pass over.

    Returns:
        Files before and after.
    """
    if lake.locations.catalog:
        name = lake.locations.identifier(table)
        before, _ = _files(lake, name), lake.spark.sql(f"OPTIMIZE {name}")
        return before, _files(lake, name)
    opened = DeltaTable(lake.locations.table(table))
    before = len(opened.file_uris())
    if before > 1:
        opened.optimize.compact()
    return before, len(opened.file_uris())


def tidy(lake: Lake, table: Table, versions: timedelta) -> None:
    """Take the files of older versions off the disk, and shorten the log of a table in a folder."""
    vacuum(lake, table, versions)
    if not lake.locations.catalog:
        opened = DeltaTable(lake.locations.table(table))
        opened.create_checkpoint()
        opened.cleanup_metadata()


def _files(lake: Lake, name: str) -> int:
    (row,) = lake.spark.sql(f"DESCRIBE DETAIL {name}").select("numFiles").collect()
    return int(row["numFiles"])
