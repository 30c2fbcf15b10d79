from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.quality.near_duplicates import left_out_for_size, near_duplicates, without_near_duplicates

ROWS = [
    ("1", "anna schmidt", "main street 1", "10115", 1),
    ("2", "anna schmitt", "main street 1", "10115", 2),  # one edit from 1
    ("3", "anne schmitt", "main street 11", "10115", 3),  # two from 2, three from 1
    ("4", "anna schmidt", "main street 1", "20095", 4),  # the same, in another block
    ("5", "anna schmidt", "main street 1", None, 5),  # nothing to compare it by
    ("6", "bob", None, "10115", 6),
]
SCHEMA = "id string, name string, street string, postcode string, seen int"


def test_pairs_are_few_edits_apart_over_all_columns_within_a_block(spark: SparkSession) -> None:
    rows = spark.createDataFrame(ROWS, SCHEMA)

    pairs = near_duplicates(rows, "id", ["name", "street"], F.col("postcode"), most_edits=2)
    kept = without_near_duplicates(rows, "id", pairs, ["seen"])

    assert sorted(tuple(row) for row in pairs.collect()) == [("1", "2", 1), ("2", "3", 2)]
    assert sorted(row["id"] for row in kept.collect()) == ["1", "4", "5", "6"]


def test_a_block_too_large_is_compared_with_nothing(spark: SparkSession) -> None:
    rows = spark.createDataFrame(ROWS, SCHEMA)

    pairs = near_duplicates(rows, "id", ["name", "street"], F.col("postcode"), most_edits=2, largest_block=3)

    assert pairs.collect() == []
    assert tuple(left_out_for_size(rows, F.col("postcode"), 3).collect()[0]) == (1, 4)
    assert tuple(left_out_for_size(rows, F.col("postcode"), 4).collect()[0]) == (0, 0)
