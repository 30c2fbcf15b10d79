"""What an erasure did in one place outside the tables, and what it could not do there."""

import csv
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

AGAIN = "mend that, and run erase_customers again"


@dataclass
class Cleaned:
    """What was done in one place.

    Args:
        place: Which.
        files: Files that were looked at.
        erased: Request to lines, rows or files of the person that were removed.
        detail: What was done to them.
        kind: `files` or `store`.
        unsettled: Request to what nothing here can do about the person's data, and a human must.
        refused: What the machine refused, to how many files; they are as they were.
    """

    place: str
    files: int = 0
    erased: dict[str, int] = field(default_factory=dict)
    detail: str | None = None
    kind: str = "files"
    unsettled: dict[str, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, request_ids: Sequence[str], counts: Sequence[int]) -> None:
        """Count what was removed from one more file."""
        self.files += 1
        for request_id, count in zip(request_ids, counts, strict=True):
            self.erased[request_id] = self.erased.get(request_id, 0) + count

    def attempt(self, request_ids: Sequence[str], clean: Callable[[], Sequence[int]]) -> Sequence[int]:
        """Clean one file; one that cannot be read or written keeps no other from being cleaned.

        Args:
            request_ids: The requests.
            clean: Removes what is theirs, and counts it for each.

        Returns:
            What was removed; zeros of a file that is as it was.
        """
        try:
            counts = clean()
        except FileNotFoundError:  # whoever takes files from here came first
            counts = [0] * len(request_ids)
        except (OSError, sqlite3.Error, csv.Error, UnicodeError, pa.ArrowInvalid) as error:
            self.refused[reason_of(error)] += 1
            counts = [0] * len(request_ids)
        self.add(request_ids, counts)
        return counts

    @property
    def problem(self) -> str | None:
        """Why the place is not clean yet, and what to do; None if it is."""
        if not self.refused:
            return None
        told = [f"{files} file{'s' if files > 1 else ''} ({reason})" for reason, files in sorted(self.refused.items())]
        return f"not cleaned: {', '.join(told)}; {AGAIN}"


def reason_of(error: Exception) -> str:
    """The machine's own words, without the path: a file may be named after a person."""
    if isinstance(error, OSError | sqlite3.Error):
        return getattr(error, "strerror", None) or (str(error) if isinstance(error, sqlite3.Error) else type(error).__name__)
    return "its text cannot be read"
