"""Verdicts on whole tables, written to `gold.dataset_verdict`: a sound row in a rotten table is no sound row."""

from collections import Counter
from dataclasses import asdict

from personalake.errors import UnhealthyError
from personalake.pipelines.health_measures import dataset_verdicts
from personalake.pipelines.job import JobContext, JobResult
from personalake.quality.verdicts import Verdict
from personalake.tables.health import DATASET_VERDICT

_SHOWN = 5


def run(context: JobContext) -> JobResult:
    """Look at every table that has checks.

    Raises:
        UnhealthyError: If a check failed and `quality.stop_on_fail` is set; the verdicts are written all the same.
    """
    quality = context.settings.quality
    if not (quality.datasets or quality.consistency or quality.refused or quality.gaps):
        return JobResult(skipped=True, message="conf/quality.yml declares no checks")
    with context.progress.step("looking at whole tables"):
        verdicts = dataset_verdicts(context)
    stamps = {"as_of": context.as_of, "run_id": context.run_id, "checked_at": context.run_started_at}
    context.lake.add([{**asdict(verdict), **stamps} for verdict in verdicts], DATASET_VERDICT)
    counts = Counter(verdict.verdict for verdict in verdicts)
    failed = [verdict for verdict in verdicts if verdict.verdict == "fail"]
    if failed and quality.stop_on_fail:
        raise UnhealthyError(
            f"{len(failed)} of {len(verdicts)} checks failed: {'; '.join(map(_told, failed[:_SHOWN]))}",
            "gold.dataset_verdict has them all; mend the source, or change the limits in conf/quality.yml.",
        )
    figures = {name: counts[name] for name in ("pass", "warn", "fail", "unknown")}
    message = ", ".join(f"{count} {name}" for name, count in figures.items() if count)
    alarm = f": {'; '.join(map(_told, failed[:_SHOWN]))}" if failed else ""
    return JobResult(rows_read=len(verdicts), message=f"checks of whole tables: {message}{alarm}", figures=figures)


def _told(verdict: Verdict) -> str:
    return f"{verdict.table} {verdict.check} ({verdict.reason})"
