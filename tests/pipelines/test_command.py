"""A job as a scheduler sees it: exit codes, one last line of JSON, and messages that say what to do."""

import argparse
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from personalake.cli import app
from personalake.config import load_settings
from personalake.errors import InputError
from personalake.lake.lease import lease
from personalake.pipelines import command
from personalake.pipelines.command import add_common_options, run_command
from personalake.pipelines.registry import BY_NAME


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A configuration folder with one source whose files have not come yet, and a lake beside it."""
    conf = tmp_path / "conf"
    (conf / "sources").mkdir(parents=True)
    (conf / "environments").mkdir()
    (conf / "environments" / "local.yml").write_text("as_of: 2017-12-01\n")
    (conf / "base.yml").write_text(f"root: {tmp_path}/lake\nlanding: {tmp_path}/landing\n")
    (conf / "sources" / "customers.yml").write_text(
        "contract: customer_record\nformat: csv\npath: ${landing}/customers\ncolumns: {customer_id: id}\n"
    )
    return tmp_path


def run(shop: Path, capsys: pytest.CaptureFixture[str], job: str, *arguments: str) -> tuple[int, dict[str, Any], str]:
    code = run_command(BY_NAME[job], ["--conf-dir", str(shop / "conf"), *arguments])
    out, err = capsys.readouterr()
    return code, json.loads(out.splitlines()[-1]), err


def test_nothing_to_take_in_is_done_with_one_line_of_json(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, last, err = run(shop, capsys, "ingest_records")

    assert (code, last["job"], last["status"], last["rows_read"]) == (0, "ingest_records", "done", 0)
    assert "0 rows from 0 new files" in err


def test_thin_data_is_skipped_with_its_reason(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, last, _ = run(shop, capsys, "build_features")

    assert (code, last["status"]) == (0, "skipped")
    assert "silver.order_line is empty" in last["message"]


def test_a_second_run_at_the_same_time_exits_with_3(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lease(shop / "lake" / "_leases" / "build_features.json", "first", 5, 60):
        code, last, err = run(shop, capsys, "build_features")

    assert (code, last["status"]) == (3, "failed")
    assert "build_features is already running" in err


def test_every_configuration_problem_is_told_before_anything_starts(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "conf" / "base.yml").write_text(f"root: {shop}/lake\nlease: {{heartbeat_seconds: soon}}\ncolour: red\n")
    (shop / "conf" / "sources" / "shop.yml").write_text(
        "contract: order_line\npath: x\n"
        "columns: {order_id: {expression: 'concat(a,'}, quantity: {column: q, constant: '1'}}\n"
    )
    monkeypatch.setenv("PERSONALAKE_SPARK__CORES", "7")

    code, last, err = run(shop, capsys, "build_features")

    assert (code, last["exit_code"]) == (2, 2)
    for part in (
        "base.yml: lease.heartbeat_seconds",
        "base.yml: colour: unknown key",
        "shop.yml: sources.shop.columns.order_id",
        "shop.yml: sources.shop.columns.quantity",
        "environment variable PERSONALAKE_SPARK__CORES: spark.cores",
    ):
        assert part in err
    assert not (shop / "lake").exists()


def test_an_unknown_environment_names_those_there_are(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(shop, capsys, "build_features", "--env", "produktion")

    assert code == 2
    assert "no such environment; there are: local" in err


def test_a_lake_that_cannot_be_written_says_so_and_what_to_do(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "lake").write_text("a file")

    code, last, err = run(shop, capsys, "ingest_records")

    assert (code, last["status"]) == (5, "failed")
    assert "Cannot write" in err
    assert "PERSONALAKE_ROOT" in err


def test_a_dry_run_leaves_no_trace(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "landing" / "customers").mkdir(parents=True)
    (shop / "landing" / "customers" / "a.csv").write_text("id\n1\n")

    code, last, _ = run(shop, capsys, "ingest_records", "--dry-run")

    assert (code, last["status"], last["new_files"]) == (0, "dry_run", 1)
    assert not (shop / "lake").exists()
    assert os.listdir(shop / "landing" / "customers") == ["a.csv"]


def test_an_unexpected_failure_names_the_log_not_a_trace(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from personalake.pipelines import build_features

    def broken(context: object) -> None:
        raise RuntimeError("the wheel came off")

    monkeypatch.setattr(build_features, "run", broken)
    code, last, err = run(shop, capsys, "build_features")

    assert (code, last["status"]) == (1, "failed")
    assert "RuntimeError: the wheel came off" in err
    assert "Traceback" not in err
    assert "the wheel came off" in (shop / "lake" / "_logs" / "personalake.log").read_text()


def test_the_console_spells_the_common_options_as_the_jobs_do() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_common_options(parser)
    of_jobs = {option for action in parser._actions for option in action.option_strings}
    run_of_console = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    of_console = {option for parameter in run_of_console.params for option in parameter.opts}

    assert of_jobs - of_console == set()


def test_much_that_waits_in_the_landing_folder_is_worth_the_full_compiler(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings("local", shop / "conf", environ={})
    (shop / "landing" / "customers").mkdir(parents=True)
    (shop / "landing" / "customers" / "a.csv").write_text("id\n1\n")
    chosen = []
    monkeypatch.setattr(command, "get_session", lambda spark, *rest: chosen.append(spark.compiler))

    for much in (command._MUCH_BYTES, 1):
        monkeypatch.setattr(command, "_MUCH_BYTES", much)
        command.open_lake(settings).start_session()

    assert chosen == ["quick", "full"]


def test_the_environment_comes_from_the_command_line_else_from_the_environment_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PERSONALAKE_ENV", "prod")
    parser = command.parser_of(BY_NAME["ingest_events"])

    assert parser.parse_args([]).env == "prod"
    assert parser.parse_args(["--env", "demo"]).env == "demo"


@pytest.mark.parametrize("pair", ["spark", "=1"])
def test_an_override_without_its_key_or_value_is_told_how_it_is_written(
    shop: Path, capsys: pytest.CaptureFixture[str], pair: str
) -> None:
    code, _, told = run(shop, capsys, "ingest_records", "--set", pair)

    assert code == 2
    assert f"--set {pair}: expected KEY=VALUE, e.g. --set spark.driver_memory=6g" in told


def test_a_lake_that_is_not_there_is_not_looked_at(shop: Path) -> None:
    settings = load_settings("local", shop / "conf", environ={})

    with pytest.raises(InputError, match=r"No lake lies in .*/lake\."):
        command.existing_lake(settings)

    assert not settings.root.exists()


def test_a_run_on_another_lake_says_what_it_reads_and_where_its_exports_go(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalake.pipelines.graph.run_graph", lambda *_: SimpleNamespace(outcomes=[]))
    other = str(shop / "try")

    said = CliRunner().invoke(app, ["run", "--dry-run", "--conf-dir", str(shop / "conf"), "--root", other])

    assert f"What landed in {shop}/landing, in the lake {other}; exports to {other}/_exports" in said.stderr
