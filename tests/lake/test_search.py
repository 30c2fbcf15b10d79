"""A search that decodes: what a file holds is found however it is packed, and a raw search would have missed it."""

import base64
import bz2
import gzip
import io
import json
import pickle
import shutil
import sqlite3
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import quote

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from personalake.lake import line_removal
from personalake.lake.line_removal import without_lines, without_rows
from personalake.lake.search import Search, files_below
from personalake.tracking.store_files import redact

NEEDLE = "änn@x.example"
# Like it, so that whatever is packed with them says it nowhere in clear.
OTHERS = [f"än{n}{letter}@x.example" for n in range(200) for letter in "mn"] + ["nn@x.example", "änn", "änz"] * 9


def parquet(path: Path, compression: str) -> None:
    rows = {"a": [f"n{n}@x.example" for n in range(500)] + [NEEDLE], "b": [{"c": ["x"]}] * 501}
    pq.write_table(pa.table(rows), path, compression=compression)


def unused_dictionary_entry(path: Path) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["other", NEEDLE]))
    pq.write_table(pa.table({"a": column}), path, compression="zstd", write_statistics=False, store_schema=False)


def sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("PRAGMA secure_delete = OFF")
        opened.execute("CREATE TABLE t (a TEXT)")
        opened.executemany("INSERT INTO t VALUES (?)", [(NEEDLE + " " * 2_000,)] * 4)
        opened.execute("DELETE FROM t")


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inside.json", json.dumps({"a": NEEDLE}))


def zstd(path: Path) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(NEEDLE.encode())


def avro(path: Path, codec: str) -> None:
    """Two texts side by side: nothing stands between them but a length that looks like a letter."""
    fields = [{"name": "a", "type": "string"}, {"name": "b", "type": "string"}]
    with path.open("wb") as stream:
        rows = [{"a": text, "b": "b" * 33} for text in [*OTHERS, NEEDLE]]
        fastavro.writer(stream, {"type": "record", "name": "r", "fields": fields}, rows, codec=codec)


def locked(path: Path) -> None:
    """A zip whose entry says that it needs a password, beside one that does not."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("locked.json", "?" * 40)
        packed.writestr("open.json", json.dumps({"a": NEEDLE}))
    content = bytearray(path.read_bytes())
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + place] |= 1
    path.write_bytes(bytes(content))


def deep(path: Path) -> None:
    content = NEEDLE.encode()
    for _ in range(9):
        content = gzip.compress(content)
    path.write_bytes(content)


def with_an_unknown_codec(path: Path) -> None:
    avro(path, "deflate")
    path.write_bytes(path.read_bytes().replace(b"deflate", b"magical"))


# What nobody here can open, and what is told of it.
SEALED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a zip with a password": (locked, "an archive with a password"),
    "an encrypted Parquet file": (lambda path: path.write_bytes(b"PARE" + b"?" * 40 + b"PARE"), "an encrypted Parquet file"),
    "a Parquet file of encrypted columns": (
        lambda path: path.write_bytes(b"PAR1" + b"?" * 40 + b"\x20\0\0\0PAR1"), "encrypted or damaged",
    ),
    "an Avro file of an unknown codec": (with_an_unknown_codec, "encrypted or damaged"),
    "a 7z archive": (lambda path: path.write_bytes(b"7z\xbc\xaf\x27\x1c" + b"?" * 40), "a 7z archive"),
    "in a gzip": (lambda path: path.write_bytes(gzip.compress(b"Salted__" + b"?" * 600)), "encrypted by OpenSSL"),
    "deep down": (deep, "packed more than 6 times"),
}  # fmt: skip


PACKED: dict[str, Callable[[Path], object]] = {
    "snappy": lambda path: parquet(path, "snappy"),
    "zstd": lambda path: parquet(path, "zstd"),
    "nested": lambda path: pq.write_table(pa.table({"a": [[{"b": NEEDLE}]]}), path, compression="zstd"),
    "dictionary": unused_dictionary_entry,
    "gzip": lambda path: path.write_bytes(gzip.compress(NEEDLE.encode())),
    "half a gzip": lambda path: path.write_bytes(gzip.compress((NEEDLE + " " + "x" * 10**5).encode())[:-20]),
    "zst file": zstd,
    "zip": zipped,
    "orc": lambda path: orc.write_table(
        pa.table({"a": [[{"b": text}] for text in [*OTHERS, NEEDLE]]}), path, compression="zstd"
    ),
    **{f"avro, {codec}": partial(avro, codec=codec) for codec in ("null", "deflate", "snappy", "zstandard", "xz")},
    "beside what is locked": locked,
    "sqlite": sqlite,
    "json": lambda path: path.write_text(json.dumps([NEEDLE])),
    "beyond a piece": lambda path: path.write_bytes(b" " * ((1 << 22) - 5) + NEEDLE.encode()),
}


def in_metadata(path: Path, of_field: bool) -> None:
    said = {"note": "x" * 500 + " " + NEEDLE}
    field = pa.field("a", pa.int64(), metadata=said if of_field else None)
    pq.write_table(pa.table({"a": [1]}, pa.schema([field], metadata=None if of_field else said)), path)


PACKED["what a file says of itself"] = lambda path: in_metadata(path, of_field=False)
PACKED["what a file says of a column"] = lambda path: in_metadata(path, of_field=True)


def tarred(path: Path, mode: str = "w") -> None:
    """A model's archive: a JSON file in a gzip in a tar."""
    packed = gzip.compress(json.dumps({"a": NEEDLE}).encode())
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("model/example.json.gz")
        member.size = len(packed)
        archive.addfile(member, io.BytesIO(packed))


