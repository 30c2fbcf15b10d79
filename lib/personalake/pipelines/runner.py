"""Runs one job: lease, fingerprint, work, ledger. Equal fingerprints mean that there is nothing to do."""

import importlib
import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from personalake.config import Settings
from personalake.errors import PersonalakeError
from personalake.lake import Lake
from personalake.lake.lease import lease
from personalake.pipelines.fingerprint import code_version, fingerprint
from personalake.pipelines.job import JobContext, JobResult, JobSpec
from personalake.pipelines.latest_day import resolve_as_of
from personalake.pipelines.progress import Progress
from personalake.tables import BY_NAME as TABLES
from personalake.tables.gold import RUN

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a run came to; `as_json` is the last line for schedulers."""

    job: str
    run_id: str
    status: str
    as_of: date | None
    result: JobResult
    rows_written: int
    tables: Mapping[str, int]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The outcome with plain values."""
        return {
            "job": self.job,
            "status": self.status,
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "rows_read": self.result.rows_read,
            "rows_written": self.rows_written,
            "rows_rejected": self.result.rows_rejected,
            "tables": dict(self.tables),
            "seconds": round(self.seconds, 2),
            "message": self.result.message,
            **dict(self.result.figures),
        }


def run_job(
    spec: JobSpec, settings: Settings, lake: Lake, options: Mapping[str, Any] | None = None, progress: Progress | None = None
) -> Outcome:
    """Run one job once.

    Args:
        spec: The job.
        settings: The configuration.
        lake: The tables; with `dry_run` nothing changes, not even the run ledger.
        options: Values of the job's options; `force` runs it even if nothing is new.
        progress: Where signs of life go.

    Raises:
        LeaseHeldError: If the same job is at work on the same lake.
        PersonalakeError: What the job itself raises; the run is in the ledger as failed.
    """
    chosen = {option.name: option.default for option in spec.options} | dict(options or {})
    progress = progress or Progress()
    run_id = uuid.uuid4().hex[:12]
    if lake.dry_run:
        return _dry_run(spec, settings, lake, chosen, progress, run_id)
    with lease(
        lake.locations.lease(spec.name), run_id, settings.lease.heartbeat_seconds, settings.lease.stale_after_seconds
    ):
        return _leased_run(spec, settings, lake, chosen, progress, run_id)


def _dry_run(
    spec: JobSpec, settings: Settings, lake: Lake, options: Mapping[str, Any], progress: Progress, run_id: str
) -> Outcome:
    started = time.monotonic()
    as_of = resolve_as_of(settings, lake.ledger, datetime.now(UTC))
    result = _work(spec, _context(settings, lake, as_of, run_id, options, progress))
    reads = {name: lake.ledger.rows(TABLES[name]) for name in spec.reads}
    writes: dict[str, int] = {}
    for write in lake.writes:
        writes[write.table] = writes.get(write.table, 0) + write.rows
    figures = {**result.figures, "would_read": reads, "would_write": writes}
    told = JobResult(sum(reads.values()), result.rows_rejected, result.message, True, figures)
    return Outcome(spec.name, run_id, "dry_run", as_of, told, 0, {}, time.monotonic() - started)


def _leased_run(
    spec: JobSpec, settings: Settings, lake: Lake, options: Mapping[str, Any], progress: Progress, run_id: str
) -> Outcome:
    started_at, started = datetime.now(UTC), time.monotonic()
    as_of = resolve_as_of(settings, lake.ledger, datetime.now(UTC))
    context = _context(settings, lake, as_of, run_id, options, progress)
    mark = fingerprint(spec, context)
    written_before = len(lake.writes)
    status, result = "failed", JobResult()
    try:
        is_asked = options.get("continuous") or options.get("force") or _names_somebody(spec, options)
        if not is_asked and _is_done(spec, settings, lake, mark):
            status, result = "skipped", JobResult(skipped=True, message="nothing new since the last run")
        else:
            result = _work(spec, context)
            status = "skipped" if result.skipped else "done"
    except Exception as error:
        result = JobResult(message=error.what if isinstance(error, PersonalakeError) else type(error).__name__)
        raise
    finally:
        writes = lake.writes[written_before:]
        outcome = Outcome(
            spec.name, run_id, status, as_of if spec.needs_as_of else None, result, sum(write.rows for write in writes),
            {write.table: write.version for write in writes}, time.monotonic() - started,
        )  # fmt: skip
        if result.message != _NOTHING_NEW:
            _record(outcome, settings, lake, mark, started_at)
    return outcome


_NOTHING_NEW = "nothing new since the last run"


def _work(spec: JobSpec, context: JobContext) -> JobResult:
    module = importlib.import_module(f"personalake.pipelines.{spec.name}")
    if spec.needs_session:
        _ = context.lake.spark  # columns can only be written down once there is a session
    result: JobResult = module.run(context)
    return result


def _context(
    settings: Settings, lake: Lake, as_of: date, run_id: str, options: Mapping[str, Any], progress: Progress
) -> JobContext:
    return JobContext(settings, lake, as_of, settings.training_cut or as_of, run_id, options, progress)


def _names_somebody(spec: JobSpec, options: Mapping[str, Any]) -> bool:
    """Whether a run is about somebody: fingerprints do not know whom, so that of another person would look the same."""
    return any(option.is_private and options.get(option.name) for option in spec.options)


def _is_done(spec: JobSpec, settings: Settings, lake: Lake, mark: str) -> bool:
    """Whether the newest finished run of the job has the same fingerprint, and what it left is still there."""
    if spec.watches_landing and any(source.kind != "files" for source in settings.active_sources().values()):
        return False  # what a topic or a database holds is only known to who reads it
    if spec.waits is not None and spec.waits(settings, lake):
        return False
    if spec.files is not None and not all(path.exists() for path in spec.files(settings)):
        return False
    runs = [run for run in lake.ledger.read(RUN) if run["job"] == spec.name and run["status"] != "failed"]
    if not runs:
        return False
    newest = max(runs, key=lambda run: run["ended_at"])
    return newest["fingerprint"] == mark and all(lake.exists(TABLES[name]) for name in newest["tables"] or {})


def _record(outcome: Outcome, settings: Settings, lake: Lake, mark: str, started_at: datetime) -> None:
    row = {
        "run_id": outcome.run_id,
        "job": outcome.job,
        "environment": settings.environment,
        "as_of": outcome.as_of,
        "status": outcome.status,
        "message": outcome.result.message,
        "fingerprint": mark,
        "rows_read": outcome.result.rows_read,
        "rows_written": outcome.rows_written,
        "rows_rejected": outcome.result.rows_rejected,
        "tables": dict(outcome.tables),
        "started_at": started_at,
        "ended_at": datetime.now(UTC),
        "seconds": outcome.seconds,
        "code_version": code_version(),
    }
    lake.ledger.append(RUN, [row])
