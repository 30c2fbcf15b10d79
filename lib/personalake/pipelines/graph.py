"""Runs the whole graph in one warm session, with progress; a graph that failed goes on where it stopped.

After a failure nothing more is started, except where the job that failed is one that others show.

Going on needs no notes of its own: a job whose inputs, settings, code and as-of are those of its last finished run has
nothing to do, and is passed over in milliseconds.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from threading import Thread
from typing import Any

from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.errors import PersonalakeError
from personalake.lake import Lake
from personalake.pipelines.job import JobSpec
from personalake.pipelines.progress import Progress
from personalake.pipelines.registry import GRAPH
from personalake.pipelines.runner import Outcome, run_job
from personalake.tables.gold import RUN
from personalake.tracking import load_ahead

RunJob = Callable[[JobSpec, Progress], Outcome]


class UnknownJobError(PersonalakeError):
    """Raised when --from, --to or --only names a job that is not in the graph."""

    exit_code = 2


@dataclass
class GraphRun:
    """What has been done of a graph.

    Args:
        outcomes: What each job came to, in the order in which they ended.
    """

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Seconds of work, summed over the jobs."""
        return sum(outcome.seconds for outcome in self.outcomes)

    @property
    def all_skipped(self) -> bool:
        """Whether there was nothing to do."""
        return all(outcome.status == "skipped" for outcome in self.outcomes)


def select_jobs(
    first: str | None = None, last: str | None = None, only: Sequence[str] = (), jobs: Sequence[JobSpec] = GRAPH
) -> list[JobSpec]:
    """The jobs between `first` and `last` in graph order, or exactly `only`.

    Raises:
        UnknownJobError: If a name is not in the graph, or `first` comes after `last`.
    """
    names = [job.name for job in jobs]
    for name in [*(name for name in (first, last) if name), *only]:
        if name not in names:
            raise UnknownJobError(f"{name!r} is not a job of the graph.", f"There are: {', '.join(names)}.")
    if only:
        return [job for job in jobs if job.name in only]
    start = names.index(first) if first else 0
    end = names.index(last) if last else len(names) - 1
    if start > end:
        raise UnknownJobError(f"{first} comes after {last} in the graph.", "Swap --from and --to.")
    return list(jobs[start : end + 1])


def run_graph(
    jobs: Sequence[JobSpec],
    settings: Settings,
    lake: Lake,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    workers: int = 2,
) -> GraphRun:
    """Run jobs as soon as those that they need are done.

    Args:
        jobs: The jobs, in an order in which each comes after those that it needs.
        settings: The configuration.
        lake: The tables.
        options: Options for every job, e.g. `force`.
        progress: Where signs of life go.
        workers: Jobs at work at the same time; they share one session.

    Raises:
        PersonalakeError: What the first failing job raised; jobs that are at work are waited for, and where others show
            what came of it, they and what they need have run before.
    """
    progress = progress or Progress()
    expected = _usual_seconds(lake)

    start = _with_imports(jobs, lake)

    def run(job: JobSpec, spoken: Progress) -> Outcome:
        own_lake = Lake(lake.locations, start, lake.dry_run)
        return run_job(job, settings, own_lake, options, spoken)

    return _Scheduler(list(jobs), run, progress, expected, workers).run()


def _with_imports(jobs: Sequence[JobSpec], lake: Lake) -> Callable[[], SparkSession]:
    """Starts the session, and meanwhile imports what the jobs will need: both take seconds, on a core each."""

    def load() -> None:
        for job in jobs:
            import_module(f"personalake.pipelines.{job.name}")
        if any(job.name.startswith(("train_", "score_", "recommend_")) for job in jobs):
            load_ahead()

    @cache
    def begin() -> None:
        Thread(target=load, name="imports", daemon=True).start()

    def start() -> SparkSession:
        begin()
        return lake.spark

    return start


class _Scheduler:
    """Starts each job once its needs are met, and says what is done, at what rate, and how long it may still take."""

    def __init__(
        self, jobs: list[JobSpec], run: RunJob, progress: Progress, expected: Mapping[str, float], workers: int
    ) -> None:
        self.jobs, self.run_one, self.progress, self.expected, self.workers = jobs, run, progress, expected, workers
        self.names = {job.name for job in jobs}
        self.done: set[str] = set()
        self.failed: set[str] = set()
        self.result = GraphRun()

    def run(self) -> GraphRun:
        waiting, running = list(self.jobs), dict[Future[Outcome], JobSpec]()
        failure: BaseException | None = None
        with ThreadPoolExecutor(self.workers, thread_name_prefix="job") as pool:
            while True:
                for job in [job for job in waiting if self._is_ready(job)][: self.workers - len(running)]:
                    waiting.remove(job)
                    self.progress.say(f"       {job.name}: {job.purpose}")
                    running[pool.submit(self.run_one, job, Progress(self.progress.stream, f"       {job.name}: "))] = job
                if not running:
                    break
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    job = running.pop(future)
                    error = future.exception()
                    if error is not None:
                        failure = failure or error
                        self.failed.add(job.name)
                        self.progress.say(f"{self._place()} {job.name}: FAILED")
                    else:
                        self._tell(job, future.result())
        if failure is not None:
            raise failure
        return self.result

    def _is_ready(self, job: JobSpec) -> bool:
        over = self.done | self.failed.intersection(job.shows_failed)
        return self._goes_on() and all(need in over for need in job.needs if need in self.names)

    def _goes_on(self) -> bool:
        """Whether nothing failed but what others show."""
        return self.failed <= {name for job in self.jobs for name in job.shows_failed}

    def _tell(self, job: JobSpec, outcome: Outcome) -> None:
        self.done.add(job.name)
        self.result.outcomes.append(outcome)
        rate = f", {outcome.rows_written / outcome.seconds:,.0f} rows/s" if outcome.rows_written > 1000 else ""
        self.progress.say(
            f"{self._place()} {job.name}: {outcome.status}, {outcome.result.message or 'ok'} "
            f"({outcome.seconds:.1f} s{rate}{self._left()})"
        )

    def _place(self) -> str:
        return f"[{len(self.done):2d}/{len(self.jobs)}]"

    def _left(self) -> str:
        remaining = [job for job in self.jobs if job.name not in self.done | self.failed]
        if not remaining or any(job.name not in self.expected for job in remaining):
            return ""
        return f", about {seconds_left(remaining, self.expected, self.workers):.0f} s left"


def seconds_left(remaining: Sequence[JobSpec], expected: Mapping[str, float], workers: int) -> float:
    """How long jobs will still take, if each takes its expected seconds and starts as soon as it can.

    Args:
        remaining: Jobs that are not done, each after those that it needs.
        expected: Seconds of each job when it last ran.
        workers: Jobs at work at the same time.
    """
    free, ends = [0.0] * workers, dict[str, float]()
    for job in remaining:
        start = max([min(free), *(ends[need] for need in job.needs if need in ends)])
        ends[job.name] = start + expected[job.name]
        free[free.index(min(free))] = ends[job.name]
    return max(free)


def _usual_seconds(lake: Lake) -> dict[str, float]:
    done = [row for row in lake.ledger.read(RUN, ["job", "status", "seconds", "ended_at"]) if row["status"] == "done"]
    return {row["job"]: row["seconds"] for row in sorted(done, key=lambda row: row["ended_at"])}
