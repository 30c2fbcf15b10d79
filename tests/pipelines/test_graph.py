import io
import time
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from personalake.config import Settings
from personalake.lake import Lake
from personalake.pipelines import progress, runner
from personalake.pipelines.graph import UnknownJobError, run_graph, seconds_left, select_jobs
from personalake.pipelines.job import JobContext, JobResult, JobSpec
from personalake.pipelines.progress import Progress
from personalake.pipelines.registry import GRAPH
from personalake.pipelines.runner import run_job
from personalake.tables.gold import DATA_HEALTH, RUN

FIRST = JobSpec("first", "does the first thing", reads=(), writes=("gold.data_health",), needs_as_of=False)
SECOND = JobSpec("second", "needs the first", reads=("gold.data_health",), writes=(), needs=("first",))
THIRD = JobSpec("third", "needs the second", reads=(), writes=(), needs=("second",))


@pytest.fixture
def settings(lake: Lake) -> Settings:
    return Settings(root=lake.locations.root, as_of=date(2017, 12, 1))


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Jobs that did their work, in order; `second` fails while its name is in `failing`."""
    done: list[str] = []

    def work(spec: JobSpec, context: JobContext) -> JobResult:
        if spec.name in failing:
            raise ValueError(f"no {spec.name}")
        done.append(spec.name)
        if spec.name == "first":
            context.lake.ledger.append(DATA_HEALTH, [{"job": "first", "source": "s", "batch_id": str(len(done))}])
        return JobResult(message="worked")

    failing.clear()
    monkeypatch.setattr(runner, "_work", work)
    return done


failing: set[str] = set()


def ended(row: dict[str, Any]) -> datetime:
    return row["ended_at"]


def test_every_job_comes_after_the_jobs_that_it_needs() -> None:
    names = [job.name for job in GRAPH]

    assert all(names.index(need) < names.index(job.name) for job in GRAPH for need in job.needs)


def test_a_part_of_the_graph_can_be_chosen_and_a_wrong_name_says_what_there_is() -> None:
    part = select_jobs("build_features", "score_customers")

    assert [part[0].name, part[-1].name] == ["build_features", "score_customers"]
    assert [job.name for job in select_jobs(only=["train_model"])] == ["train_model"]
    with pytest.raises(UnknownJobError, match=r"'train_modle' is not a job of the graph. There are: ingest_records"):
        select_jobs("train_modle")
    with pytest.raises(UnknownJobError, match="Swap --from and --to"):
        select_jobs("score_customers", "ingest_events")


def test_jobs_run_in_order_and_a_second_run_finds_nothing_new(lake: Lake, settings: Settings, worked: list[str]) -> None:
    first = run_graph([FIRST, SECOND, THIRD], settings, lake)
    second = run_graph([FIRST, SECOND, THIRD], settings, lake)

    assert worked == ["first", "second", "third"]
    assert [outcome.status for outcome in first.outcomes] == ["done"] * 3
    assert second.all_skipped
    assert len(lake.ledger.read(RUN)) == 3


def test_a_failed_graph_goes_on_where_it_stopped(lake: Lake, settings: Settings, worked: list[str]) -> None:
    failing.add("second")
    with pytest.raises(ValueError, match="no second"):
        run_graph([FIRST, SECOND, THIRD], settings, lake)
    failing.clear()

    run_graph([FIRST, SECOND, THIRD], settings, lake)

    assert worked == ["first", "second", "third"]
    assert [(row["job"], row["status"]) for row in sorted(lake.ledger.read(RUN), key=ended)] == [
        ("first", "done"), ("second", "failed"), ("second", "done"), ("third", "done"),
    ]  # fmt: skip


def test_what_shows_a_failed_job_runs_all_the_same_and_the_graph_fails_with_its_message(
    lake: Lake, settings: Settings, worked: list[str]
) -> None:
    other = JobSpec("other", "needs nobody", reads=(), writes=())
    show = JobSpec("show", "shows the second", reads=(), writes=(), needs=("second", "other"), shows_failed=("second",))
    jobs = [FIRST, SECOND, THIRD, other, show]
    failing.add("second")
    with pytest.raises(ValueError, match="no second"):
        run_graph(jobs, settings, lake, workers=1)
    shown = list(worked)
    failing.clear()

    run_graph(jobs, settings, lake, workers=1)

    assert shown == ["first", "other", "show"]
    assert worked == [*shown, "second", "third"]


def test_after_a_failure_that_nobody_shows_nothing_is_started(lake: Lake, settings: Settings, worked: list[str]) -> None:
    show = JobSpec("show", "shows the first", reads=(), writes=(), needs=("first", "second"), shows_failed=("first",))
    failing.update(("first", "second"))
    alone = replace(SECOND, needs=())
    other = JobSpec("other", "needs nobody", reads=(), writes=())

    with pytest.raises(ValueError, match="no first"):
        run_graph([FIRST, alone, other, show], settings, lake, workers=1)

    assert worked == []
    assert {row["job"] for row in lake.ledger.read(RUN)} == {"first", "second"}


def test_a_new_input_a_new_as_of_or_a_new_setting_is_work(lake: Lake, settings: Settings, worked: list[str]) -> None:
    rule = replace(SECOND, sections=("exports",))
    run_job(rule, settings, lake)
    run_job(rule, settings, lake)
    lake.ledger.append(DATA_HEALTH, [{"job": "x", "source": "s", "batch_id": "b"}])
    run_job(rule, settings, lake)
    run_job(rule, settings.model_copy(update={"as_of": date(2017, 12, 5)}), lake)
    run_job(rule, settings.model_copy(update={"exports": lake.locations.root / "elsewhere"}), lake)

    assert worked == ["second"] * 4


def test_force_works_even_if_nothing_is_new(lake: Lake, settings: Settings, worked: list[str]) -> None:
    run_job(FIRST, settings, lake)
    run_job(FIRST, settings, lake, {"force": True})

    assert worked == ["first", "first"]


def test_progress_shows_that_a_silent_step_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SILENCE_SECONDS", 0.0)
    spoken = io.StringIO()

    with Progress(stream=spoken).step("counting stars") as tell:
        tell("star 3 of 8")
        time.sleep(1.3)

    assert "counting stars, star 3 of 8, 1 s so far" in spoken.getvalue()


def test_the_time_left_counts_jobs_side_by_side_and_waits_for_needs() -> None:
    fourth = JobSpec("fourth", "needs nobody", reads=(), writes=())
    expected = {"first": 3.0, "second": 5.0, "third": 2.0, "fourth": 4.0}

    assert seconds_left([FIRST, SECOND, THIRD, fourth], expected, workers=1) == 14.0
    assert seconds_left([FIRST, SECOND, fourth], expected, workers=2) == 8.0
    assert seconds_left([THIRD, fourth], expected, workers=2) == 4.0
