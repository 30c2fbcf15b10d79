import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.activation import csv_file
from personalake.activation.file_drop import MANIFEST, Item, drop, packed
from personalake.config.activation import Destination
from personalake.errors import EnvironmentProblem

AS_OF = date(2017, 12, 1)
BRAZE = Destination(dialect="braze_track", purposes=("personalisation",), max_items=3, max_bytes=600, max_item_bytes=300)
SEGMENT = BRAZE.model_copy(update={"dialect": "segment_batch"})
CSV = BRAZE.model_copy(update={"dialect": "csv", "max_items": 2})


def items(*operations: str) -> list[Item]:
    return [Item(f"d{place}", operation, json.dumps({"n": place})) for place, operation in enumerate(operations)]


def test_braze_bodies_hold_attributes_and_events_combined_within_the_limit() -> None:
    files = list(packed(items("attributes", "event", "attributes", "event"), "braze", BRAZE))

    assert [file.name for file in files] == ["braze-00001.json", "braze-00002.json"]
    assert json.loads(files[0].content) == {"attributes": [{"n": 0}, {"n": 2}], "events": [{"n": 1}]}
    assert json.loads(files[1].content) == {"attributes": [], "events": [{"n": 3}]}


def test_a_segment_body_is_a_batch_whose_timestamps_are_left_as_they_are() -> None:
    (file,) = packed(items("identify", "track"), "segment", SEGMENT)

    assert json.loads(file.content) == {"batch": [{"n": 0}, {"n": 1}]}


@settings(max_examples=50)
@given(texts=st.lists(st.text(max_size=60), max_size=20))
def test_no_file_is_beyond_the_limits_and_every_item_is_in_one(texts: list[str]) -> None:
    payloads = [json.dumps({"external_id": text}, ensure_ascii=False) for text in texts]
    given_items = [Item(str(place), "row", payload) for place, payload in enumerate(payloads)]

    for destination in (SEGMENT, CSV):
        files = list(packed(given_items, "x", destination))
        assert [item for file in files for item in file.items] == given_items
        assert all(len(file.content) <= destination.max_bytes for file in files)
        assert all(len(file.items) <= destination.max_items for file in files)


def test_a_csv_can_be_read_back_with_quotes_commas_and_line_ends() -> None:
    rows = [{"external_id": 'a"b,c\r\nd', "product_id": "é"}, {"external_id": "2", "action": "x"}]

    text = csv_file.body([json.dumps(row) for row in rows], csv_file.columns(()))

    assert text.startswith("external_id,decision_id,action,rule,channel,product_id,category\r\n")
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["external_id"] for row in read] == ['a"b,c\r\nd', "2"]
    assert (read[0]["product_id"], read[0]["action"], read[1]["action"]) == ("é", "", "x")


def test_a_rerun_leaves_the_same_bytes_and_a_shorter_run_leaves_no_old_file(tmp_path: Path) -> None:
    def dropped(*operations: str) -> dict[str, bytes]:
        drop(list(packed(items(*operations), "braze", BRAZE)), tmp_path, "braze", BRAZE, AS_OF)
        return {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    long = dropped("event", "event", "event", "event")
    again = dropped("event", "event", "event", "event")
    short = dropped("event")

    assert set(long) == {"braze-00001.json", "braze-00002.json", MANIFEST}
    assert again == long
    assert set(short) == {"braze-00001.json", MANIFEST}
    manifest = json.loads(short[MANIFEST])
    assert (manifest["rows"], manifest["as_of"]) == (1, "2017-12-01")
    assert [file["bytes"] for file in manifest["files"]] == [len(short["braze-00001.json"])]


def test_a_file_that_was_cut_short_is_written_again(tmp_path: Path) -> None:
    files = list(packed(items("event"), "braze", BRAZE))
    drop(files, tmp_path, "braze", BRAZE, AS_OF)
    (tmp_path / "braze-00001.json").write_text("{")

    drop(files, tmp_path, "braze", BRAZE, AS_OF)

    assert (tmp_path / "braze-00001.json").read_bytes() == files[0].content


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "braze").write_text("a file where the folder should be")

    with pytest.raises(EnvironmentProblem, match="Cannot write"):
        drop([], tmp_path / "braze" / "2017-12-01", "braze", BRAZE, AS_OF)
