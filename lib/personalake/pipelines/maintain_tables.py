"""Every table kept small and lawful: rows beyond their retention go, files are compacted, old versions leave the disk.

Ages count from the as-of. Rows go first, so that the versions which still hold them go with the next clean-up; until then
`maintenance.version_hours` keeps them readable. Landed files go by the same clock, once bronze has read them.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from personalake.errors import ConfigError
from personalake.lake.lake import WriteResult
from personalake.lake.upkeep import Upkeep, compact, older_rows, tidy
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.landed_files import old_files, remove_files, settle_files
from personalake.pipelines.payload_vault import Vault
from personalake.pipelines.quiet import alone
from personalake.pipelines.refine_first import refine_waiting
from personalake.pipelines.retention import announce, confirm, remove_told, settle
from personalake.privacy.places import days_kept, landed_days
from personalake.tables import ALL, Table

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
        files, rejected = _landed(context)
    return _told(context, done, files, rejected, keys)


def _maintained(context: JobContext, table: Table) -> Upkeep:
    lake, cutoff = context.lake, _cutoff(context, table)
    if context.dry_run:
        return Upkeep(table.full_name, older_rows(lake, table, cutoff))
    removed = 0
    settle(context, table)
    if rows := older_rows(lake, table, cutoff):
        receipt = announce(context, table, days_kept(table, context.settings.maintenance.retention_days), cutoff, rows)
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


def _cutoff(context: JobContext, table: Table) -> date | datetime:
    """Midnight of the day before which rows are too old, in the type of the column that says so."""
    oldest = context.as_of - timedelta(days_kept(table, context.settings.maintenance.retention_days))
    if table.aged_by is not None and table.schema[table.aged_by].dataType.typeName() == "date":
        return oldest
    return _midnight(context, oldest)


def _midnight(context: JobContext, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(context.settings.business_timezone)).astimezone(UTC)


def _landed(context: JobContext) -> tuple[int, int]:
    """Landed files that go, or would go, and rejected ones as old, which nobody has looked after."""
    days = landed_days(context.settings)
    cutoff = _midnight(context, context.as_of - timedelta(days))
    if not context.dry_run:
        settle_files(context)
    found = old_files(context, cutoff)
    rejected = sum(old.rejected for old in found)
    if context.dry_run:
        return sum(len(old.paths) for old in found), rejected
    return sum(remove_files(context, old, days, cutoff) for old in found), rejected


def _told(context: JobContext, done: list[Upkeep], files: int, rejected: int, keys: int) -> JobResult:
    removed = {one.table: one.rows_removed for one in done if one.rows_removed}
    would = "would go" if context.dry_run else "removed"
    parts = [f"{sum(removed.values()):,} rows beyond their retention {would}"]
    if files:
        parts.append(f"{files:,} landed files as well")
    if rejected:
        parts.append(f"{rejected:,} rejected files are as old, and wait in _rejected/ for somebody to mend or delete them")
    if keys:
        parts.append(f"{keys:,} data keys {'would be' if context.dry_run else 'were'} wrapped by the current master key")
    compacted = [one for one in done if one.files_after < one.files_before]
    if compacted:
        before, after = sum(one.files_before for one in compacted), sum(one.files_after for one in compacted)
        parts.append(f"{before:,} files of {len(compacted)} tables became {after:,}")
    figures: dict[str, Any] = {
        "removed": removed,
        "landed_files": files,
        "rejected_files": rejected,
        "compacted": [one.table for one in compacted],
    }
    return JobResult(message="; ".join(parts), figures=figures)
