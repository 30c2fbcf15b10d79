from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.ingestion.dedupe import ROW, duplicates, repeated_ids, restated, returned

ROWS = "event_id string, payload_checksum bigint, known_at timestamp, landed_at timestamp, source_file string"
EXISTING = "event_id string, payload_checksum bigint"


def row(event_id: str, checksum: int, day: int) -> tuple[str, int, datetime, datetime, str]:
    return (event_id, checksum, datetime(2017, 1, day), datetime(2017, 1, day), "f")


def judged(spark: SparkSession, rows: list[tuple[object, ...]], existing: list[tuple[str, int]]) -> DataFrame:
    valid = spark.createDataFrame(rows, ROWS).withColumn(ROW, F.monotonically_increasing_id())
    earlier = spark.createDataFrame(existing, EXISTING) if existing else None
    dropped = duplicates(valid, repeated_ids(valid, earlier, "event_id"), earlier, "event_id")
    return valid.join(dropped, ROW, "left").withColumn("is_duplicate", F.col("is_exact").isNotNull())


def test_of_several_copies_the_earliest_known_stays(spark: SparkSession) -> None:
    rows = [row("a", 1, 2), row("a", 1, 3), row("a", 9, 1), row("b", 5, 1)]

    found = judged(spark, rows, []).select("event_id", "payload_checksum", "is_duplicate", "is_exact").collect()

    assert sorted(map(tuple, found), key=str) == sorted(
        [("a", 1, True, False), ("a", 1, True, False), ("a", 9, False, None), ("b", 5, False, None)], key=str
    )


def test_a_row_known_from_an_earlier_batch_is_a_duplicate_exact_or_near(spark: SparkSession) -> None:
    found = judged(spark, [row("a", 1, 2), row("b", 2, 2), row("c", 3, 2)], [("a", 1), ("b", 7)]).collect()

    assert {r.event_id: (r.is_duplicate, r.is_exact) for r in found} == {
        "a": (True, True),
        "b": (True, False),
        "c": (False, None),
    }


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 3), st.integers(1, 28)), min_size=1, max_size=12),
    known=st.sets(st.sampled_from("abcd")),
)
def test_every_new_id_is_kept_once_and_every_row_is_accounted_for(
    spark: SparkSession, rows: list[tuple[str, int, int]], known: set[str]
) -> None:
    found = judged(spark, [row(*r) for r in rows], [(event_id, 1) for event_id in sorted(known)]).collect()

    kept = [r.event_id for r in found if not r.is_duplicate]
    assert len(found) == len(rows)
    assert sorted(kept) == sorted({event_id for event_id, _, _ in rows} - known)


RECORDS = "record_id string, source string, customer_id string, known_at timestamp, landed_at timestamp, source_file string"


def came_back(spark: SparkSession, new: list[tuple[str, str, int]], known: list[tuple[str, str, int]]) -> list[str]:
    """Days on which a record of a customer is its own earlier version again; each is a content, a customer and a day."""
    told = [
        [(content, "crm", who, datetime(2017, 1, day), datetime(2017, 1, day), "f") for content, who, day in rows]
        for rows in (new, known)
    ]
    valid = spark.createDataFrame(told[0], RECORDS).withColumn(ROW, F.monotonically_increasing_id())
    existing = spark.createDataFrame(told[1], RECORDS) if known else None
    repeated = repeated_ids(valid, existing and existing.select("record_id"), "record_id")
    back = returned(valid, repeated, existing, "record_id", ("source", "customer_id"))
    found = valid.join(back, ROW).select("customer_id", F.dayofmonth("known_at").alias("day")).collect()
    return sorted(f"{row.customer_id}{row.day}" for row in found)


def test_a_record_that_says_again_what_it_once_said_is_no_copy(spark: SparkSession) -> None:
    changed = [("A", "ann", 1), ("B", "ann", 2)]

    assert came_back(spark, [("A", "ann", 3)], changed) == ["ann3"]
    assert came_back(spark, [*changed, ("A", "ann", 3), ("A", "ann", 4)], []) == ["ann3"]
    assert came_back(spark, [("A", "ann", 4), ("B", "ann", 5)], [*changed, ("A~1483401600000000", "ann", 3)]) == ["ann5"]
    assert came_back(spark, [("A", "ann", 3)], [("A", "ann", 1), ("B", "ann", 1), ("C", "ann", 2)]) == ["ann3"]


def test_a_copy_of_the_newest_version_and_a_list_told_again_do_not_come_back(spark: SparkSession) -> None:
    assert came_back(spark, [("B", "ann", 3), ("A", "bob", 3)], [("A", "ann", 1), ("B", "ann", 2), ("A", "bob", 1)]) == []
    assert came_back(spark, [("X", "ann", 2), ("Y", "ann", 2)], [("X", "ann", 1), ("Y", "ann", 1)]) == []
    assert came_back(spark, [("A", "ann", 1)], [("A", "ann", 1), ("B", "ann", 2)]) == []


def held_again(
    spark: SparkSession, new: list[tuple[str, str, int]], known: list[tuple[str, str, int]], dropped: list[tuple[str, int]]
) -> list[str]:
    """Customers and days from which an older version holds again; copies are a content and a day."""
    accepted, existing = (
        spark.createDataFrame(
            [(content, "crm", who, datetime(2017, 1, day)) for content, who, day in rows],
            "record_id string, source string, customer_id string, known_at timestamp",
        )
        for rows in (new, known)
    )
    copies = spark.createDataFrame(
        [(content, datetime(2017, 1, day)) for content, day in dropped], "record_id string, known_at timestamp"
    )
    again = restated(accepted, existing, copies, "record_id", ("source", "customer_id"))
    return sorted(f"{row.record_id}{row.known_at.day}" for row in again.collect())


def test_what_was_told_after_a_late_version_holds_again_once(spark: SparkSession) -> None:
    again = held_again(
        spark,
        new=[("B", "ann", 2), ("C", "ann", 5), ("F", "bob", 2), ("H", "cid", 5), ("L", "dan", 2)],
        known=[
            ("A", "ann", 1), ("D", "bob", 1), ("E", "bob", 2), ("G", "cid", 1),
            ("I", "dan", 1), ("K", "dan", 2), ("I~1483401600000000", "dan", 3), ("X", "eve", 1),
        ],
        dropped=[("A", 3), ("A", 4), ("A", 6), ("D", 3), ("G", 3), ("I", 4), ("X", 3)],
    )  # fmt: skip

    # Bob and Dan are told two things at once, a list; nothing of Cid came late, and nothing new of Eve.
    assert again == ["A3", "A6"]
