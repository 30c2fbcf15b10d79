"""Files that connections dropped lose the rows of one person and keep everybody else's; without a session."""

import csv
import hashlib
import json
import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from personalake.activation import dropped_files
from personalake.activation.connectors import connect
from personalake.activation.delivery import Delivery
from personalake.activation.file_drop import Item, drop, packed
from personalake.activation.sending import send
from personalake.config import Settings
from personalake.config.activation import Destination
from personalake.config.connections import CsvDropConnection
from personalake.lake import Lake
from personalake.lake.search import Search, files_below
from personalake.pipelines.activation_journal import LakeJournal, Stamps
from personalake.pipelines.erasure_cleaned import Cleaned
from personalake.pipelines.erasure_drops import clean_drops
from personalake.pipelines.erasure_files import clean_files
from personalake.pipelines.person_search import find_subject
from personalake.privacy.subject import Subject
from personalake.tables.gold import ACTIVATION_OUTBOX
from personalake.tables.silver import PERSON_LINK
from tests.activation.doubles import FakeClock
from tests.pipelines.outbox_rows import a_lake

ANN, BOB, CLEO = (f"p_{letter * 24}" for letter in "abc")
# A key of two digits is a number like any other: only the whole row tells whose it is.
ROWS = {
    ANN: {"key": "12", "name": "=Ann, née O'Hara", "score": -1.50},
    BOB: {"key": "77", "name": 'Bob "the" 12', "score": 12},
    CLEO: {"key": "78", "name": "Cléo\nof two lines", "score": None},
}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = a_lake(tmp_path / "lake")
    lake.ledger.append(PERSON_LINK, [{"namespace": "crm", "value": f"number-{who}", "person_id": who} for who in ROWS])
    return lake


def settings_of(lake: Lake, folder: Path, **connections: Path) -> Settings:
    settings = Settings.model_validate(
        {
            "root": lake.locations.root, "landing": folder / "landing", "exports": folder / "exports",
            "report": {"path": folder / "report"}, "erasure": {"access": folder / "access"},
        }
    )  # fmt: skip
    drops = {name: CsvDropConnection(folder=where, columns=("key", "name", "score")) for name, where in connections.items()}
    return settings.model_copy(update={"connections": drops})


def dropped(lake: Lake, settings: Settings, name: str, people: Sequence[str] = tuple(ROWS)) -> Path:
    """One file with a row of each, by the connector itself; the outbox and the log say so."""
    deliveries = [Delivery(f"{name}-{who}", who, "row", json.dumps(ROWS[who])) for who in people]
    rows = [
        {"delivery_id": one.delivery_id, "person_id": one.person_id, "destination": name, "payload": one.payload,
         "plan_id": "plan", "sync": "vip", "sync_key": ROWS[one.person_id]["key"], "removal": False}
        for one in deliveries
    ]  # fmt: skip
    lake.ledger.append(ACTIVATION_OUTBOX, rows)
    connection, clock = settings.connections[name], FakeClock()
    journal = LakeJournal(lake, name, Stamps.after(lake.ledger, clock, []), lambda: None, connection.local_folder)
    send(deliveries, connect(name, connection, clock), clock, journal, random.Random(1))
    (file,) = connection.local_folder.glob("*.csv")  # type: ignore[union-attr]
    return file


def subject_of(lake: Lake, settings: Settings, who: str = ANN) -> Subject:
    return Subject.from_json(find_subject(settings, lake, ("crm", f"number-{who}")).as_json())


def cleaned(settings: Settings, lake: Lake, subject: Subject) -> dict[str, Cleaned]:
    return {one.place: one for one in clean_files(settings, lake, {"r1": subject})}


def told(file: Path) -> tuple[list[str], dict[str, Any]]:
    """The first cells of all rows, and the manifest, which must fit the file."""
    manifest = json.loads(file.with_name(f"{file.name}.manifest.json").read_text())
    content = file.read_bytes()
    rows = list(csv.DictReader(content.decode().splitlines(keepends=True)))
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert (manifest["bytes"], manifest["rows"], manifest["file"]) == (len(content), len(rows), file.name)
    return [row["key"] for row in rows], manifest


@pytest.mark.parametrize("place", ["exports/drop", "elsewhere"])
def test_one_row_goes_and_everybody_elses_stay_as_they_were(lake: Lake, tmp_path: Path, place: str) -> None:
    settings = settings_of(lake, tmp_path, drop=tmp_path / place)
    file = dropped(lake, settings, "drop")
    lines, manifest = file.read_bytes().split(b"\r\n"), told(file)[1]

    found = cleaned(settings, lake, subject_of(lake, settings))

    assert told(file) == (["77", "78"], {**manifest, **told(file)[1]})
    assert file.read_bytes() == b"\r\n".join([lines[0], *lines[2:]])
    assert found["files of drop"].erased == {"r1": 1}
    assert not any(one.refused or one.unsettled for one in found.values())
    assert sorted(path.suffix for path in file.parent.iterdir()) == [".csv", ".json"]


def test_a_file_whose_connection_is_gone_is_found_by_the_log(lake: Lake, tmp_path: Path) -> None:
    before = settings_of(lake, tmp_path, drop=tmp_path / "old")
    file = dropped(lake, before, "drop")
    settings = settings_of(lake, tmp_path)

    found = cleaned(settings, lake, subject_of(lake, settings))

    assert told(file)[0] == ["77", "78"]
    assert found["files of drop"].erased == {"r1": 1}


