from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from threading import Barrier
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.lake import Lake, Locations, direct
from personalake.lake.changes import GONE, change_schema
from personalake.lake.declared import arrow_schema
from personalake.lake.direct import FEW_ROWS, counted, read_directly, takes_direct_writes, write_directly
from personalake.tables import Field, Table

CELL = Table(
    layer="gold",
    name="cell",
    grain="One cell",
    key=("cell_id",),
    fields=(
        Field("cell_id", "string", "Id"),
        Field("amount", "decimal(18,2)", "Money"),
        Field("seen_at", "timestamp", "When"),
        Field("as_of", "date", "Day"),
        Field("labels", "map<string,string>", "Labels"),
        Field("history", "array<struct<feature:string,value:double,effect:double,words:string>>", "Reasons"),
    ),
)
SEEN = datetime(2017, 12, 1, 23, 30, tzinfo=UTC)
DAY, NEXT_DAY = date(2017, 12, 1), date(2017, 12, 2)


def cell(name: str, day: date = DAY) -> tuple[object, ...]:
    return (
        name,
        Decimal("12.30"),
        SEEN,
        day,
        {"b": "2", "a": "1"},
        [("recency", 9.0, 0.5, "long ago"), ("orders", 2.0, 0.25, "few")],
    )


@pytest.fixture
def cells(spark: SparkSession) -> Callable[..., DataFrame]:
    return lambda *rows: spark.createDataFrame(rows, CELL.schema)


def names(lake: Lake) -> list[str]:
    return sorted(row["cell_id"] for row in lake.ledger.read(CELL))


def by_spark(lake: Lake) -> DataFrame:
    return lake.spark.read.format("delta").load(lake.locations.table(CELL))


@pytest.mark.parametrize("handful", [0, 2])
def test_reads_the_same_rows_and_schema_as_sparks_delta(
    lake: Lake, cells: Callable[..., DataFrame], handful: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "_HANDFUL", handful)
    lake.append(cells(cell("by Spark")), CELL)
    lake.append(cells(cell("by delta-rs")), CELL, about=1)

    directly, by_delta = lake.read(CELL), by_spark(lake)

    assert directly.schema == by_delta.schema
    assert sorted(directly.collect()) == sorted(by_delta.collect())
    assert directly.count() == 2
    assert len(directly.inputFiles()) == (0 if handful else 2)  # a handful of rows is part of the plan


def test_the_version_that_is_asked_for_is_read_and_an_earlier_read_stays_as_it_was(
    lake: Lake, cells: Callable[..., DataFrame]
) -> None:
    lake.append(cells(cell("first")), CELL)
    before, version = lake.read(CELL), lake.ledger.version(CELL)
    lake.append(cells(cell("second")), CELL)

    assert [row["cell_id"] for row in lake.read(CELL, version).collect()] == ["first"]
    assert [row["cell_id"] for row in before.collect()] == ["first"]


@pytest.mark.parametrize("about", [2, FEW_ROWS + 1])
def test_rows_that_are_asked_for_several_times_are_worked_out_once_and_let_go(
    cells: Callable[..., DataFrame], about: int
) -> None:
    rows = cells(cell("a"), cell("b")).withColumn("drawn", F.rand())

    with counted(rows, about) as (kept, count):
        first, again = sorted(kept.collect()), sorted(kept.collect())
        is_cached = kept.is_cached

    assert first == again
    assert [field.dataType for field in kept.schema] == [field.dataType for field in rows.schema]
    assert is_cached is (about > FEW_ROWS)
    assert count == (None if is_cached else 2)
    assert not kept.is_cached


def test_reads_below_a_folder_with_a_space_and_letters_of_other_languages(
    spark: SparkSession, tmp_path: Path, cells: Callable[..., DataFrame]
) -> None:
    lake = Lake(Locations(tmp_path / "Müller {lake}"), lambda: spark)
    lake.append(cells(cell("one")), CELL)

    assert [row["cell_id"] for row in lake.read(CELL).collect()] == ["one"]


def test_few_rows_keep_every_value_on_their_way_past_spark(lake: Lake, cells: Callable[..., DataFrame]) -> None:
    lake.create(CELL)

    result = lake.append(cells(cell("one")), CELL, about=1)

    found = by_spark(lake).collect()[0].asDict(recursive=True)
    assert found["amount"] == Decimal("12.30")
    assert found["seen_at"].astimezone(UTC) == SEEN
    assert found["labels"] == {"a": "1", "b": "2"}
    assert [reason["feature"] for reason in found["history"]] == ["recency", "orders"]
    assert found["history"][1] == {"feature": "orders", "value": 2.0, "effect": 0.25, "words": "few"}
    assert (result.rows, result.version) == (1, 1)


@pytest.mark.parametrize("first", [None, 1], ids=["Spark first", "delta-rs first"])
def test_a_transaction_counts_once_whoever_writes_it(lake: Lake, cells: Callable[..., DataFrame], first: int | None) -> None:
    second = 1 if first is None else None

    lake.append(cells(cell("one")), CELL, ("refine/orders", 3), about=first)
    again = lake.append(cells(cell("one")), CELL, ("refine/orders", 3), about=second)
    lake.append(cells(cell("two")), CELL, ("refine/orders", 4), about=second)

    assert again.rows == 0
    assert names(lake) == ["one", "two"]


