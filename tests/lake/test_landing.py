import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personalake.config.sources import Source
from personalake.lake.file_checks import Shape, problem_of, shape_of
from personalake.lake.landing import admit, files_of, is_being_written, known_files, landed_at, listing, reject

NOW = datetime(2017, 3, 1, 12, tzinfo=UTC)


def csv_source(path: Path, **changes: Any) -> Source:
    values = {
        "contract": "customer_record",
        "format": "csv",
        "path": path,
        "columns": {"customer_id": "id", "age_band": "age"},
    }
    return Source.model_validate(values | changes)


def test_hidden_rejected_and_half_written_files_are_no_files(tmp_path: Path) -> None:
    for name in ("a.csv", ".a.csv.tmp", "_complete", "_rejected/b.csv", "sub/c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("id,age\n1,20\n")

    assert [file.relative for file in files_of(csv_source(tmp_path))] == ["a.csv", "sub/c.csv"]


def test_a_corrupt_gzip_is_found_before_it_is_let_in(tmp_path: Path) -> None:
    whole = gzip.compress(b"id,age\n" + b"1,20\n" * 1000)
    (tmp_path / "cut.csv.gz").write_bytes(whole[:-20])
    (tmp_path / "flipped.csv.gz").write_bytes(whole[:-6] + b"\x00" + whole[-5:])
    (tmp_path / "whole.csv.gz").write_bytes(whole)

    found = {file.relative: problem_of(file.path, csv_source(tmp_path), None) for file in files_of(csv_source(tmp_path))}

    assert (found["cut.csv.gz"] or "").startswith("corrupt gzip")
    assert (found["flipped.csv.gz"] or "").startswith("corrupt gzip")
    assert found["whole.csv.gz"] is None


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("id,age", None),
        ("age,id", "header changed: expected id,age, found the same columns in another order"),
        ("id,age,note,Note", "columns named twice: note"),
        ("id,age,,", "columns without a name at places 3, 4; name them, or leave them out of the file"),
        ("ID,age", "columns missing: id; found 2 columns, and id in other letters"),
        ("id;age", "columns missing: id, age; found 1 column; is ',' what stands between them (separator)?"),
        ("id,years", "columns missing: age; found 2 columns"),
    ],
)
def test_a_changed_header_is_found(tmp_path: Path, header: str, problem: str | None) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\n1,20\n")

    (file,) = files_of(csv_source(tmp_path))

    assert problem_of(file.path, csv_source(tmp_path), Shape(("id", "age"))) == problem


def test_a_parquet_file_that_is_none_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really PAR1")
    source = csv_source(tmp_path, format="parquet")

    (file,) = files_of(source)

    assert (problem_of(file.path, source, None) or "").startswith("corrupt parquet")


def test_a_file_that_grew_is_let_in_under_a_new_name(tmp_path: Path) -> None:
    landing, inbox = tmp_path / "landing", tmp_path / "inbox"
    landing.mkdir()
    (landing / "a.csv").write_text("id,age\n1,20\n")
    source = csv_source(landing)
    before = listing(source, NOW)

    (first,) = files_of(source)
    admit(first, inbox, source)
    admit(first, inbox, source)
    with (landing / "a.csv").open("a") as stream:
        stream.write("2,30\n")
    os.utime(landing / "a.csv", (2_000_000_000, 2_000_000_000))
    (second,) = files_of(source)
    admit(second, inbox, source)

    assert listing(source, NOW) != before
    assert len([path for path in inbox.rglob("*") if path.is_file()]) == 2


