"""A job has one name: its file, its pipeline, its declaration, its task, its row in the README."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

from personalake.pipelines.registry import JOBS
from personalake.tables import BY_NAME as TABLES
from tests.architecture import rules

ROOT = Path(__file__).resolve().parents[2]
NAMES = {job.name for job in JOBS}
LEDGERS = {"gold.run", "gold.data_health", "silver.suppression"}  # written at any time: by every job, by erasures


def test_each_job_has_a_file_and_each_file_a_job() -> None:
    assert {path.stem for path in (ROOT / "jobs").glob("*.py")} == NAMES


def test_a_job_file_runs_the_job_of_its_name_and_nothing_else() -> None:
    for path in (ROOT / "jobs").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
        assert [ast.unparse(call) for call in calls] == [f"main('{path.stem}')"], path.name
        assert len(text.splitlines()) <= 60, path.name


def test_each_job_has_a_pipeline_with_run() -> None:
    for name in sorted(NAMES):
        path = ROOT / "lib" / "personalake" / "pipelines" / f"{name}.py"
        assert path.exists(), f"pipelines/{name}.py is missing"
        functions = [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
        assert "run" in functions, f"pipelines/{name}.py has no run(context)"


def test_each_pipeline_is_a_job_or_helps_jobs() -> None:
    """A module without `run` helps; one with `run` must be declared."""
    for path in (ROOT / "lib" / "personalake" / "pipelines").glob("*.py"):
        functions = [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
        assert "run" not in functions or path.stem in NAMES, f"{path.name} has run(), yet no declaration in registry.py"


def test_each_job_has_a_task_on_databricks() -> None:
    tasks = [
        task["task_key"]
        for path in (ROOT / "resources").glob("*.yml")
        for job in yaml.safe_load(path.read_text("utf-8"))["resources"]["jobs"].values()
        for task in job["tasks"]
    ]

    assert sorted(tasks) == sorted(job.name for job in JOBS if job.kind != "service")


def test_each_job_has_a_row_in_the_readme() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if re.match(r"\|\s*job\s*\|", line, re.IGNORECASE))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows += re.findall(r"`(\w+)`", line.split("|")[1])

    assert sorted(rows) == sorted(NAMES)


def test_jobs_need_declared_jobs_that_come_before_them() -> None:
    seen: set[str] = set()
    for job in JOBS:
        assert set(job.needs) <= seen, f"{job.name} needs {set(job.needs) - seen}, declared later or not at all"
        seen.add(job.name)


def test_jobs_read_and_write_declared_tables() -> None:
    for job in JOBS:
        unknown = {*job.reads, *job.looks_back, *job.writes} - set(TABLES)
        assert not unknown, f"{job.name}: no such table: {unknown}"
        for named in (job.reads, job.writes, job.sections):
            assert len(named) == len(set(named)), f"{job.name} names one twice: {named}"


def test_a_job_shows_the_failure_only_of_what_it_needs() -> None:
    assert all(set(job.shows_failed) <= set(job.needs) for job in JOBS)


def test_what_a_graph_job_reads_is_written_by_a_job_before_it() -> None:
    by_name = {job.name: job for job in JOBS}

    def before(name: str) -> set[str]:
        return {name}.union(*(before(needed) for needed in by_name[name].needs))

    for job in JOBS:
        if job.kind == "graph":
            written = {table for name in before(job.name) for table in by_name[name].writes}
            written |= LEDGERS
            assert set(job.reads) <= written, f"{job.name} reads {set(job.reads) - written} before anything wrote it"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_no_job_hides_a_module(name: str) -> None:
    """Running a job puts jobs/ first on the import path."""
    assert name not in sys.stdlib_module_names
    assert name not in rules.installed()