def test_a_file_that_somebody_took_away_is_told_and_left_to_a_human(lake: Lake, tmp_path: Path) -> None:
    settings = settings_of(lake, tmp_path, drop=tmp_path / "drop", other=tmp_path / "other")
    file, _ = dropped(lake, settings, "drop"), dropped(lake, settings, "other", [BOB])
    subject, nobody = subject_of(lake, settings), Subject(("crm", "1"))
    file.unlink()

    taken = list(clean_drops(settings, {"r1": subject, "r2": nobody}))
    file.parent.rename(tmp_path / "away")
    gone = list(clean_drops(settings, {"r1": subject, "r2": nobody}))

    assert [one.unsettled for one in taken] == [
        {"r1": "of 1 file with rows of this person somebody has taken it away from here; whoever reads from there must be "
               "asked by hand"}, {},
    ]  # fmt: skip
    assert [list(one.unsettled.values()) for one in gone] == [
        ["the folder is not there any more; whoever reads from there must be asked by hand"],
        [],
    ]


def test_a_folder_that_refuses_writing_leaves_the_file_whole_and_says_what_to_do(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(lake, tmp_path, drop=tmp_path / "drop")
    file = dropped(lake, settings, "drop")
    before, subject = file.read_bytes(), subject_of(lake, settings)

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as stream:
            stream.write(content[:9])
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_bytes", full)
        (refused,) = clean_drops(settings, {"r1": subject})
    (done,) = clean_drops(settings, {"r1": subject})

    assert (refused.erased, refused.problem) == (
        {"r1": 0}, "not cleaned: 1 file (No space left on device); mend that, and run erase_customers again"
    )  # fmt: skip
    assert done.erased == {"r1": 1}
    assert len(before) > len(file.read_bytes())
    assert told(file)[0] == ["77", "78"]


@pytest.mark.parametrize("renamed", [0, 1])
def test_a_kill_between_file_and_manifest_is_finished_by_the_next_run(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    settings = settings_of(lake, tmp_path, drop=tmp_path / "drop")
    file = dropped(lake, settings, "drop")
    subject, replace, calls = subject_of(lake, settings), Path.replace, list[Path]()

    def dies(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) > renamed:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as killed:
        killed.setattr(dropped_files.Path, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            list(clean_drops(settings, {"r1": subject}))
    assert not file.with_name(f"{file.name}.manifest.json").exists()
    list(clean_drops(settings, {"r1": subject}))

    assert told(file)[0] == ["77", "78"]
    assert not [path for path in files_below([file.parent]) if Search(["O'Hara"]).file(path)]


def test_lists_of_whom_to_forget_stay_and_what_names_the_person_in_other_files_goes(lake: Lake, tmp_path: Path) -> None:
    settings = settings_of(lake, tmp_path, drop=tmp_path / "exports" / "drop")
    file = dropped(lake, settings, "drop", [BOB])
    kept, other = file.with_name("erasure_1.csv"), file.with_name("half.csv.tmp")
    for path in (kept, other):
        path.write_text(f"erased_id\r\n{ANN}\r\n")

    cleaned(settings, lake, subject_of(lake, settings))

    assert (kept.exists(), other.exists(), told(file)[0]) == (True, False, ["77"])


@pytest.mark.parametrize("dialect", ["csv", "segment_batch", "braze_track"])
def test_a_destination_that_is_configured_no_more_loses_one_person_and_keeps_the_others(
    lake: Lake, tmp_path: Path, dialect: str
) -> None:
    settings, day = settings_of(lake, tmp_path), date(2026, 1, 1)
    folder = settings.exports / "mail" / day.isoformat()
    destination = Destination.model_validate(
        {"dialect": dialect, "purposes": ["personalisation"], "max_items": 2, "max_bytes": 99_999}
    )
    payloads = {
        who: json.dumps({"external_id": number, "category": "é, 1"})
        for who, number in ((ANN, "1"), (BOB, "12"), (CLEO, "2"))
    }
    items = [Item(f"d-{who}", "event", payload) for who, payload in payloads.items()]
    rows = [
        {"delivery_id": f"d-{who}", "person_id": who, "destination": "mail", "as_of": day, "payload": payload}
        for who, payload in payloads.items()
    ]  # fmt: skip
    lake.ledger.append(ACTIVATION_OUTBOX, rows)
    drop(list(packed(items, "mail", destination)), folder, "mail", destination, day)
    expected = tmp_path / "expected"
    drop(list(packed(items, "mail", destination)), expected, "mail", destination, day)

    found = cleaned(settings, lake, subject_of(lake, settings))

    assert found["exports/mail/2026-01-01"].erased == {"r1": 1}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["rows"], [file["rows"] for file in manifest["files"]]) == (2, [1, 1])
    first, second = (folder / file["name"] for file in manifest["files"])
    assert second.read_bytes() == (expected / second.name).read_bytes()
    assert payloads[BOB] in first.read_text() if dialect != "csv" else first.read_text().splitlines()[1].startswith("12,")
    assert payloads[ANN] not in first.read_text()
    for file in manifest["files"]:
        assert file["sha256"] == hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest()
