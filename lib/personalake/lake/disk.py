"""Writing to the disk: what the machine refuses, told with the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deltalake.exceptions import DeltaError

from personalake.errors import EnvironmentProblem

REMEDY = "Check the folder's permissions and the free space, or set another PERSONALAKE_ROOT."
FREE_SPACE = "Free space on this disk, or set another PERSONALAKE_ROOT."
# delta-rs passes on the system's own words; 28 is ENOSPC and 122 EDQUOT.
_FULL = ("no space left on device", "os error 28)", "disk quota exceeded", "os error 122)")
_REFUSED = {"permission denied": "permission denied", "os error 13)": "permission denied",
            "read-only file system": "read-only file system", "os error 30)": "read-only file system"}  # fmt: skip


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell a write that the machine refuses as a problem of the machine.

    Args:
        path: What is written.

    Raises:
        EnvironmentProblem: If the disk is full, or the path cannot be written.
    """
    try:
        yield
    except (OSError, DeltaError) as error:
        is_full = any(words in str(error).lower() for words in _FULL)
        if is_full:
            raise EnvironmentProblem(f"Cannot write {path}: no space left on the disk.", FREE_SPACE) from error
        if isinstance(error, OSError):
            raise EnvironmentProblem(f"Cannot write {path}: {error.strerror or error}.", REMEDY) from error
        refused = next((why for words, why in _REFUSED.items() if words in str(error).lower()), None)
        if refused:
            raise EnvironmentProblem(f"Cannot write {path}: {refused}.", REMEDY) from error
        raise
