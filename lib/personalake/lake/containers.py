"""What a file holds once it is unpacked: tables as texts, archives file by file, streams piece by piece."""

import base64
import bz2
import gzip
import io
import json
import lzma
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.orc as orc
import pyarrow.parquet as pq

from personalake.lake.sealed import AVRO, Sealed, is_whole, sealed

_CHUNK = 1 << 22
_HEAD = 512
_DEEPEST = 6
_LOCKED = 1
_SQLITE = b"SQLite format 3\x00"
_ZLIB = (b"x\x01", b"x\x9c", b"x\xda")
_BROKEN = (
    EOFError, OSError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, pa.ArrowException,
    sqlite3.DatabaseError, NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip


def contents(stream: BinaryIO, overlap: int, depth: int = 0) -> Iterator[bytes]:
    """What a file holds, however often it is packed; what is broken is given as it is, for what is locked a `Sealed`.

    Args:
        stream: The file, which can be read from any place.
        overlap: Bytes by which a piece repeats the end of the one before.
        depth: How many times it was unpacked already.
    """
    start = stream.tell()
    head = stream.read(_HEAD)
    stream.seek(start)
    unpack = _kind_of(head)
    if unpack is not None and depth >= _DEEPEST:
        yield Sealed(f"packed more than {_DEEPEST} times".encode())
    elif unpack is not None:
        try:
            yield from unpack(stream, overlap, depth + 1)
        except _BROKEN as error:
            _require_broken(error)
            if is_whole(stream, head):
                yield Sealed(b"of a kind that is opened here, but encrypted or damaged")
        else:
            # How an archive is called, and what it says of itself.
            yield head
            return
        stream.seek(start)
    yield from sealed(head)
    yield from _pieces(stream, overlap)


def _kind_of(head: bytes) -> Callable[[BinaryIO, int, int], Iterator[bytes]] | None:
    for magic, unpack in _BY_MAGIC.items():
        if head.startswith(magic):
            return unpack
    return _tar if head[257:262] == b"ustar" else None


def _require_broken(error: Exception) -> None:
    """What the machine itself refuses is no broken archive: libraries give their own errors no number."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def _pieces(stream: BinaryIO, overlap: int) -> Iterator[bytes]:
    """Piece by piece, each with the end of the one before."""
    tail = b""
    while chunk := _read(stream, _CHUNK):
        yield tail + chunk
        tail = (tail + chunk)[-overlap:]


def _unpacked(opened: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    """One packed file; half of it counts as far as it goes."""
    with closing(opened):
        head = _read(opened, _HEAD)
        if _kind_of(head) is None:
            tail = head[-overlap:]
            yield from sealed(head)
            yield head
            try:
                for piece in _pieces(opened, overlap):
                    yield tail + piece
                    tail = b""
            except _BROKEN as error:
                _require_broken(error)
            return
        yield from contents(io.BytesIO(head + opened.read()), overlap, depth)


def _read(opened: BinaryIO, size: int) -> bytes:
    """So many bytes, or as many as there are before the end; what comes before a broken end counts."""
    read, parts = getattr(opened, "read1", opened.read), list[bytes]()  # `read1` gives what there is
    try:
        while size > 0 and (part := read(size)):
            parts.append(part)
            size -= len(part)
    except _BROKEN as error:
        _require_broken(error)
        if not parts:
            raise
    return b"".join(parts)


def _gzip(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    return _unpacked(cast(BinaryIO, gzip.GzipFile(fileobj=stream)), overlap, depth)


def _bz2(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    return _unpacked(cast(BinaryIO, bz2.BZ2File(stream)), overlap, depth)


def _xz(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    return _unpacked(cast(BinaryIO, lzma.LZMAFile(stream)), overlap, depth)


def _arrow_codec(codec: str) -> Callable[[BinaryIO, int, int], Iterator[bytes]]:
    return lambda stream, overlap, depth: _unpacked(cast(BinaryIO, pa.CompressedInputStream(stream, codec)), overlap, depth)


def _zlib(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    """As joblib packs models."""
    content = zlib.decompressobj().decompress(stream.read())
    return contents(io.BytesIO(content), overlap, depth)


def _zip(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    with zipfile.ZipFile(stream) as packed:
        yield packed.comment
        for entry in packed.infolist():
            yield entry.filename.encode("utf-8", "surrogateescape")
            yield entry.comment
            if entry.flag_bits & _LOCKED:
                yield Sealed(b"an archive with a password")
                continue
            try:
                held = packed.read(entry)
            except NotImplementedError:
                yield Sealed(b"an archive packed in a way that is not known here")
            else:
                yield from contents(io.BytesIO(held), overlap, depth)


def _tar(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    with tarfile.open(fileobj=stream, mode="r:") as packed:
        for member in packed:
            yield "\n".join((member.name, member.linkname, member.uname, *member.pax_headers.values())).encode(
                "utf-8", "surrogateescape"
            )
            opened = packed.extractfile(member) if member.isfile() else None
            if opened is not None:
                yield from contents(io.BytesIO(opened.read()), overlap, depth)


def _parquet(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    """Values, dictionary pages (of which rows need not use every entry), statistics and metadata."""
    path = _path_of(stream)
    leaves = pq.ParquetFile(path or stream).schema
    columns = (leaves.column(place) for place in range(len(leaves.names)))
    names = [column.path for column in columns if column.physical_type in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")]
    stream.seek(0)
    opened = pq.ParquetFile(path or stream, read_dictionary=names)
    yield str(opened.metadata.to_dict()).encode()
    # At any length: `str` of a schema would cut it short.
    said: Mapping[bytes, bytes] = opened.metadata.metadata or {}
    yield b"\n".join((*said.keys(), *said.values(), str(opened.schema_arrow).encode()))
    if b"ARROW:schema" in said:
        yield base64.b64decode(said[b"ARROW:schema"])
    for batch in opened.iter_batches(columns=names) if names else ():
        for column in batch.columns:
            yield from _column(column, overlap, depth)


def _arrow(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    opened = pa.ipc.open_file(pa.BufferReader(stream.read()))
    yield str(opened.schema.to_string(truncate_metadata=False)).encode()
    for place in range(opened.num_record_batches):
        for column in opened.get_batch(place).columns:
            yield from _column(column, overlap, depth)


def _orc(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    opened = orc.ORCFile(_path_of(stream) or pa.BufferReader(stream.read()))
    said: Mapping[bytes, bytes] = opened.metadata or {}
    yield b"\n".join((str(opened.schema).encode(), *said.keys(), *said.values()))
    for place in range(opened.nstripes):
        for column in opened.read_stripe(place).columns:
            yield from _column(column, overlap, depth)


def _avro(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    """By its schema: texts stand there with nothing between them but their lengths."""
    opened = fastavro.block_reader(stream)
    yield json.dumps(opened.metadata, ensure_ascii=False).encode("utf-8", "surrogateescape")
    for block in opened:
        rows = list(block)
        yield json.dumps(rows, ensure_ascii=False, default=_as_text).encode("utf-8", "surrogateescape")
        for value in (each for row in rows if isinstance(row, dict) for each in row.values() if isinstance(each, bytes)):
            if _kind_of(value[:_HEAD]) is not None:
                yield from contents(io.BytesIO(value), overlap, depth)


def _as_text(value: object) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _numpy(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    """Texts of one length stand side by side there, with nothing between them."""
    values = np.load(stream, allow_pickle=False)
    yield "\n".join(map(str, values.ravel().tolist())).encode("utf-8", "surrogateescape")


def _column(column: pa.Array, overlap: int, depth: int) -> Iterator[bytes]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        yield from _column(column.dictionary, overlap, depth)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield "\n".join(pc.unique(column.drop_null()).to_pylist()).encode("utf-8", "surrogateescape")
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        for value in pc.unique(column.drop_null()).to_pylist():
            yield from contents(io.BytesIO(value), overlap, depth)
    else:
        yield json.dumps(column.to_pylist(), ensure_ascii=False, default=str).encode("utf-8", "surrogateescape")


def _sqlite(stream: BinaryIO, overlap: int, depth: int) -> Iterator[bytes]:
    """Rows, and every page as it is: those that are free keep what was deleted."""
    yield from _pieces(stream, overlap)
    stream.seek(0)
    with closing(_opened_sqlite(stream)) as database:
        database.text_factory = bytes
        tables = [row[0].decode() for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute('SELECT * FROM "{}"'.format(table.replace('"', '""'))):
                yield b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
                for value in row:
                    if isinstance(value, bytes) and _kind_of(value[:_HEAD]) is not None:
                        yield from contents(io.BytesIO(value), overlap, depth)


def _opened_sqlite(stream: BinaryIO) -> sqlite3.Connection:
    path = _path_of(stream)
    if path is not None:
        return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    content = bytearray(stream.read())
    content[18:20] = b"\x01\x01"  # a database in memory has no write-ahead log, and is not opened if it says so
    database = sqlite3.connect(":memory:")
    database.deserialize(bytes(content))
    return database


def _path_of(stream: Any) -> Path | None:
    """The file itself, which libraries read in less time than what Python hands them; None of what was unpacked."""
    name = getattr(stream, "name", None)
    return Path(name) if isinstance(name, str | Path) and isinstance(stream, io.BufferedReader) else None


_BY_MAGIC: Mapping[bytes, Callable[[BinaryIO, int, int], Iterator[bytes]]] = {
    b"PAR1": _parquet,
    b"ARROW1": _arrow,
    b"ORC": _orc,
    AVRO: _avro,
    b"\x93NUMPY": _numpy,
    _SQLITE: _sqlite,
    b"\x1f\x8b": _gzip,
    b"\x28\xb5\x2f\xfd": _arrow_codec("zstd"),
    b"\x04\x22\x4d\x18": _arrow_codec("lz4"),
    b"BZh": _bz2,
    b"\xfd7zXZ\x00": _xz,
    b"PK\x03\x04": _zip,
    **dict.fromkeys(_ZLIB, _zlib),
}