def zip_of_zips(path: Path) -> None:
    zipped(path)
    inner = path.read_bytes()
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("data.json", "{}")
        packed.writestr("inner.zip", inner)


def beside_the_database(path: Path) -> None:
    """The write-ahead log of a database that is still open."""
    with closing(sqlite3.connect(path.with_suffix(".db"))) as opened:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("CREATE TABLE t (a TEXT)")
        opened.execute("INSERT INTO t VALUES (?)", (NEEDLE,))
        opened.commit()
        shutil.copy(path.with_suffix(".db-wal"), path)


def sqlite_blob(path: Path) -> None:
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute('CREATE TABLE "odd ""name" (a BLOB)')
        opened.execute('INSERT INTO "odd ""name" VALUES (?)', (gzip.compress(NEEDLE.encode()),))


def sqlite_in_a_gzip(path: Path) -> None:
    """A copy of a database that keeps a write-ahead log, of which a long text goes over several pages."""
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("CREATE TABLE t (a TEXT)")
        opened.executemany(
            "INSERT INTO t VALUES (?)", [("x" * size + f" {NEEDLE} " + "y" * 9_000,) for size in range(4_000, 4_100, 9)]
        )
        opened.commit()
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.write_bytes(gzip.compress(path.read_bytes()))


def arrow(path: Path) -> None:
    rows = pa.table({"a": pa.array([NEEDLE, "b"])})
    with pa.ipc.new_file(str(path), rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as file:
        file.write_table(rows)


def delta_checkpoint(path: Path) -> None:
    stats = json.dumps({"numRecords": 1, "minValues": {"email": NEEDLE}})
    pq.write_table(pa.table({"add": [{"path": "part-0.parquet", "stats": stats}, None]}), path, compression="snappy")


# How a page of a notebook is written in a model's folder, and what a driver says of it.
NOTEBOOK = {"cells": [{"outputs": [{"data": {"text/plain": ["first\n", f"\n{NEEDLE}\n"]}}]}]}
PACKED |= {
    "gzip in a cell": lambda path: pq.write_table(pa.table({"a": [gzip.compress(NEEDLE.encode())]}), path),
    "parquet of gzip": lambda path: parquet(path, "gzip"),
    "parquet of brotli": lambda path: parquet(path, "brotli"),
    "parquet in a gzip": lambda path: (parquet(path, "zstd"), path.write_bytes(gzip.compress(path.read_bytes()))),
    "checkpoint of a table": delta_checkpoint,
    "commit of a table": lambda path: path.write_text(
        json.dumps({"add": {"path": "p", "stats": json.dumps({"maxValues": {"email": NEEDLE}})}})
    ),
    "checksum of a version": lambda path: path.write_text(json.dumps({"allFiles": [{"stats": json.dumps({"a": NEEDLE})}]})),
    "tar": tarred,
    "tar.gz": lambda path: tarred(path, "w:gz"),
    "tar.xz": lambda path: tarred(path, "w:xz"),
    "bz2": lambda path: path.write_bytes(bz2.compress(NEEDLE.encode())),
    "zlib": lambda path: path.write_bytes(zlib.compress(NEEDLE.encode())),
    "zip of zips": zip_of_zips,
    "name in a zip": lambda path: zipfile.ZipFile(path, "w").writestr(f"of/{NEEDLE}/a", ""),
    "half a zstd": lambda path: (zstd(path), path.write_bytes(NEEDLE.encode() + path.read_bytes()[:-3])),
    "arrow": arrow,
    "write-ahead log": beside_the_database,
    "blob of a database": sqlite_blob,
    "database in a gzip": sqlite_in_a_gzip,
    "pickle": lambda path: path.write_bytes(pickle.dumps({"rows": [NEEDLE, "x"]})),
    "old pickle": lambda path: path.write_bytes(pickle.dumps([f"it was {NEEDLE}"], protocol=0)),
    "array": lambda path: np.save(path.open("wb"), np.array(["bob@x.example", NEEDLE, "c"])),
    "notebook": lambda path: path.write_text(json.dumps(NOTEBOOK)),
    "utf-16": lambda path: path.write_text(f"id;{NEEDLE}\n", encoding="utf-16"),
    "utf-16 of the other order": lambda path: path.write_text(f"id;{NEEDLE}\n", encoding="utf-16-be"),
    "latin-1": lambda path: path.write_text(f"id;{NEEDLE.title()}\n", encoding="latin-1"),
    "beyond a piece, as entities": lambda path: path.write_bytes(
        b" " * ((1 << 22) - 30) + "".join(f"&#{ord(letter):05d};" for letter in NEEDLE).encode()
    ),
}


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def as_mail(text: str) -> str:
    return base64.encodebytes(f"{'Dear all, ' * 9}{text}, hello {'and so on ' * 9}".encode()).decode()


WRITTEN: dict[str, tuple[str, str]] = {
    "HTML": ("Ann O'Hara & Co", "<p>Ann O&#x27;Hara &amp; Co</p>"),
    "JSON": ("Änn O'Hara", '{"name": "\\u00c4nn O\'Hara"}'),
    "JSON in JSON": (NEEDLE, json.dumps({"stats": json.dumps({"a": f"\n{NEEDLE}"})})),
    "an address": (NEEDLE, "/unsubscribe?who=%C3%A4nn%40x.example"),
    "a query": ("Ann O'Hara", "?name=Ann+O%27Hara&x=1"),
    "an address twice": (NEEDLE, "?next=%2Funsubscribe%3Fwho%3D%25C3%25A4nn%2540x.example"),
    "letters by number": (NEEDLE, "&#228;&#x6e;n&#64;x&period;example"),
    "a mail": (NEEDLE, "To: =C3=A4nn=40x.exa=\nmple\n"),
    "capitals": (NEEDLE, NEEDLE.upper()),
    "letters and signs apart": (NEEDLE, unicodedata.normalize("NFD", NEEDLE)),
    "base64": (NEEDLE, f"data:text/plain;base64,{in_base64(NEEDLE)}"),
    "base64 after one letter": (NEEDLE, in_base64(f";{NEEDLE}")),
    "base64 after two letters": (NEEDLE, in_base64(f"a;{NEEDLE.upper()};b")),
    "base64 of addresses": ("ann??>>@x.example", "/t/" + base64.urlsafe_b64encode(b"who=ann??>>@x.example").decode()),
    "base64 over lines": (NEEDLE, as_mail(NEEDLE)),
    "gzip in base64": (NEEDLE, json.dumps({"body": base64.b64encode(gzip.compress(NEEDLE.encode())).decode()})),
    "digits": (NEEDLE, f"\\x{NEEDLE.encode().hex()}"),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_it_is_found_however_it_is_written(tmp_path: Path, kind: str) -> None:
    name, written = WRITTEN[kind]
    (tmp_path / "file").write_text(written)

    assert name not in written
    assert Search([name, "nobody@x.example"]).file(tmp_path / "file") == {name}


@pytest.mark.parametrize(
    "write",
    [in_base64, as_mail, lambda text: text.encode().hex(), lambda text: quote(text, safe="")],
    ids=["base64", "mail", "hex", "percent"],
)
def test_a_longer_word_is_no_find_in_another_spelling(write: Callable[[str], str]) -> None:
    search = Search(["ann@x.example"])

    assert search.content(write("to: ann@x.example").encode()) == {"ann@x.example"}
    assert search.content(write("to: jo.ann@x.example.org").encode()) == set()


def test_what_is_no_archive_although_it_begins_like_one_is_read_as_it_is(tmp_path: Path) -> None:
    for place, begins in enumerate(
        (b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"ARROW1", b"SQLite format 3\x00", b"x\x9c")
    ):
        (tmp_path / str(place)).write_bytes(begins + b" to ann@x.example ")

    assert [path for path in files_below([tmp_path]) if not Search(["ann@x.example"]).file(path)] == []


@pytest.mark.parametrize("kind", PACKED)
def test_it_is_found(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    PACKED[kind](path)

    assert Search([NEEDLE, "nobody@x.example"]).file(path) == {NEEDLE}


@pytest.mark.parametrize("kind", SEALED)
def test_what_is_not_opened_is_told(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    write, told = SEALED[kind]
    write(path)

    (what,) = Search([NEEDLE]).look(path).sealed

    assert told in what


@pytest.mark.parametrize("kind", [kind for kind in PACKED if kind != "beside what is locked"])
def test_of_what_is_opened_nothing_is_told_to_be_closed(tmp_path: Path, kind: str) -> None:
    PACKED[kind](tmp_path / "file")

    assert Search([NEEDLE]).look(tmp_path / "file").sealed == frozenset()


def test_a_part_of_a_longer_word_is_no_find_and_a_file_name_is_one(tmp_path: Path) -> None:
    search = Search(["ann@x.example"])
    for name, text in {"a": "jo.ann@x.example", "b": "ann@x.example.org", "c": "<ANN@x.example>."}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "ann@x.example").touch()

    assert [path.name for path in files_below([tmp_path]) if search.file(path)] == ["ann@x.example", "c"]


@pytest.mark.parametrize(
    "name",
    [
        "ann@x.example",
        ".ann@x.example",
        "ann@x.example.csv",
        ".ann@x.example.csv.gz.crc",
        "ann@x.example_2026-11-27.csv",
        "ann@x.example.zip",
        "ann@x.example.d/a",
    ],
)
def test_a_name_is_found_though_a_suffix_looks_like_more_of_the_address(name: str) -> None:
    assert Search(["ann@x.example"]).path(Path("/lake") / name) == {"ann@x.example"}


@pytest.mark.parametrize("name", ["ann@x.example.org.csv", "jo.ann@x.example.csv", "ann@x.example.org.csv.gz"])
def test_a_name_of_somebody_else_is_no_find_without_its_suffix(name: str) -> None:
    assert not Search(["ann@x.example"]).path(Path("/lake") / name)


def test_a_redacted_database_says_it_nowhere_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    sqlite(path)
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.executemany("INSERT INTO t VALUES (?)", [(f"like {NEEDLE}!",), (f"jo.{NEEDLE}",)])
    search = Search([NEEDLE])

    changed = redact(path, [search.blackened])

    assert changed == [1]
    assert search.file(path) == set()
    with closing(sqlite3.connect(path)) as opened:
        assert opened.execute("SELECT a FROM t").fetchall() == [("like [erased]!",), (f"jo.{NEEDLE}",)]


@pytest.mark.parametrize("suffix", ["json", "json.gz"])
def test_a_file_loses_the_lines_of_the_person_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    content = b"one\r\ntwo Ann\n\xff odd bytes\nlast Ann"
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    before = path.stat().st_mtime_ns

    counts = without_lines(path, [lambda line: "Ann" in line, lambda line: "Bob" in line])

    assert counts == [2, 0]
    assert (gzip.decompress(path.read_bytes()) if suffix.endswith("gz") else path.read_bytes()) == b"one\r\n\xff odd bytes\n"
    assert path.stat().st_mtime_ns == before


def test_a_file_without_the_person_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("x\n")
    inode = path.stat().st_ino

    assert without_lines(path, [lambda line: line == "y"]) == [0]
    assert path.stat().st_ino == inode


@pytest.mark.parametrize("in_place", [True, False])
def test_a_full_disk_leaves_the_file_whole_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_place: bool
) -> None:
    path = tmp_path / "a.json"
    path.write_text("one Ann\ntwo\n")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(line_removal, "_replace", full)
    monkeypatch.setattr(Path, "write_bytes", full)  # what would empty the file first

    if in_place:
        assert without_lines(path, [lambda line: "Ann" in line], in_place=True) == [1]
    else:
        with pytest.raises(OSError, match="No space"):
            without_lines(path, [lambda line: "Ann" in line])
    assert path.read_text() == ("two\n" if in_place else "one Ann\ntwo\n")
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_row_over_two_lines_goes_as_one_and_utf_16_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,note\n1,"Ann\nlives here"\n2,é\n', encoding="utf-16")

    assert without_lines(path, [lambda line: "Ann" in line], "utf-16", '"') == [1]
    assert path.read_text(encoding="utf-16") == "id,note\n2,é\n"


def test_a_parquet_file_loses_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": [1, 2, 3]}), path, compression="zstd")

    assert without_rows(path, [lambda row: row["id"] == 2]) == [1]
    assert pq.read_table(path)["id"].to_pylist() == [1, 3]
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
