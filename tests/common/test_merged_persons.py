"""Who a person is by now, whatever they were called when a ledger was written."""

from datetime import UTC, datetime

import pyarrow as pa
from pyspark.sql import SparkSession

from personalake.common.merged_persons import as_persons_now, survivors

DAY = datetime(2017, 5, 1, tzinfo=UTC)


def moved(*steps: tuple[str, str, str]) -> pa.Table:
    rows = [
        {"kind": kind, "old_person_id": old, "new_person_id": new, "changed_at": DAY.replace(day=1 + place)}
        for place, (kind, old, new) in enumerate(steps)
    ]
    return pa.Table.from_pylist(rows)


def test_merges_are_followed_to_the_person_of_today() -> None:
    changes = moved(("merged", "a", "b"), ("split", "x", "y"), ("moved", "y", "x"), ("merged", "b", "c"))

    assert survivors(changes) == {"a": "c", "b": "c"}


def test_an_id_that_lives_again_is_nobody_else_s_and_a_later_merge_counts() -> None:
    changes = moved(("merged", "a", "b"), ("split", "b", "a"), ("merged", "a", "d"), ("merged", "e", "a"))

    assert survivors(changes, alive={"a"}) == {"e": "a"}
    assert survivors(changes) == {"a": "d", "e": "d"}


def test_a_circle_of_merges_ends_and_names_nobody() -> None:
    assert survivors(moved(("merged", "a", "b"), ("merged", "b", "a"), ("merged", "c", "a"))) == {}


def test_rows_of_merged_persons_become_those_of_the_present_one(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1), ("b", 2), (None, 3)], "person_id string, n int")

    found = rows.transform(as_persons_now({"a": "c"}))

    assert found.columns == ["person_id", "n"]
    assert sorted((row["n"], row["person_id"]) for row in found.collect()) == [(1, "c"), (2, "b"), (3, None)]
    assert "secret-id" not in rows.transform(as_persons_now({"a": "secret-id"}))._jdf.queryExecution().toString()