def test_replaces_one_as_of_and_leaves_the_others(lake: Lake, cells: Callable[..., DataFrame]) -> None:
    lake.append(cells(cell("old"), cell("other", NEXT_DAY)), CELL)

    result = lake.replace_as_of(cells(cell("new")), CELL, DAY)
    lake.replace_as_of(cells(), CELL, NEXT_DAY, also="cell_id = 'nobody'")

    assert names(lake) == ["new", "other"]
    assert result.rows == 1


def test_more_rows_than_a_driver_should_hold_are_written_by_spark(
    lake: Lake, cells: Callable[..., DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalake.lake.direct.FEW_ROWS", 1)
    lake.append(cells(cell("old")), CELL)

    lake.overwrite(cells(cell("a"), cell("b"), cell("c")), CELL)

    assert names(lake) == ["a", "b", "c"]
    assert DeltaTable(lake.locations.table(CELL)).history(1)[0]["engineInfo"].startswith("Apache-Spark")


def test_leaves_tables_to_spark_that_are_more_than_files(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.createDataFrame([("a", 1)], "name string, part int")
    rows.write.format("delta").partitionBy("part").save(str(tmp_path / "partitioned"))
    rows.write.format("delta").option("delta.enableDeletionVectors", "true").save(str(tmp_path / "vectors"))
    rows.write.format("delta").option("delta.enableChangeDataFeed", "true").save(str(tmp_path / "feed"))

    assert read_directly(spark, DeltaTable(str(tmp_path / "partitioned"))) is None
    assert read_directly(spark, DeltaTable(str(tmp_path / "vectors"))) is None
    assert not takes_direct_writes(DeltaTable(str(tmp_path / "feed")))
    assert not takes_direct_writes(DeltaTable(str(tmp_path / "partitioned")))


def test_a_write_that_meets_another_one_is_tried_again(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.create(CELL)
    one = pa.Table.from_pylist([{"cell_id": "one"}], arrow_schema(CELL))
    write, failures = direct.write_deltalake, [CommitFailedError("somebody was faster")]

    def overtaken_once(*given: Any, **more: Any) -> None:
        if failures:
            raise failures.pop()
        write(*given, **more)

    monkeypatch.setattr(direct, "write_deltalake", overtaken_once)
    monkeypatch.setattr("personalake.lake.overtaken._PAUSE_SECONDS", 0)

    write_directly(lake.locations.table(CELL), one, "append", {})

    assert names(lake) == ["one"]
    assert not failures


def test_a_merge_that_meets_another_commit_merges_into_what_that_one_left(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.ledger.append(CELL, [{"cell_id": "old", "as_of": DAY}])
    changes = pa.Table.from_pylist(
        [{"cell_id": "new", GONE: False}, {"cell_id": "between", GONE: True}], change_schema(CELL)
    )
    opened, faster = DeltaTable.merge, ["between"]

    def overtaken_once(table: DeltaTable, *given: Any, **more: Any) -> Any:
        if faster:
            lake.ledger.append(CELL, [{"cell_id": faster.pop(), "as_of": DAY}])
            raise CommitFailedError("somebody was faster")
        return opened(table, *given, **more)

    monkeypatch.setattr(DeltaTable, "merge", overtaken_once)
    monkeypatch.setattr("personalake.lake.overtaken._PAUSE_SECONDS", 0)

    lake.merge_changes(changes, CELL)

    assert names(lake) == ["new", "old"]
    assert not faster


def test_text_is_still_compared_in_files_that_a_merge_rewrote(lake: Lake) -> None:
    lake.ledger.append(CELL, [{"cell_id": name, "as_of": DAY} for name in ("kept", "gone")])
    changes = pa.Table.from_pylist([{"cell_id": "gone", GONE: True}], change_schema(CELL))

    lake.merge_changes(changes, CELL)

    assert lake.ledger.count(CELL, [("cell_id", "=", "kept")]) == 1
    assert lake.ledger.read(CELL, ("cell_id",), [("cell_id", "in", ["kept", "gone"])]) == [{"cell_id": "kept"}]


def test_jobs_that_write_to_a_new_table_at_once_all_write_to_it(lake: Lake) -> None:
    # Which of them comes first is chance: six tables fail without the care taken, one now and then.
    tables, together = [replace(CELL, name=f"cell_{number}") for number in range(6)], Barrier(3)

    def write(job: str) -> None:
        for table in tables:
            together.wait(timeout=60)
            lake.ledger.append(table, [{"cell_id": job}])

    with ThreadPoolExecutor(3) as jobs:
        list(jobs.map(write, "abc"))

    assert [sorted(row["cell_id"] for row in lake.ledger.read(table)) for table in tables] == [["a", "b", "c"]] * 6