def test_a_rejected_file_moves_aside_and_is_no_longer_seen(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n")
    source = csv_source(tmp_path)

    (file,) = files_of(source)
    reject(file, source)

    assert list(files_of(source)) == []
    assert (tmp_path / "_rejected" / "a.csv").read_text() == "x\n"


def test_a_second_rejected_file_of_the_same_name_leaves_the_first_alone(tmp_path: Path) -> None:
    source = csv_source(tmp_path)
    for text in ("first", "second", "third"):
        (tmp_path / "a.csv.gz").write_text(text)
        (file,) = files_of(source)
        reject(file, source)

    held = {path.name: path.read_text() for path in (tmp_path / "_rejected").iterdir()}

    assert held == {"a.csv.gz": "first", "a-2.csv.gz": "second", "a-3.csv.gz": "third"}


def test_only_files_that_were_let_in_are_known() -> None:
    rows = [
        {"source": "shop", "path": "a", "bytes": 1, "modified_at": NOW, "status": "admitted"},
        {"source": "shop", "path": "b", "bytes": 1, "modified_at": NOW, "status": "rejected"},
        {"source": "other", "path": "c", "bytes": 1, "modified_at": NOW, "status": "admitted"},
    ]

    assert known_files(rows, "shop") == {("a", 1, NOW)}


def test_the_reason_against_a_csv_without_header_tells_nothing_of_its_first_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Max Mustermann,max@example.org,42\n")

    problem = problem_of(tmp_path / "a.csv", csv_source(tmp_path), None)

    assert problem == "columns missing: id, age; found 3 columns"


@pytest.mark.parametrize("suffix", ["csv", "json", "csv.gz"])
def test_bytes_that_are_no_text_are_found_with_their_line(tmp_path: Path, suffix: str) -> None:
    data = b"id,age\n1,\xc3\xbc\n2,\xfc\n"
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    source = csv_source(tmp_path, format=suffix.split(".")[0])

    assert (problem_of(path, source, None) or "").startswith("not utf-8 text: line 3 cannot be decoded")
    assert problem_of(path, csv_source(tmp_path, format=source.format, encoding="iso-8859-1"), None) is None


@pytest.mark.parametrize(
    ("format", "encoding", "is_rewritten"),
    [
        ("json", "UTF8", False),
        ("json", "iso-8859-1", True),
        ("csv", "latin-1", False),
        ("csv", "windows-1252", True),
        ("csv", "utf-16", True),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_what_spark_cannot_decode_lies_in_the_inbox_as_utf_8(
    tmp_path: Path, format: str, encoding: str, is_rewritten: bool, suffix: str
) -> None:
    text = "id,age\n1,20\r\nü,30\n"
    data = text.encode(encoding)
    (tmp_path / f"a.txt{suffix}").write_bytes(gzip.compress(data) if suffix else data)
    source = csv_source(tmp_path, format=format, encoding=encoding)

    (file,) = files_of(source)
    admit(file, tmp_path / "_inbox", source)

    (admitted,) = [path for path in (tmp_path / "_inbox").rglob("*") if path.is_file()]
    held = gzip.decompress(admitted.read_bytes()) if suffix else admitted.read_bytes()
    assert held.decode("utf-8" if is_rewritten else encoding) == text
    assert held.decode(source.inbox_encoding) == text
    if format == "csv":
        assert problem_of(file.path, source, None) is None
        assert shape_of(admitted, source, source.inbox_encoding) == Shape(("id", "age"))


def test_a_date_in_a_path_is_a_day_of_the_business(tmp_path: Path) -> None:
    (tmp_path / "2017-12-01").mkdir()
    (tmp_path / "2017-12-01/a.csv").write_text("id,age\n")

    (file,) = files_of(csv_source(tmp_path))

    assert landed_at(file, "America/New_York") - landed_at(file, "UTC") == 5 * 3600


def parquet_problem(path: Path, columns: dict[str, Any], first: Shape | None = None, **options: Any) -> str | None:
    pq.write_table(pa.table(columns), path, **options)
    return problem_of(path, csv_source(path.parent, format="parquet"), first)


def test_a_parquet_file_with_a_damaged_page_is_found_though_its_footer_is_whole(tmp_path: Path) -> None:
    columns = {"id": [f"customer {number}" for number in range(5000)], "age": list(range(5000))}
    path = tmp_path / "a.parquet"
    assert parquet_problem(path, columns, use_dictionary=False, write_page_checksum=True) is None
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)

    assert pq.read_schema(path).names == ["id", "age"]
    assert (problem_of(path, csv_source(tmp_path, format="parquet"), None) or "").startswith("corrupt parquet")


def test_a_parquet_column_that_changed_its_type_is_named_with_both(tmp_path: Path) -> None:
    source, first = csv_source(tmp_path, format="parquet"), tmp_path / "a.parquet"
    assert parquet_problem(first, {"id": ["1"], "age": [20]}) is None
    shape = shape_of(first, source, "utf-8")

    changed = parquet_problem(tmp_path / "b.parquet", {"id": ["2"], "age": ["20-29"]}, shape)
    packed = pa.array(["2"], pa.large_string()).dictionary_encode()
    same = parquet_problem(tmp_path / "c.parquet", {"id": packed, "age": [30], "more": [True]}, shape)

    assert changed == "column types changed: age was int64, is string"
    assert same is None


def test_parquet_times_in_nanoseconds_are_refused_and_the_old_int96_is_not(tmp_path: Path) -> None:
    columns = {"id": ["1"], "age": pa.array([1], pa.timestamp("ns"))}

    problem = parquet_problem(tmp_path / "a.parquet", columns)

    assert problem == "times in nanoseconds, which Spark cannot read: age; write them in microseconds"
    assert parquet_problem(tmp_path / "b.parquet", columns, use_deprecated_int96_timestamps=True) is None
    assert parquet_problem(tmp_path / "c.parquet", columns, coerce_timestamps="us", allow_truncated_timestamps=True) is None


@pytest.mark.parametrize(
    ("name", "data", "age_seconds", "waits"),
    [
        ("a.json", b'{"amount": 1}\n{"amount": 12', 5, True),
        ("a.json", b'{"amount": 1}\n', 5, False),
        ("a.json", b'{"amount": 12', 65, False),
        ("a.json", b'{"amount": 12', -3600, False),
        ("a.json", b"", 5, False),
        ("a.json", '{"amount": 1}\n'.encode("utf-16-le"), 5, False),
        ("a.json.gz", gzip.compress(b'{"amount": 12', mtime=0), 5, False),
    ],
)
def test_a_young_file_whose_last_line_has_no_end_waits(
    tmp_path: Path, name: str, data: bytes, age_seconds: int, waits: bool
) -> None:
    (tmp_path / name).write_bytes(data)
    os.utime(tmp_path / name, ((NOW - timedelta(seconds=age_seconds)).timestamp(),) * 2)
    source = csv_source(tmp_path, format="json")
    (file,) = files_of(source)

    assert is_being_written(file, source, NOW) is waits
    assert not is_being_written(file, csv_source(tmp_path, format="json", settle_seconds=0), NOW)
    later = listing(source, NOW + timedelta(minutes=2))
    assert (listing(source, NOW) != later) is waits
