"""What sources brought that are not configured any more is cleaned as well; without a session."""

import errno
import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personalake.config import Settings
from personalake.config.settings import TrackingSettings
from personalake.lake import Lake
from personalake.pipelines.erasure_cleaned import AGAIN
from personalake.pipelines.erasure_files import ELSEWHERE, clean_files
from personalake.pipelines.former_sources import NOWHERE, former_sources
from personalake.privacy.places import places
from personalake.privacy.subject import Subject
from personalake.tables.bronze import LANDING_FILE
from tests.pipelines.outbox_rows import a_lake

ANN, BOB = "ann@x.example", "bob@x.example"
SUBJECT = Subject(("email", ANN), identifiers=frozenset({("email", ANN)}))


def settings_of(lake: Lake, folder: Path) -> Settings:
    kept = {"contract": "interaction", "path": folder / "landing" / "kept", "columns": {"email": "mail"}}
    return Settings.model_validate(
        {
            "root": lake.locations.root, "landing": folder / "landing", "exports": folder / "exports",
            "report": {"path": folder / "report"}, "erasure": {"access": folder / "access"}, "sources": {"kept": kept},
        }
    )  # fmt: skip


def brought(folder: Path) -> None:
    """Lines of two people in each way that a file can be written."""
    folder.mkdir(parents=True)
    lines = "".join(json.dumps({"mail": who, "note": 'an odd "'}) + "\n" for who in (ANN, BOB))
    (folder / "a.json").write_text(lines)
    (folder / "b.json.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "c.csv").write_text(f'mail,note\n{ANN},"two\nlines"\n{BOB},"two\nlines"\n')
    (folder / "d.csv").write_text(f"mail,note\n{ANN},x\n{BOB},y\n", encoding="utf-16")
    pq.write_table(pa.table({"mail": [ANN, BOB]}), folder / "e.parquet")


def test_lines_of_a_former_source_go_from_its_inbox_and_its_landing_folder(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    settings = settings_of(lake, tmp_path)
    inbox, landing = lake.locations.inbox("old"), settings.landing / "old"
    for folder in (inbox, landing):
        brought(folder)
    at, size = datetime(2026, 1, 1, tzinfo=UTC), (landing / "a.json").stat().st_size
    lake.ledger.append(LANDING_FILE, [{"source": "old", "path": "a.json", "bytes": size, "modified_at": at}])

    found = {one.place: one for one in clean_files(settings, lake, {"r1": SUBJECT})}

    assert former_sources(settings, lake) == ["old"]
    assert [found[place].erased for place in ("inbox/old", "landing/old")] == [{"r1": 5}, {"r1": 5}]
    for folder in (inbox, landing):
        assert BOB in (folder / "a.json").read_text()
        assert gzip.decompress((folder / "b.json.gz").read_bytes()).decode() == (folder / "a.json").read_text()
        assert (folder / "c.csv").read_text() == f'mail,note\n{BOB},"two\nlines"\n'
        assert (folder / "d.csv").read_text(encoding="utf-16") == f"mail,note\n{BOB},y\n"
        assert pq.read_table(folder / "e.parquet")["mail"].to_pylist() == [BOB]
        assert ANN not in (folder / "a.json").read_text()
    # Configured again, the source reads no file once more because an erasure made it smaller.
    told = {(row["path"], row["bytes"], row["modified_at"]) for row in lake.ledger.read(LANDING_FILE)}
    assert told == {("a.json", each, at) for each in (size, (landing / "a.json").stat().st_size)}


def test_a_file_that_is_no_parquet_in_a_folder_of_parquet_keeps_no_other_from_being_cleaned(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    settings = settings_of(lake, tmp_path)
    source = {"contract": "customer_record", "format": "parquet", "path": tmp_path / "landing" / "crm",
              "columns": {"customer_id": "mail", "email": "mail"}}  # fmt: skip
    settings = Settings.model_validate({**settings.model_dump(exclude_unset=True), "sources": {"crm": source}})
    folder, inbox = tmp_path / "landing" / "crm", lake.locations.inbox("old")
    for place in (folder, inbox):
        place.mkdir(parents=True)
        pq.write_table(pa.table({"mail": [ANN, BOB]}), place / "whole.parquet")
        (place / "cut.parquet").write_bytes((place / "whole.parquet").read_bytes()[:-9])
    (folder / "_complete").write_text("whole.parquet")

    found = {one.place: one for one in clean_files(settings, lake, {"r1": SUBJECT})}

    assert [found[place].erased for place in ("landing/crm", "inbox/old")] == [{"r1": 1}, {"r1": 1}]
    assert [pq.read_table(place / "whole.parquet")["mail"].to_pylist() for place in (folder, inbox)] == [[BOB], [BOB]]
    # What was never let in shows nothing to anybody; of what was let in once nobody knows whom it names.
    assert found["landing/crm"].problem is None
    assert found["inbox/old"].problem == f"not cleaned: 1 file (its text cannot be read); {AGAIN}"


def test_a_parquet_file_that_the_machine_keeps_from_being_rewritten_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = a_lake(tmp_path / "lake")
    settings = settings_of(lake, tmp_path)
    source = {"contract": "customer_record", "format": "parquet", "path": tmp_path / "landing" / "crm",
              "columns": {"customer_id": "mail", "email": "mail"}}  # fmt: skip
    settings = Settings.model_validate({**settings.model_dump(exclude_unset=True), "sources": {"crm": source}})
    (tmp_path / "landing" / "crm").mkdir(parents=True)
    pq.write_table(pa.table({"mail": [ANN, BOB]}), tmp_path / "landing" / "crm" / "whole.parquet")

    def full(*given: object) -> list[int]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("personalake.pipelines.erasure_files.without_rows", full)
    found = {one.place: one for one in clean_files(settings, lake, {"r1": SUBJECT})}

    assert "1 file" in str(found["landing/crm"].problem)


def test_a_former_source_whose_folder_nobody_knows_is_named_for_a_human(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    settings = settings_of(lake, tmp_path)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [{"source": name, "path": "a.json", "bytes": 1, "modified_at": at} for name in ("gone", "kept")]
    lake.ledger.append(LANDING_FILE, rows)

    found = {one.place: one.unsettled for one in clean_files(settings, lake, {"r1": SUBJECT}) if one.unsettled}

    assert found == {"landing/gone": {"r1": NOWHERE}}


def test_a_model_store_elsewhere_is_named_for_a_human_and_not_told_as_searched(tmp_path: Path) -> None:
    lake = a_lake(tmp_path / "lake")
    settings = settings_of(lake, tmp_path)
    elsewhere = settings.model_copy(update={"tracking": TrackingSettings(uri="https://mlflow.example")})

    found = [
        {one.place: one.unsettled for one in clean_files(each, lake, {"r1": SUBJECT})}["model store"]
        for each in (settings, elsewhere)
    ]

    assert found == [{}, {"r1": ELSEWHERE}]
    kept = [{what[:6]: until for _, what, until in places(each)}["models"] for each in (settings, elsewhere)]
    assert [until.partition("; ")[2] for until in kept] == ["searched by each erasure", "no erasure reaches it"]
