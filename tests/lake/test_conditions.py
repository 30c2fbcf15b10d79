"""Conditions as Spark applies them where a catalog holds the tables."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from personalake.lake.conditions import matching

ROWS = [("a", 1), ("b", 2), ("c", None), (None, 4)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("name", "in", {"a", "c", "z"}), ["a", "c"]),
        (("name", "in", []), []),
        (("name", "not in", ["a"]), ["b", "c"]),
        (("n", "in", (2, 4)), ["b", None]),
        (("name", "=", "b"), ["b"]),
        (("n", "=", None), ["c"]),
        (("n", ">", 1), ["b", None]),
    ],
)
def test_spark_keeps_the_rows_that_arrow_would_keep(spark: SparkSession, condition: Any, expected: list[Any]) -> None:
    rows = spark.createDataFrame(ROWS, "name string, n int")

    kept = matching(rows, *condition)

    assert kept.columns == ["name", "n"]
    assert sorted((row["name"] for row in kept.collect()), key=str) == sorted(expected, key=str)


def test_what_is_listed_stands_in_no_plan(spark: SparkSession) -> None:
    rows = spark.createDataFrame(ROWS, "name string, n int")

    plan = matching(rows, "name", "in", ["ann@canary.example"])._jdf.queryExecution().toString()

    assert "name" in plan
    assert "canary" not in plan
