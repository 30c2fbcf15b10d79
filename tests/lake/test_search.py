"""A search that decodes: what a file holds is found however it is packed, and a raw search would have missed it."""

import gzip
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personalake.lake.line_removal import without_lines, without_rows
from personalake.lake.search import Search, files_below
from personalake.tracking.store_files import redact

NEEDLE = "änn@x.example"


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


PACKED: dict[str, Callable[[Path], object]] = {
    "snappy": lambda path: parquet(path, "snappy"),
    "zstd": lambda path: parquet(path, "zstd"),
    "nested": lambda path: pq.write_table(pa.table({"a": [[{"b": NEEDLE}]]}), path, compression="zstd"),
    "dictionary": unused_dictionary_entry,
    "gzip": lambda path: path.write_bytes(gzip.compress(NEEDLE.encode())),
    "half a gzip": lambda path: path.write_bytes(gzip.compress((NEEDLE + " " + "x" * 10**5).encode())[:-20]),
    "zst file": zstd,
    "zip": zipped,
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


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Ann O'Hara & Co", "<p>Ann O&#x27;Hara &amp; Co</p>"),
        ("Änn O'Hara", '{"name": "\\u00c4nn O\'Hara"}'),
        ("änn@x.example", "/unsubscribe?who=%C3%A4nn%40x.example"),
    ],
)
def test_a_name_is_found_as_pages_json_and_addresses_spell_it(tmp_path: Path, name: str, written: str) -> None:
    (tmp_path / "file").write_text(written)

    assert name not in written
    assert Search([name, "nobody@x.example"]).file(tmp_path / "file") == {name}


@pytest.mark.parametrize("kind", PACKED)
def test_it_is_found(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    PACKED[kind](path)

    assert Search([NEEDLE, "nobody@x.example"]).file(path) == {NEEDLE}


def test_a_part_of_a_longer_word_is_no_find_and_a_file_name_is_one(tmp_path: Path) -> None:
    search = Search(["ann@x.example"])
    for name, text in {"a": "jo.ann@x.example", "b": "ann@x.example.org", "c": "<ANN@x.example>."}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "ann@x.example").touch()

    assert [path.name for path in files_below([tmp_path]) if search.file(path)] == ["ann@x.example", "c"]


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
