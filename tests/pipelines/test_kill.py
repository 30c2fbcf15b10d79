"""Killed at five random moments and started again: the tables of a run that nobody disturbed."""

import os
import random
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from personalake.demo import emit_shop
from personalake.lake import Ledger, Locations
from personalake.lake.checksum import Checksum, checksum
from personalake.tables import ALL
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import ORDER_LINE

COMMAND = [sys.executable, "-m", "personalake.cli", "run", "--env", "demo", "--to", "resolve_identities"]
# These tell how a run went (times, batches, attempts), not what it found.
LEDGERS = {"gold.run", "gold.data_health", "bronze.landing_file"}


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
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(COMMAND, env={**os.environ, **places}, start_new_session=True, **quiet)  # type: ignore[call-overload, no-any-return]


def ledger_of(root: Path) -> Ledger:
    return Ledger(Locations(root), lambda: pytest.fail("a ledger needs no session"))


def checksums(root: Path) -> dict[str, Checksum]:
    return {table.full_name: checksum(ledger_of(root), table) for table in ALL if table.full_name not in LEDGERS}


def test_a_killed_graph_ends_with_the_tables_of_an_undisturbed_one(landing: Path, tmp_path: Path) -> None:
    chance = random.Random(17)
    assert start(landing, tmp_path / "undisturbed").wait(300) == 0

    for _ in range(5):
        process = start(landing, tmp_path / "killed")
        try:
            process.wait(chance.uniform(4, 14))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert start(landing, tmp_path / "killed").wait(300) == 0

    assert checksums(tmp_path / "killed") == checksums(tmp_path / "undisturbed")
    assert ledger_of(tmp_path / "killed").rows(ORDER_LINE) > 3_000
    assert all(row["balanced"] for row in ledger_of(tmp_path / "killed").read(DATA_HEALTH))
