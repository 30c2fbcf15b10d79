"""Rows go out of the current version and out of every older one, and no log says whose they were."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from personalake.lake import Lake, erasing
from personalake.lake.search import Search, files_below
from personalake.tables.gold import PREDICTION

ANN, BOB = f"p_{'a' * 24}", f"p_{'b' * 24}"


@pytest.mark.parametrize("engine", ["delta-rs", "spark"])
def test_erased_rows_are_in_no_version_and_in_no_commit(lake: Lake, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "spark":  # what a catalog uses, on a folder
        monkeypatch.setattr(erasing, "_merge", erasing._merge_in_catalog)
        monkeypatch.setattr(erasing, "_vacuum", erasing._vacuum_in_catalog)
    for who in (ANN, BOB):
        lake.ledger.append(PREDICTION, [{"person_id": who, "model": "churn"}, {"person_id": who, "model": "value"}])
    folder = Path(lake.locations.table(PREDICTION))
    assert any(Search([ANN]).file(path) for path in files_below([folder]))

    erased = erasing.erase_rows(lake, PREDICTION, pa.table({"person_id": [ANN, ANN]}), timedelta(0))

    assert (erased.rows_before, erased.rows_after) == (4, 2)
    assert [path for path in files_below([folder]) if Search([ANN]).file(path)] == []
    assert {row["person_id"] for row in lake.ledger.read(PREDICTION)} == {BOB}


def test_no_keys_only_clean_up(lake: Lake) -> None:
    lake.ledger.append(PREDICTION, [{"person_id": ANN, "model": "churn"}])
    left = Path(lake.locations.table(PREDICTION)) / "part-of-nothing.parquet"
    left.touch()

    erased = erasing.erase_rows(lake, PREDICTION, pa.table({}), timedelta(0))

    assert (erased.version_before, erased.rows_after, left.exists()) == (erased.version_after, 1, False)
