"""CSV files, each followed by its manifest: to a folder, an SFTP server, an object store, Tealium's file import."""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence, Set
from operator import attrgetter
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from personalake.activation.answers import Again, Answer, Lost, Refused, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import BaseConnector, declared, decoded
from personalake.activation.contract import MISSHAPEN, Limits, one_by_one
from personalake.activation.delivery import Delivery, Pack, State
from personalake.activation.file_drop import ERASURE_LIST
from personalake.activation.stores import Store, StoreFailed, StoreLost, StoreRefused
from personalake.config.connections.files import FilesConnection, TealiumFileConnection

_RUNS = frozenset("=+-@\t\r")
# Made once: `json.loads` with a hook makes a decoder for each text.
_DECODER = json.JSONDecoder(parse_float=str)
_scan = _DECODER.scan_once  # type: ignore[attr-defined]
_ODD = (StopIteration, *MISSHAPEN)
_id, _payload = attrgetter("delivery_id"), attrgetter("payload")
_NOTHING = (None, "")


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
        self._columns = connection.columns
        self._runs = _RUNS if connection.escape_formulas else frozenset[str]()
        self._most_rows = 4 * self.declaration.chunk_items
        self._lines = _Lines()

    def loads(self, text: str) -> Any:
        """JSON, with numbers as they stand there: 10.50 stays 10.50."""
        return decoded(text, _DECODER)

    def envelope(self, group: str, first: Delivery) -> int:
        """The header line."""
        return len(self._header)

    def sizes_of(self, deliveries: Sequence[Delivery]) -> Sequence[int | str]:
        """Bytes of each row, or why there is none; the rows are kept for their file."""
        if len(self._rows) >= self._most_rows:
            self._rows.clear()  # of rows that were refused or cancelled after they were measured
        sizes: list[int | str] = []
        while len(sizes) < len(deliveries):
            rest = deliveries[len(sizes) :]
            try:
                made = self._lines.of_all(self._cells(rest))
            except UnicodeError:
                return [*sizes, *one_by_one(self, rest)]
            self._rows.update(zip(map(_id, rest), made, strict=False))
            sizes += map(len, made)
            # Where it stopped is a row with something odd about it.
            sizes += one_by_one(self, rest[len(made) : len(made) + 1])
        return sizes

    def _cells(self, deliveries: Iterable[Delivery]) -> Iterator[list[str]]:
        """Cells of each row, up to the first that is odd; the innermost loop of large files, where calls are spared."""
        columns, needed, runs = self._columns, self._needed, self._runs
        try:
            for text in map(_payload, deliveries):
                row, end = _scan(text, 0)
                get = row.get
                if end != len(text) or (needed and any(get(column) in _NOTHING for column in needed)):
                    return
                yield [
                    cell if type(cell) is str and cell[:1] not in runs else _cell(cell, runs) for cell in map(get, columns)
                ]
        except _ODD:
            return

    def size_of(self, delivery: Delivery) -> int:
        """The row's bytes in the file."""
        return len(self._row(delivery))

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """Values that a cell can hold, and those that every row needs."""
        for column in self._columns:
            if isinstance(payload.get(column), dict | list):
                return f"column {column} holds more than one value"
        missing = [column for column in self._needed if payload.get(column) in _NOTHING]
        return f"{', '.join(missing)} is missing" if missing else None

    async def post(self, pack: Pack) -> Answer:
        """The file, then its manifest."""
        try:
            rows = list(map(self._rows.pop, map(_id, pack.deliveries)))
        except KeyError:
            # It was written before, or some rows are odd: they are made again.
            rows = [self._row(one) for one in pack.deliveries]
        return await self._put(f"{self._connection.prefix}_{pack.pack_id}.csv", self._connection.columns, rows)

    async def erase(self, pack: Pack) -> Answer:
        """A file of identifiers, for whoever reads the others; what they do with it, nobody here knows."""
        if isinstance(self._connection, TealiumFileConnection):
            return Refused("Tealium reads no lists of people to forget; it deletes by a connection of kind tealium")
        rows = [_line([delivery.payload]) for delivery in pack.deliveries]
        name = f"{ERASURE_LIST}{self._connection.prefix}_{pack.pack_id}.csv"
        answer = await self._put(name, ("erased_id",), rows)
        return Taken(State.ACCEPTED, reference=name) if isinstance(answer, Taken) else answer

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
        get = self.parsed(delivery).get
        return self._lines.of([_cell(get(column), self._runs) for column in self._columns])

    async def __aenter__(self) -> Self:
        await self._store.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._store.__aexit__(kind, error, trace)


def _limits(connection: FilesConnection) -> Limits:
    return Limits(connection.max_items, connection.max_bytes, connection.max_item_bytes, separator=0)


def _cell(value: Any, runs: Set[str]) -> str:
    """A value as text: null is an empty cell; text that begins like a formula gets an apostrophe, numbers do not."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise ValueError("more than one value")
    text = value if isinstance(value, str) else str(value)
    return f"'{text}" if text[:1] in runs and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text.strip() == text


class _Lines:
    """RFC 4180: lines end in CR LF, cells are quoted where they need it."""

    def __init__(self) -> None:
        self._written: list[str] = []
        # `csv` writes to whatever has a `write`, a line in one call.
        self._writer = csv.writer(SimpleNamespace(write=self._written.append), lineterminator="\r\n")

    def of_all(self, rows: Iterable[Sequence[str]]) -> list[bytes]:
        """A line of each row."""
        self._written.clear()
        self._writer.writerows(rows)
        return list(map(str.encode, self._written))

    def of(self, cells: Sequence[str]) -> bytes:
        """One line."""
        return self.of_all([cells])[0]


def _line(cells: Sequence[str]) -> bytes:
    return _Lines().of(cells)
