import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from personalake.errors import LeaseHeldError
from personalake.lake.lease import lease


def write_lease(path: Path, pid: int, host: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"run_id": "other", "pid": pid, "host": host}))


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_second_run_is_refused_while_the_first_holds_the_lease(tmp_path: Path) -> None:
    path = tmp_path / "refine_events.json"

    held = pytest.raises(LeaseHeldError, match="refine_events is already running")
    with lease(path, "first", 1, 60), held as caught, lease(path, "second", 1, 60):
        pytest.fail("two runs hold one lease")

    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_the_lease_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    write_lease(path, dead_pid(), os.uname().nodename)

    with lease(path, "mine", 1, 60):
        assert json.loads(path.read_text())["run_id"] == "mine"


def test_a_lease_from_another_host_is_taken_over_only_once_it_is_silent(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    write_lease(path, 1, "another-host")

    with pytest.raises(LeaseHeldError), lease(path, "mine", 1, 60):
        pass
    os.utime(path, (time.time() - 61, time.time() - 61))
    with lease(path, "mine", 1, 60):
        assert json.loads(path.read_text())["run_id"] == "mine"


def test_a_held_lease_shows_that_it_lives(tmp_path: Path) -> None:
    path = tmp_path / "job.json"

    with lease(path, "mine", 0.05, 60):
        os.utime(path, (1, 1))
        deadline = time.monotonic() + 5
        while path.stat().st_mtime < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert path.stat().st_mtime > 2
