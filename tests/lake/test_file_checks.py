"""Nested Parquet columns from one file to the next."""

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
