"""Headers, and nested Parquet columns from one file to the next."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personalake.config.sources import Source
from personalake.lake.file_checks import problem_of, shape_of

EVENT: dict[str, Any] = {"name": "view", "items": [{"item_id": "a", "quantity": 1}], "device": {"category": "mobile"}}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"items": [{"item_id": "a", "quantity": 1, "item_params": [{"key": "k"}]}]}, None),
        ({"items": [{"item_id": "a"}]}, None),
        ({"items": [{"item_id": 7, "quantity": 1}]}, "column types changed: items[].item_id was string, is int64"),
        ({"device": "mobile"}, "column types changed: device was struct, is string"),
    ],
)
def test_a_nested_field_may_come_or_go_but_not_change(tmp_path: Path, changes: dict[str, Any], problem: str | None) -> None:
    columns = {"interaction_type": "name", "device_type": "device", "product_id": "items"}
    source = Source.model_validate({"contract": "interaction", "format": "parquet", "path": tmp_path, "columns": columns})
    for name, row in (("first", EVENT), ("next", {**EVENT, **changes})):
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"{name}.parquet")

    first = shape_of(tmp_path / "first.parquet", source, "utf-8")

    assert problem_of(tmp_path / "next.parquet", source, first) == problem


@pytest.mark.parametrize(
    ("header", "is_multiline", "names"),
    [
        ('who,"said, here",at', False, ("who", "said, here", "at")),
        ('who,"said ""x""",at', False, ("who", 'said "x"', "at")),
        ('\ufeffwho, "said" ,at', False, ("who", "said", "at")),
        ('who,"said\nhere",at', True, ("who", "said\nhere", "at")),
        ('who,"said,at', True, None),
    ],
)
def test_a_header_is_read_as_the_rows_are(
    tmp_path: Path, header: str, is_multiline: bool, names: tuple[str, ...] | None
) -> None:
    columns = {"customer_id": "who", "occurred_at": "at"}
    given = {"contract": "support_ticket", "format": "csv", "path": tmp_path, "columns": columns, "multiline": is_multiline}
    (tmp_path / "a.csv").write_text(f"{header}\n" + "1,x,2026-05-01\n" * 1_000, encoding="utf-8")

    shape = shape_of(tmp_path / "a.csv", Source.model_validate(given), "utf-8")

    assert shape is not None
    if names is None:
        assert (shape.names[0], "at" in shape.names) == ("who", False)
        assert len(shape.names[1]) < 5_000
    else:
        assert shape.names == names
