import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from personalake.config.sources import Source
from personalake.lake.landing import admit, files_of, listing, problem_of, reject


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

    found = {file.relative: problem_of(file, csv_source(tmp_path), None) for file in files_of(csv_source(tmp_path))}

    assert (found["cut.csv.gz"] or "").startswith("corrupt gzip")
    assert (found["flipped.csv.gz"] or "").startswith("corrupt gzip")
    assert found["whole.csv.gz"] is None


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("id,age", None),
        ("age,id", "header changed: expected id,age, found age,id"),
        ("id,years", "columns missing: age; found id, years"),
    ],
)
def test_a_changed_header_is_found(tmp_path: Path, header: str, problem: str | None) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\n1,20\n")

    (file,) = files_of(csv_source(tmp_path))

    assert problem_of(file, csv_source(tmp_path), ("id", "age")) == problem


def test_a_parquet_file_that_is_none_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really PAR1")
    source = csv_source(tmp_path, format="parquet")

    (file,) = files_of(source)

    assert (problem_of(file, source, None) or "").startswith("corrupt parquet")


def test_a_file_that_grew_is_let_in_under_a_new_name(tmp_path: Path) -> None:
    landing, inbox = tmp_path / "landing", tmp_path / "inbox"
    landing.mkdir()
    (landing / "a.csv").write_text("id,age\n1,20\n")
    source = csv_source(landing)
    before = listing(source)

    (first,) = files_of(source)
    admit(first, inbox)
    admit(first, inbox)
    with (landing / "a.csv").open("a") as stream:
        stream.write("2,30\n")
    os.utime(landing / "a.csv", (2_000_000_000, 2_000_000_000))
    (second,) = files_of(source)
    admit(second, inbox)

    assert listing(source) != before
    assert len([path for path in inbox.rglob("*") if path.is_file()]) == 2


def test_a_rejected_file_moves_aside_and_is_no_longer_seen(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n")
    source = csv_source(tmp_path)

    (file,) = files_of(source)
    reject(file, source)

    assert list(files_of(source)) == []
    assert (tmp_path / "_rejected" / "a.csv").read_text() == "x\n"
