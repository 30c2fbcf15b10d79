import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from personalake.pipelines.command import parser_of
from personalake.pipelines.registry import BY_NAME, JOBS
from tests.jobs.pin_helps import FOLDER, helps

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_help_of_a_job_is_as_pinned(name: str) -> None:
    """`make docs` pins it again; a changed help is a changed interface."""
    assert (FOLDER / f"{name}.txt").read_text(encoding="utf-8") == helps()[f"{name}.txt"]


def test_no_help_of_a_job_that_is_gone_stays_pinned() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(helps())


def test_a_job_file_shows_its_help_without_starting_java(tmp_path: Path) -> None:
    """With a Java that cannot start, any session would fail."""
    ran = subprocess.run(
        [sys.executable, str(ROOT / "jobs" / "ingest_events.py"), "--help"],
        env={"PATH": str(tmp_path), "JAVA_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "lib")},
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == helps()["ingest_events.txt"]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_each_job_file_shows_the_help_of_its_job(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    monkeypatch.setattr("personalake.pipelines.command.run_job", lambda *_: pytest.fail("help must not run the job"))

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "jobs" / f"{name}.py"), run_name="__main__")

    assert ended.value.code == 0
    assert capsys.readouterr().out == helps()[f"{name}.txt"]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_common_options_are_spelled_the_same_everywhere(name: str) -> None:
    line = (
        "--env demo --conf-dir conf --root /lake --as-of 2017-10-01 --training-cut 2017-10-01"
        " --set spark.driver_memory=2g --set report.title=x --dry-run --force"
    )

    needed = "".join(f" --{option.name} a=b" for option in BY_NAME[name].options if option.required)

    parsed = parser_of(BY_NAME[name]).parse_args((line + needed).split())

    assert (parsed.env, parsed.root, parsed.as_of.isoformat()) == ("demo", "/lake", "2017-10-01")
    assert (parsed.set, parsed.dry_run, parsed.force) == (["spark.driver_memory=2g", "report.title=x"], True, True)


@pytest.mark.parametrize("arguments", [["--as-of", "01.10.2017"], ["--as_of", "2017-10-01"], ["--nonsense"]])
def test_a_wrong_command_line_ends_with_the_code_for_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser_of(JOBS[0]).parse_args(arguments)

    assert ended.value.code == 2
    assert arguments[-1] in capsys.readouterr().err


def test_only_streaming_jobs_run_continuously() -> None:
    continuous = {job.name for job in JOBS if "--continuous" in parser_of(job).format_help()}

    assert continuous == {"ingest_events", "ingest_records", "refine_events", "refine_records"}
