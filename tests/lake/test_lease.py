import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from personalake.errors import EnvironmentProblem, LeaseHeldError
from personalake.lake import lease as leases
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
    assert not path.exists()


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


def test_the_number_of_a_process_that_is_alive_holds_no_lease_that_is_silent(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    write_lease(path, os.getpid(), os.uname().nodename)

    with pytest.raises(LeaseHeldError), lease(path, "mine", 1, 60):
        pass
    os.utime(path, (time.time() - 61, time.time() - 61))
    with lease(path, "mine", 1, 60):
        assert json.loads(path.read_text())["run_id"] == "mine"


def test_of_many_takers_of_one_stale_lease_one_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    write_lease(path, dead_pid(), os.uname().nodename)
    ready, judged = threading.Barrier(8), threading.Barrier(8)

    def try_to_take(number: int) -> bool:
        ready.wait()
        try:
            with lease(path, f"taker-{number}", 1, 60):
                judged.wait()
                return True
        except LeaseHeldError:
            judged.wait()
            return False

    with ThreadPoolExecutor(8) as takers:
        assert sum(takers.map(try_to_take, range(8))) == 1
    assert not path.exists()


def interleaved(path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> None:
    """Take the lease as `late`; once it has judged the old one stale, and before it acts, something else happens."""
    judge = leases._is_stale

    def judge_then_wait(*arguments: object) -> bool:
        monkeypatch.setattr(leases, "_is_stale", judge)
        found = judge(*arguments)  # type: ignore[arg-type]
        meanwhile()
        return found

    monkeypatch.setattr(leases, "_is_stale", judge_then_wait)
    with lease(path, "late", 1, 60):
        assert json.loads(path.read_text())["run_id"] == "late"


def test_a_second_taker_waits_until_the_first_is_done_with_the_stale_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "job.json"
    write_lease(path, dead_pid(), os.uname().nodename)
    refused: list[LeaseHeldError] = []

    def take() -> None:
        try:
            with lease(path, "second", 1, 60):
                pass
        except LeaseHeldError as error:
            refused.append(error)

    second = threading.Thread(target=take)

    def meanwhile() -> None:
        second.start()
        second.join(0.2)
        assert second.is_alive()
        assert json.loads(path.read_text())["run_id"] == "other"

    interleaved(path, monkeypatch, meanwhile)
    second.join(5)

    assert not second.is_alive()


def test_where_files_cannot_be_locked_a_late_taker_leaves_the_new_lease_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "job.json"
    write_lease(path, dead_pid(), os.uname().nodename)

    def no_locks(*_: object) -> NoReturn:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    def taken_by_another() -> None:
        path.unlink()
        path.write_text(json.dumps({"run_id": "early", "pid": os.getpid(), "host": os.uname().nodename}))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(LeaseHeldError, match="run early"):
        interleaved(path, monkeypatch, taken_by_another)

    assert json.loads(path.read_text())["run_id"] == "early"


def test_a_run_that_lost_its_lease_neither_touches_nor_removes_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "job.json"

    with lease(path, "mine", 0.02, 60):
        write_lease(path, os.getpid(), os.uname().nodename)
        os.utime(path, (1, 1))
        time.sleep(0.2)

    assert json.loads(path.read_text())["run_id"] == "other"
    assert path.stat().st_mtime == 1


def test_a_run_whose_lease_was_taken_over_or_is_gone_is_told_so_when_it_asks(tmp_path: Path) -> None:
    path = tmp_path / "job.json"

    with lease(path, "mine", 60, 60) as held:
        held.require()
        write_lease(path, os.getpid(), os.uname().nodename)
        with pytest.raises(LeaseHeldError, match=r"job was lost .*: other's"):
            held.require()
        path.unlink()
        with pytest.raises(LeaseHeldError, match="nobody's now"):
            held.require()


def test_a_full_disk_leaves_no_half_written_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "job.json"

    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(EnvironmentProblem, match="Free space"), lease(path, "mine", 1, 60):
        pass

    assert [entry.name for entry in tmp_path.iterdir()] == [".job.json.lock"]


def test_a_lease_needs_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "link")

    with lease(tmp_path / "job.json", "mine", 1, 60):
        assert json.loads((tmp_path / "job.json").read_text())["run_id"] == "mine"
