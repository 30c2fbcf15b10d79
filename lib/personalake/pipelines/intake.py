"""What the two ingest jobs share: check landing files, then stream what was let in to bronze."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.config import Settings
from personalake.config.sources import Source
from personalake.errors import InputError
from personalake.ingestion.adapters import read_spec, to_bronze, with_ordinal
from personalake.ingestion.contracts import CONTRACTS
from personalake.lake import Lake, Ledger
from personalake.lake.file_checks import Shape, problem_of, shape_of
from personalake.lake.landing import LandingFile, admit, files_of, is_being_written, known_files, reject
from personalake.lake.streams import Stream, caught_up_at, run_streams
from personalake.pipelines.database_intake import read_database
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.payload_vault import Vault
from personalake.tables import Table
from personalake.tables.bronze import LANDING_FILE

logger = logging.getLogger(__name__)
# A guess at how much of a file is a row, and how much of one a compressed byte holds.
_BYTES_OF_A_ROW = 100
_PACKED, _PACKED_NAMES = 8, (".gz", ".parquet", ".zst", ".bz2", ".snappy")


def ingest(context: JobContext, job: str, kind: str, table: Table) -> JobResult:
    """Stream every active source of one kind into a bronze table.

    Args:
        context: What the job is given.
        job: Name of the job; checkpoints go by it.
        kind: `event` or `record`.
        table: The bronze table.
    """
    active = {
        name: source for name, source in context.settings.active_sources().items() if CONTRACTS[source.contract].kind == kind
    }
    databases = {name: source for name, source in active.items() if source.kind == "jdbc"}
    sources = {name: source for name, source in active.items() if name not in databases}
    before = context.lake.ledger.rows(table)
    admitted, rejected, waiting = _check_landing(context, sources)
    if context.dry_run:
        asked = f", {len(databases)} databases would be asked" if databases else ""
        return JobResult(message=f"{admitted} new files would be let in{asked}", figures={"new_files": admitted})
    is_continuous = bool(context.options.get("continuous"))
    context.lake.create(table)
    # Streams that never end come last; else a database that does not answer keeps no file waiting.
    remarks = _read_databases(context, job, databases, table) if is_continuous else []
    if is_continuous and sources:
        arrivals = _Arrivals(context, job, sources, table)
        with context.progress.step(f"reading {', '.join(sources)}"):
            run_streams(context.lake, arrivals.startable(), context.settings.streams.trigger_seconds, arrivals.take_in)
    if not is_continuous:
        waiting_ones = {name: source for name, source in sources.items() if _has_work(context.lake, job, name, source)}
        streams = [_stream(context, job, name, source, table) for name, source in waiting_ones.items()]
        if streams:
            with context.progress.step(f"reading {', '.join(waiting_ones)}"):
                run_streams(context.lake, streams)
        remarks = _read_databases(context, job, databases, table)
    rows = context.lake.ledger.rows(table) - before
    message = f"{rows:,} rows from {admitted:,} new files"
    if databases:
        message += f" and {len(databases)} database{'s' if len(databases) > 1 else ''}"
    message += "".join(f"; {remark}" for remark in remarks)
    if rejected:
        message += f"; {rejected} files rejected: " + "; ".join(_reasons(context.lake, context.run_started_at))
    if waiting:
        message += f"; {waiting} file{'s' if waiting > 1 else ''} still being written"
    figures = {"files_admitted": admitted, "files_rejected": rejected, "files_waiting": waiting}
    return JobResult(rows_read=rows, message=message, figures=figures)


def _read_databases(context: JobContext, job: str, sources: Mapping[str, Source], table: Table) -> list[str]:
    """Read each database; what one of them lacks is told after all others have been read."""
    remarks: list[str] = []
    failures: list[InputError] = []
    for name, source in sources.items():
        try:
            with context.progress.step(f"reading {name}"):
                remarks += read_database(context, job, name, source, table)
        except InputError as error:
            failures.append(error)
            logger.error("database source %s failed", name, exc_info=error)
    if failures:
        raise failures[0]
    return remarks


def waiting_bytes(settings: Settings, ledger: Ledger) -> int:
    """Size of the landing files that no run has looked at, bytes."""
    rows = ledger.read(LANDING_FILE)
    return sum(
        file.size
        for name, source in settings.active_sources().items()
        for known in [known_files(rows, name)]
        for file in files_of(source)
        if (file.relative, file.size, file.modified_at) not in known
    )


@dataclass
class _Arrivals:
    """What comes while streams go on: files are let in as they land, and a source starts with its first one."""

    context: JobContext
    job: str
    sources: Mapping[str, Source]
    table: Table
    started: set[str] = field(default_factory=set)
    seen: set[tuple[str, str, int, datetime]] = field(default_factory=set)

    def startable(self) -> list[Stream]:
        """Streams that have not been started and have something to read: topics, and folders into which a file was let."""
        names = [
            name
            for name, source in self.sources.items()
            if name not in self.started and (source.kind == "kafka" or _first_come(self.context.lake.locations.inbox(name)))
        ]
        self.started |= {*names}
        return [_stream(self.context, self.job, name, self.sources[name], self.table) for name in names]

    def take_in(self) -> list[Stream]:
        """Let in what has landed since the last look, and say what can start with it."""
        there = {
            (name, file.relative, file.size, file.modified_at)
            for name, source in self.sources.items()
            for file in files_of(source)
        }
        if there <= self.seen:
            return []
        *_, waiting = _check_landing(self.context, self.sources)
        # What is still being written is looked at again.
        self.seen = set() if waiting else there
        return self.startable()


def _reasons(lake: Lake, since: datetime) -> list[str]:
    rows = lake.ledger.read(LANDING_FILE)
    return [f"{row['path']}: {row['reason']}" for row in rows if row["status"] == "rejected" and row["checked_at"] >= since]


def _check_landing(context: JobContext, sources: Mapping[str, Source]) -> tuple[int, int, int]:
    """Let good new files into the inboxes and move bad ones away; how many were let in, moved away, and left for later."""
    lake, waiting = context.lake, 0
    ledger_rows = lake.ledger.read(LANDING_FILE)
    verdicts: list[dict[str, Any]] = []
    for name, source in sources.items():
        known = known_files(ledger_rows, name)
        first = _known_shape(lake, name, source)
        for file in files_of(source):
            if (file.relative, file.size, file.modified_at) in known:
                continue
            if is_being_written(file, source, datetime.now(UTC)):
                waiting += 1
                continue
            problem = problem_of(file.path, source, first)
            if problem is None and first is None and file.size:
                first = shape_of(file.path, source, source.encoding)
            if not context.dry_run:
                _sort_away(context, name, source, file, problem)
            verdicts.append(_verdict(name, file, problem))
    if not context.dry_run:
        lake.ledger.append(LANDING_FILE, verdicts)
    rejected = sum(verdict["status"] == "rejected" for verdict in verdicts)
    return len(verdicts) - rejected, rejected, waiting


def _sort_away(context: JobContext, name: str, source: Source, file: LandingFile, problem: str | None) -> None:
    if problem is None:
        admit(file, context.lake.locations.inbox(name), source, context.settings.business_timezone)
    else:
        reject(file, source)


def _verdict(source: str, file: LandingFile, problem: str | None) -> dict[str, Any]:
    return {
        "source": source,
        "path": file.relative,
        "bytes": file.size,
        "modified_at": file.modified_at,
        "status": "admitted" if problem is None else "rejected",
        "reason": problem,
        "checked_at": datetime.now(UTC),
    }


def _known_shape(lake: Lake, name: str, source: Source) -> Shape | None:
    """The shape of the files that were let in before, as the YAML or the first one says it."""
    if source.format == "json" or source.kind != "files":
        return None
    if source.format == "csv" and source.header:
        return Shape(source.header)
    first = _first_come(lake.locations.inbox(name))
    return None if first is None else shape_of(first, source, source.inbox_encoding)


def _first_come(inbox: Path) -> Path | None:
    """The first file with something in it."""
    files = (path for path in sorted(inbox.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return next((path for path in files if path.stat().st_size), None)


def _has_work(lake: Lake, job: str, name: str, source: Source) -> bool:
    """Whether a stream has anything to start for: a Kafka topic always, a folder if a file came since all were read."""
    if source.kind == "kafka":
        return True
    return bool(_waiting(lake, job, name))


def _waiting(lake: Lake, job: str, name: str) -> list[dict[str, Any]]:
    """Files that were let in since the stream last read everything."""
    since = caught_up_at(lake.locations.checkpoint(job, name))
    admitted = lake.ledger.read(LANDING_FILE, where=[("source", "=", name), ("status", "=", "admitted"), ("bytes", ">", 0)])
    return [row for row in admitted if since is None or row["checked_at"] >= since]


def _rows_about(lake: Lake, job: str, name: str, source: Source) -> int | None:
    """How many rows wait, about; None for a topic."""
    if source.kind == "kafka":
        return None
    size = sum(row["bytes"] * (_PACKED if row["path"].endswith(_PACKED_NAMES) else 1) for row in _waiting(lake, job, name))
    return int(size) // _BYTES_OF_A_ROW


def _stream(context: JobContext, job: str, name: str, source: Source, table: Table) -> Stream:
    lake = context.lake
    shape = _known_shape(lake, name, source)
    spec = read_spec(source, lake.locations.inbox(name), shape.names if shape else None)
    return Stream(
        name=name,
        read=spec,
        prepare=to_bronze(name, source),
        handle=partial(_to_table, context, source, table, _rows_about(lake, job, name, source)),
        checkpoint=lake.locations.checkpoint(job, name),
    )


def _to_table(
    context: JobContext, source: Source, table: Table, about: int | None, batch: DataFrame, app_id: str, number: int
) -> None:
    stamped = batch.transform(with_ordinal(source)).withColumns(
        {"ingested_at": F.current_timestamp(), "batch_id": F.lit(f"{app_id}:{number}")}
    )
    with Vault(context.settings, context.lake).sealing(stamped, source) as rows:
        context.lake.append(rows, table, (app_id, number), about)
