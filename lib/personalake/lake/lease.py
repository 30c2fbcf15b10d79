"""One run of a job at a time: a lease file with a heartbeat; a stale lease is taken over."""

import errno
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personalake.errors import LeaseHeldError
from personalake.lake.disk import writing

_NO_LOCKS = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EINVAL)


@dataclass(frozen=True)
class Held:
    """A lease that was taken; it may have become another's since, while this process stood still.

    Args:
        path: The lease file.
        run_id: Who took it.
    """

    path: Path
    run_id: str

    def require(self) -> None:
        """Go on only if it is still one's own.

        Raises:
            LeaseHeldError: If another run took it over.
        """
        holder = _holder(self.path) or {}
        if holder.get("run_id") != self.run_id:
            raise LeaseHeldError(
                f"The lease {self.path.stem} was lost while this run stood still: {holder.get('run_id', 'nobody')}'s now.",
                "This run stops here, and nothing is lost: what it left open is done by the other run, or by the next.",
            )


@contextmanager
def lease(
    path: Path, run_id: str, heartbeat_seconds: float, stale_after_seconds: float, job: str | None = None
) -> Iterator[Held]:
    """Hold the lease of a job for as long as the block runs.

    A lease is stale when its process is gone from this host, or when it has not been touched for a while: the number of
    a process that is gone may by now be another's. An empty lock file stays beside the lease.

    Args:
        path: The lease file.
        run_id: Who holds it.
        heartbeat_seconds: How often it is touched.
        stale_after_seconds: Silence after which anyone may take it over.
        job: What the holder is doing, where the lease is not that of a job of the same name.

    Raises:
        LeaseHeldError: If another run holds it.
        EnvironmentProblem: If the folder cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            _take(path, run_id, stale_after_seconds, job)
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(path, run_id, done, heartbeat_seconds), daemon=True, name="lease")
    thread.start()
    try:
        yield Held(path, run_id)
    finally:
        done.set()
        thread.join()
        with suppress(OSError), _alone(path):  # what cannot be removed goes stale with this process
            _release(path, run_id)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Look at a lease and change it while nobody else does; the system ends the lock of a process that dies."""
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:  # without locks, rename and exclusive creation must do
                raise
        yield


def _take(path: Path, run_id: str, stale_after_seconds: float, job: str | None) -> None:
    holder = _holder(path)
    if holder is not None:
        if not _is_stale(path, holder, stale_after_seconds):
            raise _held(path, holder)
        _remove_stale(path, run_id, holder)
    try:
        told = {} if job is None else {"job": job}
        _create(path, {"run_id": run_id, **told, "pid": os.getpid(), "host": socket.gethostname()})
    except FileExistsError:
        raise LeaseHeldError(f"The lease of {path.stem} is being taken by other runs.", "Try again in a moment.") from None


def _held(path: Path, holder: dict[str, Any]) -> LeaseHeldError:
    job = holder.get("job")
    by = "is already running" if job is None else f"is held by {job}"
    return LeaseHeldError(
        f"{path.stem} {by} (run {holder.get('run_id')}, process {holder.get('pid')} on {holder.get('host')}).",
        "Wait until it is done; a run that died is taken over by itself.",
    )


def _create(path: Path, content: dict[str, Any]) -> None:
    """Write a file that must not exist yet; a file that cannot be written whole does not stay."""
    file = path.open("x")
    try:
        with file:
            json.dump(content, file)
    except OSError:
        path.unlink()
        raise


def _remove_stale(path: Path, run_id: str, stale: dict[str, Any]) -> None:
    """Only one of several takers can rename the stale file away; who finds another's lease in its hands puts it back."""
    aside = path.with_name(f".{path.name}.stale.{run_id}")
    with suppress(FileNotFoundError):
        path.rename(aside)
        found = _holder(aside) or {}
        if found != stale:
            aside.rename(path)
            raise _held(path, found)
        aside.unlink()


def _release(path: Path, run_id: str) -> None:
    """Remove the lease, unless it has become another's."""
    if _is_mine(path, run_id):
        path.unlink()


def _is_mine(path: Path, run_id: str) -> bool:
    return (_holder(path) or {}).get("run_id") == run_id


def _holder(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _is_stale(path: Path, holder: dict[str, Any], stale_after_seconds: float) -> bool:
    is_gone = holder.get("host") == socket.gethostname() and not _alive(holder.get("pid"))
    try:
        return is_gone or time.time() - path.stat().st_mtime > stale_after_seconds
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


def _beat(path: Path, run_id: str, done: threading.Event, seconds: float) -> None:
    """Touch the lease for as long as it is one's own; a beat that fails is made good by the next."""
    while not done.wait(seconds):
        with suppress(OSError):
            if _is_mine(path, run_id):
                os.utime(path)
