"""One run of a job at a time: a lease file with a heartbeat; a stale lease is taken over."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from personalake.errors import EnvironmentProblem, LeaseHeldError


@contextmanager
def lease(path: Path, run_id: str, heartbeat_seconds: float, stale_after_seconds: float) -> Iterator[None]:
    """Hold the lease of a job for as long as the block runs.

    A lease is stale when its process is gone from this host, or when it has not been touched for a while.

    Args:
        path: The lease file.
        run_id: Who holds it.
        heartbeat_seconds: How often it is touched.
        stale_after_seconds: Silence after which anyone may take it over.

    Raises:
        LeaseHeldError: If another run holds it.
        EnvironmentProblem: If the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _take(path, run_id, stale_after_seconds)
    except OSError as error:
        raise EnvironmentProblem(
            f"Cannot write {path}: {error.strerror or error}.",
            "Check the folder's permissions and the free space, or set another PERSONALAKE_ROOT.",
        ) from error
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(path, done, heartbeat_seconds), daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with suppress(FileNotFoundError):
            path.unlink()


def _take(path: Path, run_id: str, stale_after_seconds: float) -> None:
    mine = json.dumps({"run_id": run_id, "pid": os.getpid(), "host": socket.gethostname()})
    for _ in range(3):
        fresh = path.with_name(f".{path.name}.{run_id}")
        fresh.write_text(mine)
        try:
            os.link(fresh, path)  # fails if the lease exists, and the file is whole from its first moment
            return
        except FileExistsError:
            holder = _holder(path)
            if holder is not None and not _is_stale(path, holder, stale_after_seconds):
                raise LeaseHeldError(
                    f"{path.stem} is already running (run {holder.get('run_id')}, process {holder.get('pid')} "
                    f"on {holder.get('host')}).",
                    "Wait until it is done; a run that died is taken over by itself.",
                ) from None
            _remove_stale(path, run_id)
        finally:
            with suppress(FileNotFoundError):
                fresh.unlink()
    raise LeaseHeldError(f"The lease of {path.stem} is being taken by other runs.", "Try again in a moment.")


def _remove_stale(path: Path, run_id: str) -> None:
    """Only one of several takers can rename the stale file away."""
    with suppress(FileNotFoundError):
        aside = path.with_name(f".{path.name}.stale.{run_id}")
        path.rename(aside)
        aside.unlink()


def _holder(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _is_stale(path: Path, holder: dict[str, Any], stale_after_seconds: float) -> bool:
    if holder.get("host") == socket.gethostname():
        return not _alive(holder.get("pid"))
    try:
        return time.time() - path.stat().st_mtime > stale_after_seconds
    except FileNotFoundError:
        return True


def _alive(pid: object) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _beat(path: Path, done: threading.Event, seconds: float) -> None:
    while not done.wait(seconds):
        with suppress(FileNotFoundError):
            os.utime(path)
