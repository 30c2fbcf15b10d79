"""A search through files as they decode: compressed bytes never show what they hold."""

import base64
import gzip
import html
import json
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_CHUNK = 1 << 22
_PARQUET, _GZIP, _ZSTD, _ZIP, _SQLITE = b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"SQLite format 3\x00"
# What cannot be part of an identifier that is whole; an address ends where a sentence does.
_BEFORE, _AFTER = rb"(?<![A-Za-z0-9._%+@-])", rb"(?![A-Za-z0-9_@-]|\.[A-Za-z0-9])"

# In binary files a length or a type stands beside a text, one byte that may look like a letter; two are a longer word.
_BINARY_BEFORE, _BINARY_AFTER = rb"(?<![A-Za-z0-9._%+@-]{2})", rb"(?![A-Za-z0-9._@-]{2})"


class Search:
    """Looks for texts in files of any kind.

    Args:
        needles: The texts; each is found in the spellings of JSON, HTML and addresses, too, where it stands alone.
    """

    def __init__(self, needles: Iterable[str]) -> None:
        self._needles = {form: needle for needle in needles for form in _forms(needle)}
        texts = sorted(self._needles, key=len, reverse=True)
        pattern = b"|".join(re.escape(text) for text in texts) or rb"\b\B"
        self._pattern = re.compile(_BEFORE + b"(" + pattern + b")" + _AFTER, re.IGNORECASE)
        self._in_binary = re.compile(_BINARY_BEFORE + b"(" + pattern + b")" + _BINARY_AFTER, re.IGNORECASE)
        self._folded = {form.lower(): needle for form, needle in self._needles.items()}

    def file(self, path: Path) -> set[str]:
        """The needles that a file holds, in its name or inside, however it is packed; a file that is gone holds none."""
        found = self.content(str(path).encode())
        try:
            with path.open("rb") as stream:
                head = stream.read(16)
            return found | self._inside(path, head)
        except FileNotFoundError:
            return found

    def content(self, content: bytes) -> set[str]:
        """The needles in some bytes as they stand."""
        return self._found(self._pattern, content)

    def _found(self, pattern: re.Pattern[bytes], content: bytes) -> set[str]:
        return {self._folded[match.lower()] for match in pattern.findall(content)}

    def blackened(self, text: str) -> str:
        """The text without the needles."""
        return self._pattern.sub(b"[erased]", text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def _inside(self, path: Path, head: bytes) -> set[str]:
        if head.startswith(_PARQUET):
            return self._parquet(path)
        if head.startswith(_SQLITE):
            return self._sqlite(path) | self._raw(path.open("rb"))
        if head.startswith(_GZIP):
            return self._raw(gzip.open(path))
        if head.startswith(_ZSTD):
            return self._raw(pa.CompressedInputStream(str(path), "zstd"))
        if head.startswith(_ZIP):
            with zipfile.ZipFile(path) as packed:
                return {each for name in packed.namelist() for each in self.content(packed.read(name))}
        return self._raw(path.open("rb"))

    def _raw(self, stream: Any) -> set[str]:
        """Piece by piece, each with the end of the one before; half a gzip counts as far as it goes."""
        found, tail, longest = set[str](), b"", max(map(len, self._needles), default=0) + 8
        read = getattr(stream, "read1", stream.read)  # gives what there is before it meets a broken end
        with stream:
            try:
                while chunk := read(_CHUNK):
                    pattern = self._in_binary if b"\0" in chunk else self._pattern
                    found |= self._found(pattern, tail + chunk)
                    tail = chunk[-longest:]
            except (EOFError, zlib.error, gzip.BadGzipFile, pa.ArrowInvalid):
                return found
        return found

    def _parquet(self, path: Path) -> set[str]:
        """Values, dictionary pages (of which rows need not use every entry), statistics and metadata."""
        try:
            names = [field.path for field in _leaves(pq.ParquetFile(path)) if field.physical_type == "BYTE_ARRAY"]
            opened = pq.ParquetFile(path, read_dictionary=names)
        except pa.ArrowInvalid:
            return self._raw(path.open("rb"))
        found = self.content(str(opened.metadata.to_dict()).encode()) | self._told(opened)
        for batch in opened.iter_batches(columns=names) if names else ():
            for column in batch.columns:
                found |= self._column(column)
        return found

    def _told(self, opened: pq.ParquetFile) -> set[str]:
        """What a file says of itself and of its columns, at any length: `str` of a schema would cut it short."""
        said = opened.metadata.metadata or {}
        packed = base64.b64decode(said.get(b"ARROW:schema", b""))
        found = self.content(b"\n".join((*said.keys(), *said.values(), str(opened.schema_arrow).encode())))
        return found | self._found(self._in_binary, packed)

    def _column(self, column: pa.Array) -> set[str]:
        if pa.types.is_dictionary(column.type):
            return self._column(column.dictionary)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            return self.content("\n".join(pc.unique(column.drop_null()).to_pylist()).encode())
        return self.content(json.dumps(column.to_pylist(), ensure_ascii=False, default=str).encode())

    def _sqlite(self, path: Path) -> set[str]:
        found = set[str]()
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
            tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                for row in database.execute(f'SELECT * FROM "{table}"'):
                    found |= self.content("\n".join(str(value) for value in row).encode())
        return found


def files_below(folders: Iterable[Path]) -> Iterator[Path]:
    """Every file below some folders, each once; a folder may be a file."""
    seen = set[Path]()
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            if path.is_file() and path not in seen:
                seen.add(path)
                yield path


def _leaves(opened: pq.ParquetFile) -> Iterator[pq.ColumnSchema]:
    return (opened.schema.column(place) for place in range(len(opened.schema.names)))


def _forms(text: str) -> set[bytes]:
    told = {
        text,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        html.escape(text),
        quote(text, safe=""),
    }
    return {each.encode() for each in told}
