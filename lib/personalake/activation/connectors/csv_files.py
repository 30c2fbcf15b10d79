"""CSV files, each followed by its manifest: to a folder, an SFTP server, an object store, Tealium's file import."""

import csv
import hashlib
import io
import json
from types import TracebackType
from typing import Any, Self

from personalake.activation.answers import Again, Answer, Lost, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import BaseConnector, declared
from personalake.activation.contract import Limits
from personalake.activation.delivery import Delivery, Pack, State
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

    def envelope(self, group: str, first: Delivery) -> int:
        """The header line."""
        return len(_lines([list(self._connection.columns)]))

    def size_of(self, delivery: Delivery) -> int:
        """The row's bytes in the file."""
        return len(_lines([self._cells(delivery)]))

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """Values that a cell can hold, and those that every row needs."""
        for column in self._connection.columns:
            if isinstance(payload.get(column), dict | list):
                return f"column {column} holds more than one value"
        missing = [column for column in self._needed if payload.get(column) in (None, "")]
        return f"{', '.join(missing)} is missing" if missing else None

    async def post(self, pack: Pack) -> Answer:
        """The file, then its manifest."""
        rows = [list(self._connection.columns), *(self._cells(delivery) for delivery in pack.deliveries)]
        return await self._put(f"{self._connection.prefix}_{pack.pack_id}.csv", rows)

    async def erase(self, pack: Pack) -> Answer:
        """A file of identifiers, for whoever reads the others."""
        rows = [["erased_id"], *([delivery.payload] for delivery in pack.deliveries)]
        return await self._put(f"erasure_{self._connection.prefix}_{pack.pack_id}.csv", rows)

    @property
    def erasure_limits(self) -> Limits:
        """Identifiers in one file."""
        return Limits(self._connection.max_items)

    async def _put(self, name: str, rows: list[list[str]]) -> Answer:
        content = _lines(rows)
        manifest = {
            "file": name,
            "columns": rows[0],
            "rows": len(rows) - 1,
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

    def _cells(self, delivery: Delivery) -> list[str]:
        row = json.loads(delivery.payload, parse_float=str)
        return [_cell(row.get(column), self._connection.escape_formulas) for column in self._connection.columns]

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
    text = str(value)
    is_formula = escape and text.startswith(_RUNS) and not _is_number(text)
    return f"'{text}" if is_formula else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text.strip() == text


def _lines(rows: list[list[str]]) -> bytes:
    """RFC 4180: lines end in CR LF, cells are quoted where they need it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
