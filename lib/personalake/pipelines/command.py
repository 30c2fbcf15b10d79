"""The command line of a job: the same options everywhere, one last line of JSON, exit codes that schedulers understand."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from personalake.config import Settings, load_settings
from personalake.config.settings import SparkSettings
from personalake.config.yaml_files import read_value
from personalake.errors import ConfigError, EnvironmentProblem, InputError, PersonalakeError
from personalake.lake import Lake, Locations
from personalake.pipelines.failure_words import DiscreetFormatter, said_of
from personalake.pipelines.intake import waiting_bytes
from personalake.pipelines.job import JobSpec
from personalake.pipelines.progress import Progress
from personalake.pipelines.registry import BY_NAME
from personalake.pipelines.runner import run_job
from personalake.pipelines.source_check import source_problems
from personalake.session import get_session

# Below, reading takes less CPU than that compiler: measured on order lines of 280 bytes.
_MUCH_BYTES = 64 * 2**20
EXIT_CODES = (
    "exit codes: 0 done or skipped, 1 failed, 2 configuration or usage, 3 already running, 4 input, 5 machine, "
    "6 a table failed its checks"
)


def main(job: str, arguments: Sequence[str] | None = None) -> None:
    """Run a job from the command line and exit with its code."""
    sys.exit(run_command(BY_NAME[job], arguments))


def run_command(spec: JobSpec, arguments: Sequence[str] | None = None) -> int:
    """Run a job from the command line.

    Args:
        spec: The job.
        arguments: The command line; of this process by default.

    Returns:
        The exit code; the result is the last line on stdout, messages are on stderr.
    """
    parsed = vars(parser_of(spec).parse_args(arguments))
    try:
        settings = settings_of(parsed)
        lake = open_lake(settings, dry_run=parsed["dry_run"])
        options = {option.name: parsed[option.name.replace("-", "_")] for option in spec.options}
        options |= {"continuous": parsed.get("continuous", False), "force": parsed["force"]}
        outcome = run_job(spec, settings, lake, options, Progress(prefix=f"{spec.name}: "))
    except KeyboardInterrupt:
        return fail(spec.name, PersonalakeError("Stopped by the keyboard.", "Run it again; it goes on from there."))
    except Exception as error:  # the last line of defence: a scheduler needs a line and a code, a person a remedy
        return fail(spec.name, error)
    sys.stderr.write(f"{spec.name}: {outcome.status}, {outcome.result.message or 'ok'} ({outcome.seconds:.1f} s)\n")
    print(json.dumps(outcome.as_json(), default=str))  # noqa: T201 the result is what stdout is for
    return 0


def settings_of(parsed: dict[str, Any], needs_secrets: bool = True) -> Settings:
    """The settings that the common options ask for; see `load_settings`."""
    overrides: dict[str, Any] = {}
    for pair in parsed["set"]:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise ConfigError([f"--set {pair}: expected KEY=VALUE, e.g. --set spark.driver_memory=6g"])
        try:
            overrides[key] = read_value(value)
        except ValueError as error:
            raise ConfigError([f"--set {key}: the value is not YAML: {error}"]) from error
    for option in ("as_of", "training_cut", "root", "region"):
        if parsed.get(option):
            overrides[option] = parsed[option]
    folder = Path(parsed["conf_dir"])
    return load_settings(parsed["env"], folder, overrides, check_source=source_problems, needs_secrets=needs_secrets)


def open_lake(settings: Settings, dry_run: bool = False) -> Lake:
    """The lake of the settings; the Spark session starts at its first use."""
    locations, zone = Locations.of(settings), settings.business_timezone
    if dry_run:
        return Lake(locations, lambda: get_session(settings.spark, time_zone=zone), dry_run)
    _log_to(locations.log("personalake"))
    spark = _compiled_for(settings, locations)
    return Lake(locations, lambda: get_session(spark, locations.log("spark"), zone), dry_run)


def existing_lake(settings: Settings) -> Lake:
    """The lake of the settings, to look at.

    Raises:
        InputError: If its folder is not there: a misspelt one would look like a lake without a person.
    """
    root = Locations.of(settings).root
    if not settings.catalog and not root.is_dir():
        raise InputError(
            f"No lake lies in {root}.",
            "Run `personalake run` first, or name the lake's folder by --root or PERSONALAKE_ROOT.",
        )
    return open_lake(settings)


def _compiled_for(settings: Settings, locations: Locations) -> SparkSettings:
    """With `auto`, the JVM's optimising compiler joins in where enough has landed for it to pay."""
    if settings.spark.compiler != "auto" or settings.catalog:
        return settings.spark
    much = waiting_bytes(settings, Lake(locations, get_session).ledger) > _MUCH_BYTES
    return settings.spark.model_copy(update={"compiler": "full" if much else "quick"})


