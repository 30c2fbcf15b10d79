"""Gold to one static HTML page that opens without a network; reads without Spark."""

import os
from pathlib import Path

from personalake.errors import EnvironmentProblem
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.report_data import gather
from personalake.reports.page import draw

PAGE = "index.html"


def run(context: JobContext) -> JobResult:
    """Draw the page of this as-of, and put it in the place of the last one."""
    with context.progress.step("reading gold"):
        data = gather(context.settings, context.lake.ledger, context.as_of)
    with context.progress.step("drawing the report"):
        page = draw(data)
    target = context.settings.report.path / PAGE
    rows = len(data.profiles) + len(data.predictions) + len(data.recommendations) + len(data.decisions)
    figures = {"report": str(target), "bytes": len(page.encode()), "people": len(data.profiles)}
    if context.dry_run:
        return JobResult(rows, message=f"would write {target}", figures=figures)
    _write(target, page)
    return JobResult(rows, message=f"open {target}", figures=figures)


def _write(target: Path, page: str) -> None:
    """All or nothing: a reader never sees half a page."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(page, encoding="utf-8")
        os.replace(partial, target)
    except OSError as error:
        raise EnvironmentProblem(
            f"Cannot write {target}: {error.strerror or error}.",
            "Check the folder's permissions and the free space, or set report.path to another folder.",
        ) from error
