"""CSV files, each followed by its manifest: to a folder, an SFTP server, an object store, Tealium's file import."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter, itemgetter
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from personalake.activation.answers import Again, Answer, Lost, Refused, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import BaseConnector, declared, decoded
from personalake.activation.contract import MISSHAPEN, Limits, Measured, misshapen
from personalake.activation.delivery import Delivery, Pack, State
from personalake.activation.dropped_files import MANIFEST_END, cell_of, manifest_of
from personalake.activation.file_drop import ERASURE_LIST
from personalake.activation.formulas import BEGINNINGS, harmless
from personalake.activation.known_as import file_name
from personalake.activation.stores import Store, StoreFailed, StoreLost, StoreRefused
from personalake.config.connections.files import FilesConnection, TealiumFileConnection

# Made once: `json.loads` with a hook makes a decoder for each text.
_DECODER = json.JSONDecoder(parse_float=str)
_scan = _DECODER.scan_once  # type: ignore[attr-defined]
_payload = attrgetter("payload")
_NOTHING = (None, "")
# What shows, in the lines of a column, that one of them may hold a formula; those beyond ASCII only where there is such.
_ALL_SIGNS = (";", "\r", "\0", *(f"\n{one}" for one in BEGINNINGS))
_SIGNS = tuple(filter(str.isascii, _ALL_SIGNS))
# What `csv` writes as it should be, apart from text that begins like a formula.
_PLAIN = {str, int, float, type(None)}


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
        self._longest = connection.longest_cell
        # Files that wait for their manifest, with the one that fits what they hold.
        self._written: dict[str, bytes] = {}
        self._header = _line(connection.columns)
        self._columns = connection.columns
        self._known = frozenset(connection.columns)
        self._harmless = harmless if connection.escape_formulas else None
        self._values = _values_of(self._columns)
        self._needed_places = [self._columns.index(column) for column in needed]
        self._lines = _Lines()

    def loads(self, text: str) -> Any:
        """JSON, with numbers as they stand there: 10.50 stays 10.50."""
        return decoded(text, _DECODER)

    def envelope(self, group: str, first: Delivery) -> int:
        """The header line."""
        return len(self._header)

    def measured(self, deliveries: Sequence[Delivery]) -> Sequence[Measured]:
        """Each row, or why there is none; what is odd is found by halves, so that the others are made many at once."""
        if not deliveries:
            return []
        try:
            return self._lines.of_all(self._cells(deliveries))
        except MISSHAPEN:
            if len(deliveries) == 1:
                return [self._row_or_why(deliveries[0])]
            middle = len(deliveries) // 2
            return [*self.measured(deliveries[:middle]), *self.measured(deliveries[middle:])]

    def _cells(self, deliveries: Sequence[Delivery]) -> Iterable[Sequence[Any]]:
        """Cells of all rows, column by column: the innermost loop of large files, where calls for each row are spared.

        Raises:
            ValueError: If there is something odd about any of them; others of `MISSHAPEN` likewise.
        """
        texts = list(map(_payload, deliveries))
        # What cannot be read ends the map as if it were the last, and is missing from the ends.
        rows, ends = zip(*map(_scan, texts, repeat(0)), strict=True)
        if ends != tuple(map(len, texts)):
            raise ValueError("something else than a row")
        try:
            cells = list(map(self._values, rows))
            is_more = max(map(len, rows)) > len(self._columns)
        except KeyError:
            cells = [tuple(map(row.get, self._columns)) for row in rows]
            is_more = not all(map(self._known.issuperset, rows))
        if is_more:
            raise ValueError("a value without a column")
        columns = list(zip(*cells, strict=True))
        if any(nothing in columns[place] for place in self._needed_places for nothing in _NOTHING):
            raise ValueError("a needed value is missing")
        return zip(*map(self._column, columns), strict=True)

    def _column(self, values: Sequence[Any]) -> Sequence[Any]:
        """One column's cells: as they are where that will do, which one look at all of them together tells."""
        kinds = set(map(type, values))
        if self._longest is not None and any(isinstance(one, str) and len(one) > self._longest for one in values):
            raise ValueError("a cell is too long")
        if kinds <= _PLAIN:
            texts = values if kinds == {str} else [value for value in values if type(value) is str]
            lines = "\n".join(("", *texts))
            if self._harmless is None and "\0" not in lines:
                return values
            if not any(sign in lines for sign in (_SIGNS if lines.isascii() else _ALL_SIGNS)):
                return values
        return [cell_of(value, self._harmless) for value in values]

    def size_of(self, delivery: Delivery) -> int:
        """The row's bytes in the file."""
        return len(self._row(delivery))

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """Values that a cell can hold, and those that every row needs."""
        for column in self._columns:
            cell = payload.get(column)
            if isinstance(cell, dict | list):
                return f"column {column} holds more than one value"
            if self._longest is not None and isinstance(cell, str) and len(cell) > self._longest:
                return f"column {column} is longer than {self._longest} characters, and would be cut"
        missing = [column for column in self._needed if payload.get(column) in _NOTHING]
        if missing:
            return f"{', '.join(missing)} is missing"
        # A plan that was made for other columns: rows without what it says, perhaps without their key, are of no use.
        unknown = sorted(payload.keys() - self._known)
        return f"{', '.join(unknown)} is no column of the file" if unknown else None

    async def post(self, pack: Pack) -> Answer:
        """The file, then its manifest."""
        rows = pack.items or [self._row(one) for one in pack.deliveries]
        return await self._put(file_name(self._connection.prefix, pack.pack_id), self._connection.columns, rows)

    async def erase(self, pack: Pack) -> Answer:
        """A file of identifiers, for whoever reads the others; what they do with it, nobody here knows."""
        if isinstance(self._connection, TealiumFileConnection):
            return Refused("Tealium reads no lists of people to forget; it deletes by a connection of kind tealium")
        rows = [_line([delivery.payload]) for delivery in pack.deliveries]
        name = f"{ERASURE_LIST}{file_name(self._connection.prefix, pack.pack_id)}"
        answer = await self._put(name, ("erased_id",), rows)
        return Taken(State.ACCEPTED, reference=name) if isinstance(answer, Taken) else answer

    @property
    def erasure_limits(self) -> Limits:
        """Identifiers in one file."""
        return Limits(self._connection.max_items)

    async def _put(self, name: str, columns: Sequence[str], rows: Sequence[bytes]) -> Answer:
        content = _line(columns) + b"".join(rows)
        manifest = manifest_of(name, columns, len(rows), content)
        try:
            # Somebody may have to stay out of a file that was written before: then it is written anew.
            if self._written.get(name) != manifest:
                await self._store.put(name, content)
        except StoreRefused as refusal:
            return Stop(str(refusal))
        except StoreFailed as failure:
            return Again(f"not written: {failure}")
        except StoreLost as loss:
            return Lost(f"perhaps not written: {loss}")
        self._written[name] = manifest
        try:
            await self._store.put(f"{name}{MANIFEST_END}", manifest)
        except (StoreRefused, StoreFailed, StoreLost) as failure:
            # The file is there: these rows must go into no other.
            return Lost(f"written, but without its manifest: {failure}")
        del self._written[name]
        return Taken(State.CONFIRMED, reference=name)

    def _row_or_why(self, delivery: Delivery) -> bytes | str:
        try:
            problem = self.problem_of(delivery)
            return self._row(delivery) if problem is None else problem
        except MISSHAPEN as surprise:
            return misshapen(surprise)

    def _row(self, delivery: Delivery) -> bytes:
        get = self.parsed(delivery).get
        return self._lines.of([cell_of(get(column), self._harmless) for column in self._columns])

    async def __aenter__(self) -> Self:
        await self._store.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._store.__aexit__(kind, error, trace)


def _values_of(columns: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """What takes these columns' values out of a row that has them all."""
    if len(columns) > 1:
        return itemgetter(*columns)
    return lambda row: (row[columns[0]],)


def _limits(connection: FilesConnection) -> Limits:
    return Limits(connection.max_items, connection.max_bytes, connection.max_item_bytes, separator=0)


class _Lines:
    """RFC 4180: lines end in CR LF, cells are quoted where they need it."""

    def __init__(self) -> None:
        self._written: list[str] = []
        # `csv` writes to whatever has a `write`, a line in one call.
        self._writer = csv.writer(SimpleNamespace(write=self._written.append), lineterminator="\r\n")

    def of_all(self, rows: Iterable[Sequence[Any]]) -> list[bytes]:
        """A line of each row."""
        self._written.clear()
        self._writer.writerows(rows)
        return list(map(str.encode, self._written))

    def of(self, cells: Sequence[str]) -> bytes:
        """One line."""
        return self.of_all([cells])[0]


def _line(cells: Sequence[str]) -> bytes:
    return _Lines().of(cells)
