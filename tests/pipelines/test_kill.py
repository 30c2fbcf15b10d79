"""Killed at five random moments and started again: the tables of a run that nobody disturbed."""

import os
import random
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from personalake.config import load_settings
from personalake.demo import emit_shop
from personalake.lake import Lake, Ledger, Locations
from personalake.lake.checksum import checksums
from personalake.pipelines.graph import run_graph, select_jobs
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import ORDER_LINE

COMMAND = [sys.executable, "-m", "personalake.cli", "run", "--env", "demo", "--to", "resolve_identities"]


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two percent of the shop for two months, without the catalog, which takes long and tells nothing here."""
    folder = tmp_path_factory.mktemp("shop") / "landing"
    emit_shop(folder, households_share=0.02, until=date(2017, 3, 1))
    for catalog in (folder / "catalog").rglob("*.parquet"):
        catalog.unlink()
    return folder


def start(landing: Path, root: Path) -> subprocess.Popen[bytes]:
    places = {"PERSONALAKE_ROOT": str(root), "PERSONALAKE_LANDING": str(landing)}
    with open(told_by(root), "ab") as told:
        return subprocess.Popen(
            COMMAND, env={**os.environ, **places}, start_new_session=True, stdout=told, stderr=subprocess.STDOUT
        )


def told_by(root: Path) -> Path:
    """What the runs on a lake have said, beside it."""
    return root.with_suffix(".log")


def ledger_of(root: Path) -> Ledger:
    return Ledger(Locations(root), lambda: pytest.fail("a ledger needs no session"))


def test_a_killed_graph_ends_with_the_tables_of_an_undisturbed_one(
    spark: SparkSession, landing: Path, tmp_path: Path
) -> None:
    chance = random.Random(17)
    undisturbed = Lake(Locations(tmp_path / "undisturbed"), lambda: spark)
    settings = load_settings("demo", overrides={"root": undisturbed.locations.root, "landing": landing}, environ={})
    run_graph(select_jobs(last="resolve_identities"), settings, undisturbed)

    for _ in range(5):
        process = start(landing, tmp_path / "killed")
        try:
            process.wait(chance.uniform(4, 14))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert start(landing, tmp_path / "killed").wait(300) == 0, told_by(tmp_path / "killed").read_text()[-8_000:]

    assert checksums(ledger_of(tmp_path / "killed")) == checksums(undisturbed.ledger)
    assert ledger_of(tmp_path / "killed").rows(ORDER_LINE) > 3_000
    assert all(row["balanced"] for row in ledger_of(tmp_path / "killed").read(DATA_HEALTH))
