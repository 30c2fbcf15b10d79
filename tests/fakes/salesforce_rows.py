"""Data extensions of Marketing Cloud: rows by primary key, and what is wrong with a row."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

_OK = {"errorCode": "", "message": "", "status": "OK"}
_DEADLOCK = (
    "Transaction (Process ID 77) was deadlocked on lock resources with another process and has been chosen as the deadlock "
    "victim. Rerun the transaction."
)
_REFUSED = "The value for column [{column}] is not valid."


class DataExtension:
    """A table.

    Args:
        key: External key.
        primary: Primary key columns.
        columns: Column to its greatest length, null for any; null if every column is allowed.
    """

    def __init__(self, key: str, primary: Sequence[str], columns: Mapping[str, int | None] | None = None) -> None:
        self.key = key
        self.primary = list(primary)
        self.columns = columns
        self.rows: dict[str, dict[str, Any]] = {}

    def name_of(self, row: Mapping[str, Any]) -> str:
        """The primary key of a row as one text."""
        return "|".join(str(row.get(column)) for column in self.primary)

    def problem(self, row: Mapping[str, Any]) -> str | None:
        """Why a row cannot be held."""
        for column in self.primary:
            if row.get(column) in (None, ""):
                return f"A value is required for column [{column}]."
        if self.columns is None:
            return None
        for column, value in row.items():
            if column not in self.columns:
                return f"Column [{column}] does not exist in the data extension."
            longest = self.columns[column]
            if longest is not None and isinstance(value, str) and len(value) > longest:
                return f"String or binary data would be truncated in column [{column}]."
        return None

    def upsert(self, row: Mapping[str, Any]) -> None:
        """Insert a row, or update its named columns."""
        self.rows.setdefault(self.name_of(row), {}).update(row)

    def process(self, rows: Sequence[Mapping[str, Any]], is_upsert: bool, refused: frozenset[int]) -> list[dict[str, Any]]:
        """What becomes of the rows of one asynchronous request, in their order.

        Rows of one request with one key get in each other's way: only the first of them is written.
        """
        names = [self.name_of(row) for row in rows]
        repeated = {name for name, times in Counter(names).items() if times > 1}
        seen: set[str] = set()
        results = []
        for place, (name, row) in enumerate(zip(names, rows, strict=True)):
            message = _REFUSED.format(column=self.primary[0]) if place in refused else self.problem(row)
            if message is None and not is_upsert and name in self.rows:
                message = self._violation(name)
            if message is None and name in repeated and name in seen:
                message = _DEADLOCK
            seen.add(name)
            if message is None:
                self.upsert(row)
                results.append(_OK)
            else:
                results.append({"errorCode": "UnexpectedError", "message": message, "status": "Error"})
        return results

    def _violation(self, name: str) -> str:
        return (
            f"Violation of PRIMARY KEY constraint 'PK_{self.key}'. Cannot insert duplicate key in object '{self.key}'. "
            f"The duplicate key value is ({name}).\r\nThe statement has been terminated."
        )
