"""CSV files, each followed by its manifest: to a folder, an SFTP server, an object store, Tealium's file import."""

import csv
import hashlib
import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from personalake.activation.answers import Again, Answer, Lost, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import BaseConnector, declared
from personalake.activation.contract import Limits
from personalake.activation.delivery import Delivery, Pack, State
from personalake.activation.file_drop import ERASURE_LIST
from personalake.activation.stores import Store, StoreFailed, StoreLost, StoreRefused
from personalake.config.connections.files import FilesConnection

_RUNS = ("=", "+", "-", "@", "\t", "\r")


class CsvFiles(BaseConnector):
    """The payload is a row by column. The same rows again are the same file again.

    Args:
        name: Name of the destination.
        kind: Which connector it is.
        connection: Columns and limits.
        clock: Time.
        store: Where files go.
        needed: Columns that every row must have a value in.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        connection: FilesConnection,
        clock: Clock,
        store: Store,
        needed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(name, declared(connection, limits=_limits(connection)), clock)
        self._connection = connection
        self._store = store
        self._needed = needed
        # Files that wait for their manifest.
        self._written: set[str] = set()
        # Rows that were measured and wait for their file; a file that is written again makes them anew.
        self._rows: dict[str, bytes] = {}
        self._header = _line(connection.columns)

    def loads(self, text: str) -> Any:
        """JSON, with numbers as they stand there: 10.50 stays 10.50."""
        return json.loads(text, parse_float=str)

    def envelope(self, group: str, first: Delivery) -> int:
        """The header line."""
        return len(self._header)

    def size_of(self, delivery: Delivery) -> int:
        """The row's bytes in the file."""
        row = self._row(delivery)
        if len(self._rows) >= 4 * self.declaration.chunk_items:
            self._rows.clear()  # of rows that were refused or cancelled after they were measured
        self._rows[delivery.delivery_id] = row
        return len(row)

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """Values that a cell can hold, and those that every row needs."""
        for column in self._connection.columns:
            if isinstance(payload.get(column), dict | list):
                return f"column {column} holds more than one value"
        missing = [column for column in self._needed if payload.get(column) in (None, "")]
        return f"{', '.join(missing)} is missing" if missing else None

    async def post(self, pack: Pack) -> Answer:
        """The file, then its manifest."""
        rows = [self._rows.pop(one.delivery_id, b"") or self._row(one) for one in pack.deliveries]
        return await self._put(f"{self._connection.prefix}_{pack.pack_id}.csv", self._connection.columns, rows)

    async def erase(self, pack: Pack) -> Answer:
        """A file of identifiers, for whoever reads the others."""
        rows = [_line([delivery.payload]) for delivery in pack.deliveries]
        return await self._put(f"{ERASURE_LIST}{self._connection.prefix}_{pack.pack_id}.csv", ("erased_id",), rows)

    @property
    def erasure_limits(self) -> Limits:
        """Identifiers in one file."""
        return Limits(self._connection.max_items)

    async def _put(self, name: str, columns: Sequence[str], rows: Sequence[bytes]) -> Answer:
        content = _line(columns) + b"".join(rows)
        manifest = {
            "file": name,
            "columns": list(columns),
            "rows": len(rows),
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        try:
            if name not in self._written:
                await self._store.put(name, content)
        except StoreRefused as refusal:
            return Stop(str(refusal))
        except StoreFailed as failure:
            return Again(f"not written: {failure}")
        except StoreLost as loss:
            return Lost(f"perhaps not written: {loss}")
        self._written.add(name)
        try:
            await self._store.put(f"{name}.manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())
        except (StoreRefused, StoreFailed, StoreLost) as failure:
            # The file is there: these rows must go into no other.
            return Lost(f"written, but without its manifest: {failure}")
        self._written.discard(name)
        return Taken(State.CONFIRMED, reference=name)

    def _row(self, delivery: Delivery) -> bytes:
        values, escape = self.parsed(delivery), self._connection.escape_formulas
        return _line([_cell(values.get(column), escape) for column in self._connection.columns])

    async def __aenter__(self) -> Self:
        await self._store.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._store.__aexit__(kind, error, trace)


def _limits(connection: FilesConnection) -> Limits:
    return Limits(connection.max_items, connection.max_bytes, connection.max_item_bytes, separator=0)


def _cell(value: Any, escape: bool) -> str:
    """A value as text: null is an empty cell; text that begins like a formula gets an apostrophe, numbers do not."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else str(value)
    is_formula = escape and text.startswith(_RUNS) and not _is_number(text)
    return f"'{text}" if is_formula else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text.strip() == text


class _Line:
    """Takes what a `csv.writer` writes."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def _line(cells: Sequence[str]) -> bytes:
    """RFC 4180: lines end in CR LF, cells are quoted where they need it."""
    line = _Line()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.text.encode()
