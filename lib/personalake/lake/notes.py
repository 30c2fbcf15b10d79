"""Commits that bear a note, and what the history of a table says of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deltalake import CommitProperties, DeltaTable

from personalake.lake.lake import Lake
from personalake.tables import Table

_NOTE = "spark.databricks.delta.commitInfo.userMetadata"
_KEY = "userMetadata"
# Of a DELETE, and of a MERGE by Spark and by delta-rs.
_DELETED = ("numDeletedRows", "numTargetRowsDeleted", "num_target_rows_deleted")


@contextmanager
def noted(lake: Lake, note: str) -> Iterator[None]:
    """What Spark commits meanwhile bears the note, if there is one."""
    if note:
        lake.spark.conf.set(_NOTE, note)
    try:
        yield
    finally:
        if note:
            lake.spark.conf.unset(_NOTE)


def properties_with(note: str) -> CommitProperties:
    """The same for a commit by delta-rs."""
    return CommitProperties(custom_metadata={_KEY: note} if note else None)


def removed_with(lake: Lake, table: Table, note: str, since: int | None) -> int | None:
    """Rows that a commit with a note has removed.

    Args:
        lake: The tables.
        table: The table.
        note: The note that was given when the rows were removed.
        since: A version before which that commit cannot have been.

    Returns:
        How many, 0 if there was no such commit; None if the log of the table does not reach back so far.
    """
    history = _history(lake, table)
    commits = [commit for commit in history if commit.get(_KEY) == note]
    if commits:
        return sum(_removed(commit["operationMetrics"] or {}) for commit in commits)
    is_whole = since is not None and min((commit["version"] for commit in history), default=since + 2) <= since + 1
    return 0 if is_whole else None


def _removed(metrics: dict[str, Any]) -> int:
    return next((int(metrics[name]) for name in _DELETED if name in metrics), 0)


def _history(lake: Lake, table: Table) -> list[dict[str, Any]]:
    if lake.locations.catalog:
        rows = lake.spark.sql(f"DESCRIBE HISTORY {lake.locations.identifier(table)}").collect()
        return [row.asDict() for row in rows]
    commits: list[dict[str, Any]] = DeltaTable(lake.locations.table(table)).history()
    return commits
