import errno
from pathlib import Path
from typing import NoReturn

import pytest
from deltalake.exceptions import CommitFailedError, DeltaError

from personalake.errors import EnvironmentProblem
from personalake.lake import Ledger, Locations
from personalake.lake import ledger as ledgers
from personalake.tables.silver import EVENT


def no_session() -> NoReturn:
    raise AssertionError("folders are written without a Spark session")


def failing_with(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(ledgers, "write_deltalake", fail)
    return Ledger(Locations(tmp_path), no_session)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)"),
        DeltaError("Failed to write: Generic LocalFileSystem error: No space left on device (os error 28)"),
        CommitFailedError("Disk quota exceeded (os error 122)"),
    ],
)
def test_a_full_disk_is_told_with_the_folder_and_the_remedy(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = failing_with(error, tmp_path, monkeypatch)

    with pytest.raises(EnvironmentProblem) as caught:
        ledger.append(EVENT, [{"event_id": "a"}])

    assert caught.value.what == f"Cannot write {tmp_path / 'silver/event'}: no space left on the disk."
    assert caught.value.remedy.startswith("Free space")
    assert caught.value.__cause__ is error


def test_a_folder_that_cannot_be_written_is_a_matter_of_permissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = failing_with(PermissionError(errno.EACCES, "Permission denied"), tmp_path, monkeypatch)

    with pytest.raises(EnvironmentProblem, match=r"Permission denied\. Check the folder's permissions"):
        ledger.append(EVENT, [{"event_id": "a"}])


def test_another_error_of_delta_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = failing_with(DeltaError("Invalid data"), tmp_path, monkeypatch)

    with pytest.raises(DeltaError, match="Invalid data"):
        ledger.append(EVENT, [{"event_id": "a"}])


def test_a_folder_that_refuses_writing_is_told_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "Failed to commit: Generic LocalFileSystem error: Unable to open file: Read-only file system (os error 30)"
    ledger = failing_with(DeltaError(words), tmp_path, monkeypatch)

    with pytest.raises(EnvironmentProblem, match=r"silver/event: read-only file system\. Check the folder's permissions"):
        ledger.append(EVENT, [{"event_id": "e1"}])
