"""Every table kept small and lawful: rows beyond their retention go, files are compacted, old versions leave the disk.

Ages count from the as-of. Rows go first, so that the versions which still hold them go with the next clean-up; until then
`maintenance.version_hours` keeps them readable.
"""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from personalake.errors import ConfigError
from personalake.lake.lake import WriteResult
from personalake.lake.search import files_below
from personalake.lake.upkeep import Upkeep, compact, older_rows, tidy
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.payload_vault import Vault
from personalake.pipelines.quiet import alone
from personalake.pipelines.refine_first import refine_waiting
from personalake.pipelines.retention import announce, confirm, remove_told, settle
from personalake.tables import ALL, Table
from personalake.tables.bronze import EVENT

JOB = "maintain_tables"


def run(context: JobContext) -> JobResult:
    """Look after every table that has been created.

    Raises:
        ConfigError: If the as-of lies in the future, as of which rows would be older than they are.
        LeaseHeldError: If another job is at work.
    """
    if context.as_of > context.run_started_at.date() + timedelta(1):
        raise ConfigError([f"--as-of {context.as_of}: lies in the future; rows would go before their time"])
    with alone(context, JOB):
        if not context.dry_run:
            refine_waiting(context)
        keys = Vault(context.settings, context.lake).rewrap()
        done = [_maintained(context, table) for table in ALL if context.lake.exists(table)]
        files = _old_landings(context)
        if not context.dry_run:
            for path in files:
                path.unlink()
    return _told(context, done, len(files), keys)


def _maintained(context: JobContext, table: Table) -> Upkeep:
    lake, cutoff = context.lake, _cutoff(context, table)
    if context.dry_run:
        return Upkeep(table.full_name, older_rows(lake, table, cutoff))
    removed = 0
    settle(context, table)
    if rows := older_rows(lake, table, cutoff):
        receipt = announce(context, table, _kept_days(context, table), cutoff, rows)
        removed = remove_told(lake, table, receipt)
        confirm(context, receipt, removed)
    before, after = 0, 0
    if context.settings.maintenance.compact:
        version = lake.ledger.version(table)
        before, after = compact(lake, table)
        newest = lake.ledger.version(table)
        if newest is not None and newest != version:
            lake.writes.append(WriteResult(table.full_name, 0, newest))
    tidy(lake, table, timedelta(hours=context.settings.maintenance.version_hours))
    return Upkeep(table.full_name, removed, before, after)


def _kept_days(context: JobContext, table: Table) -> int:
    return context.settings.maintenance.retention_days.get(table.full_name, table.kept_days)


def _cutoff(context: JobContext, table: Table) -> date | datetime:
    """Midnight of the day before which rows are too old, in the type of the column that says so."""
    oldest = context.as_of - timedelta(_kept_days(context, table))
    if table.aged_by is not None and table.schema[table.aged_by].dataType.typeName() == "date":
        return oldest
    return datetime.combine(oldest, time(), ZoneInfo(context.settings.business_timezone)).astimezone(UTC)


def _old_landings(context: JobContext) -> list[Path]:
    """Copies of landed files that were taken in as long ago as rows of bronze are kept, and were read long ago.

    A file may have been written earlier than it came; its inode changed when it was taken in.
    """
    cutoff = _cutoff(context, EVENT)
    assert isinstance(cutoff, datetime), "rows of bronze are aged by a moment"
    inboxes = context.lake.locations.inbox("any").parent
    return [path for path in files_below([inboxes]) if path.stat().st_ctime < cutoff.timestamp()]


def _told(context: JobContext, done: list[Upkeep], files: int, keys: int) -> JobResult:
    removed = {one.table: one.rows_removed for one in done if one.rows_removed}
    would = "would go" if context.dry_run else "removed"
    parts = [f"{sum(removed.values()):,} rows beyond their retention {would}"]
    if files:
        parts.append(f"{files:,} landed files as well")
    if keys:
        parts.append(f"{keys:,} data keys {'would be' if context.dry_run else 'were'} wrapped by the current master key")
    compacted = [one for one in done if one.files_after < one.files_before]
    if compacted:
        before, after = sum(one.files_before for one in compacted), sum(one.files_after for one in compacted)
        parts.append(f"{before:,} files of {len(compacted)} tables became {after:,}")
    figures: dict[str, Any] = {"removed": removed, "landed_files": files, "compacted": [one.table for one in compacted]}
    return JobResult(message="; ".join(parts), figures=figures)