def _log_to(file: Path) -> None:
    """Warnings and traces go to a file of the lake; a terminal shows what to do, not where the code was."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(file, delay=True)
    except OSError as error:
        raise EnvironmentProblem(
            f"Cannot write {file.parent}: {error.strerror or error}.",
            "Check the folder's permissions and the free space, or set another PERSONALAKE_ROOT.",
        ) from error
    handler.setFormatter(DiscreetFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """The options that every job and the runner share."""
    parser.add_argument(
        "--env", default=os.environ.get("PERSONALAKE_ENV", "local"),
        help="environment in conf/environments/ (default: PERSONALAKE_ENV, else local)",
    )  # fmt: skip
    parser.add_argument("--conf-dir", default="conf", metavar="DIR", help="configuration folder (default: conf)")
    parser.add_argument(
        "--root", metavar="DIR", help="folder of another lake, its exports and report (default: as configured)"
    )
    parser.add_argument(
        "--region", default=os.environ.get("PERSONALAKE_REGION"), metavar="NAME",
        help="region whose lake and rules are meant (default: PERSONALAKE_REGION, else none)",
    )  # fmt: skip
    parser.add_argument("--as-of", type=_day, metavar="DATE", help="exclusive day up to which things are known, or 'latest'")
    parser.add_argument("--training-cut", type=_day, metavar="DATE", help="as-of whose past models learn from")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="override one setting, e.g. spark.driver_memory=6g"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be read and written; change nothing")
    parser.add_argument("--force", action="store_true", help="run even if nothing is new since the last run")


def parser_of(spec: JobSpec) -> argparse.ArgumentParser:
    """The parser of one job."""
    parser = argparse.ArgumentParser(
        prog=f"{spec.name}.py",
        description=f"{spec.name}: {spec.purpose}.",
        epilog=EXIT_CODES,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=100),
    )
    add_common_options(parser)
    if spec.streaming:
        parser.add_argument("--continuous", action="store_true", help="keep running, one micro-batch per trigger interval")
    for option in spec.options:
        if isinstance(option.default, bool):
            parser.add_argument(f"--{option.name}", action="store_true", help=option.help)
            continue
        shown = f" (default: {option.default})" if option.default else ""
        parser.add_argument(
            f"--{option.name}", default=option.default, choices=option.choices or None, required=option.required,
            metavar=None if option.choices else "TEXT", help=option.help + shown,
        )  # fmt: skip
    return parser


def fail(job: str, error: Exception) -> int:
    """Say what went wrong in two lines, and give the exit code; the trace goes to the log."""
    known = error if isinstance(error, PersonalakeError) else None
    code = known.exit_code if known else 1
    if known is None:
        if logging.lastResort is not None:  # a dry run writes no log: its traces go to the terminal
            logging.lastResort.setFormatter(DiscreetFormatter())
        logging.getLogger(__name__).error("%s failed", job, exc_info=error)
    what = known.what if known else " ".join(said_of(error).split())[:300]
    problems = getattr(error, "problems", None)
    sys.stderr.write(f"{job}: FAILED. {str(error) if problems else what}\n")
    remedy = known.remedy if known else _where_the_trace_is()
    if remedy:
        sys.stderr.write(f"{job}: {remedy}\n")
    print(json.dumps({"job": job, "status": "failed", "exit_code": code, "message": what}))  # noqa: T201
    return code


def _where_the_trace_is() -> str:
    files = [handler.baseFilename for handler in logging.getLogger().handlers if isinstance(handler, logging.FileHandler)]
    return (
        f"The whole trace is in {files[0]}; run the job again once the cause is mended, it goes on from there."
        if files
        else ""
    )


def _day(text: str) -> date | str:
    if text == "latest":
        return text
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write 2017-12-01 or latest") from error
