"""What a job is: its declaration, what it is given, and what it gives back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from personalake.config import Settings
from personalake.lake import Lake
from personalake.pipelines.progress import Progress

Kind = Literal["graph", "on_demand", "service"]


@dataclass(frozen=True)
class Option:
    """One option of a job beyond the common ones.

    Args:
        name: Name with dashes, e.g. `model`.
        help: Meaning, one line.
        default: Value if not given; a bool makes it a flag.
        choices: Allowed values; empty for any.
        is_private: Whether its value may be personal: it is kept out of fingerprints, which outlive an erasure, so that a
            run with one is never taken for one that was done.
    """

    name: str
    help: str
    default: str | bool | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    is_private: bool = False


@dataclass(frozen=True)
class JobSpec:
    """The declaration of a job; the runner, the task graph and the README are made from it.

    Args:
        name: Verb and noun; also the module in `pipelines/` and the file in `jobs/`.
        purpose: What it does, one line.
        reads: Tables whose versions decide whether there is anything new.
        writes: Tables that it writes.
        shows_failed: Of those that it needs, the jobs after which it runs although they failed: it shows what came of them.
        waits: Whether something outside the lake, or the time, is awaited, so that the job has work to do although nothing
            here changed.
        looks_back: Tables that decide, too, as earlier runs left them: they are written further down the graph.
        needs: Jobs that come before it in the graph.
        kind: `graph` jobs run in `personalake run`, the others when asked.
        sections: Parts of the settings that the result depends on.
        needs_as_of: Whether the result depends on the as-of.
        watches_landing: Whether new landing files are input, too.
        watches_handover: Whether what regions have shared, or the centre has collected, is input, too.
        streaming: Whether `--continuous` is understood.
        options: Further options.
        needs_session: Whether its work starts with Spark; otherwise a session starts at the first use.
        files: Files outside the lake that the job leaves; it has work to do if one is gone.
    """

    name: str
    purpose: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    needs: tuple[str, ...] = ()
    kind: Kind = "graph"
    sections: tuple[str, ...] = ()
    needs_as_of: bool = True
    watches_landing: bool = False
    watches_handover: bool = False
    streaming: bool = False
    options: tuple[Option, ...] = ()
    needs_session: bool = True
    files: Callable[[Settings], Sequence[Path]] | None = None
    looks_back: tuple[str, ...] = ()
    waits: Callable[[Settings, Lake], bool] | None = None
    shows_failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobResult:
    """What a job says of itself.

    Args:
        rows_read: Rows that were looked at.
        rows_rejected: Rows refused, kept in quarantine.
        message: One sentence for a person.
        skipped: True if there was a reason not to do the work (thin data, nothing new).
        figures: Further numbers for the last line of JSON.
    """

    rows_read: int = 0
    rows_rejected: int = 0
    message: str = ""
    skipped: bool = False
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class JobContext:
    """What a job is given.

    Args:
        settings: The configuration.
        lake: The tables; in a dry run it counts and writes nothing.
        as_of: Exclusive day up to which things are known.
        training_cut: The as-of whose past models learn from.
        run_id: Id of the run.
        options: Values of the job's own options, and `continuous`.
        progress: Where signs of life go.
        run_started_at: When the run began; operational, never used by features.
    """

    settings: Settings
    lake: Lake
    as_of: date
    training_cut: date
    run_id: str
    options: Mapping[str, Any]
    progress: Progress
    run_started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def dry_run(self) -> bool:
        """True if nothing may change."""
        return self.lake.dry_run

    @property
    def today(self) -> date:
        """The day on which the run began, in the company's time zone; operational, as `run_started_at` is."""
        return self.run_started_at.astimezone(ZoneInfo(self.settings.business_timezone)).date()

    @property
    def of_today(self) -> str:
        """What to say of consents where the as-of is a past day that was asked for; nothing where it is not."""
        if self.settings.as_of == "latest" or self.as_of >= self.today:
            return ""
        return f" of {self.today}, not of the as-of {self.as_of}: what was allowed then allows nothing today"
