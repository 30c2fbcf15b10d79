import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from personalake.config.sources import Source
from personalake.errors import InputError
from personalake.pipelines.source_check import check_source, source_problems, unseen_columns

COLUMNS = {"record_id": "id", "customer_id": "member", "campaign_id": "campaign", "offer_id": "note1",
           "response_type": "kind", "occurred_at": "at"}  # fmt: skip
ROWS = [
    {
        "id": "1",
        "member": "c1",
        "campaign": "x",
        "note1": "jane@x.example",
        "kind": "k",
        "at": "2025-01-01",
        "spare": "Anna",
    },
    {"id": "2", "member": "c2", "campaign": "x", "note1": "joe@x.example", "kind": "k", "at": "2025-01-02", "spare": "Karl"},
]


def source(folder: Path, **more: Any) -> Source:
    return Source.model_validate({"contract": "campaign_response", "path": folder, "columns": COLUMNS, **more})


def landed(folder: Path, form: str) -> Path:
    if form == "csv":
        lines = [";".join(ROWS[0]), *(";".join(map(str, row.values())) for row in ROWS)]
        (folder / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    elif form == "document":
        (folder / "a.json").write_text(json.dumps(ROWS, indent=1), encoding="utf-8")
    else:
        lines = ["not json", *(json.dumps(row) for row in ROWS)]
        (folder / "a.json.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return folder


@pytest.mark.parametrize(
    ("form", "more"), [("json", {}), ("document", {"layout": "document"}), ("csv", {"format": "csv", "separator": ";"})]
)
def test_personal_data_on_its_way_into_an_untagged_column_is_seen_in_the_rows(
    tmp_path: Path, form: str, more: dict[str, str]
) -> None:
    seen = {one.finding.column: one for one in check_source(source(landed(tmp_path, form), **more), rows=100)}

    assert seen["note1"].untagged == ("offer_id",)
    assert seen["spare"].fields == {}
    assert "jane" not in repr(seen)


def test_a_column_that_no_row_has_is_told_with_what_would_read_it(tmp_path: Path) -> None:
    columns = {**COLUMNS, "campaign_id": "campain", "offer_id": {"expression": "coalesce(note1, campain)"}}

    found = unseen_columns(source(landed(tmp_path, "json"), columns=columns, where="kinds = 'k'"), rows=100)

    assert found == {
        "campain (did you mean campaign?)": ("campaign_id", "offer_id"),
        "kinds (did you mean kind?)": ("where",),
    }
    assert unseen_columns(source(tmp_path), rows=100) == {}


def test_the_columns_of_a_csv_are_called_as_ingestion_calls_them_and_an_open_quote_is_the_end(tmp_path: Path) -> None:
    header = '\ufeff"id" ; member ;campaign;"note1";kind;at'
    rows = ["1;c1;x;jane@x.example;k;2025-01-01", '2;c2;x;"' + "and no end " * 20_000]
    (tmp_path / "a.csv").write_text("\n".join((header, *rows)), encoding="utf-8")
    table = source(tmp_path, format="csv", separator=";")

    assert unseen_columns(table, rows=100) == {}
    assert {one.finding.column for one in check_source(table, rows=100)} >= {"note1"}


def test_a_source_without_rows_cannot_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No row lies in"):
        check_source(source(tmp_path), rows=100)


def test_a_mapping_of_a_personal_column_onto_an_untagged_field_is_refused_at_every_start() -> None:
    raw: dict[str, Any] = {"contract": "campaign_response", "columns": {**COLUMNS, "campaign_id": "referrer_email"}}

    assert [key for key, _ in source_problems(raw)] == ["columns.campaign_id"]
    assert list(source_problems({**raw, "not_personal": ["referrer_email"]})) == []
    assert list(source_problems({**raw, "columns": {**COLUMNS, "customer_id": "email"}})) == []


@pytest.mark.parametrize(
    ("expression", "column"),
    [
        ("concat('to ', guestEmail)", "guestEmail"),
        ("coalesce(offer, guest.email)", "email"),
        ("get_json_object(body_json, '$.user.phone')", "phone"),
    ],
)
def test_what_an_expression_makes_of_personal_data_needs_a_tag_as_well(expression: str, column: str) -> None:
    raw = {"contract": "campaign_response", "namespace": "n", "columns": {**COLUMNS, "offer_id": {"expression": expression}}}

    found = [text for key, text in source_problems(raw) if key == "columns.offer_id"]

    assert len(found) == 1
    assert f"{column!r} looks like personal data" in found[0]
    assert [key for key, _ in source_problems({**raw, "not_personal": [column]}) if key == "columns.offer_id"] == []


def test_what_is_within_a_structure_is_seen_in_the_rows(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({**ROWS[0], "note1": None, "buyer": {"way": "jane@x.example"}}))
    columns = {**COLUMNS, "offer_id": {"expression": "concat('to ', buyer.way)"}}

    seen = {one.finding.column: one for one in check_source(source(tmp_path, columns=columns), rows=100)}

    assert seen["buyer"].untagged == ("offer_id",)
