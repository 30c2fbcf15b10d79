from datetime import date, datetime

import pytest
from pyspark.sql import DataFrame, SparkSession

from personalake.profiles.features import customer_features, definition

JAN_31 = date(2017, 1, 31)
FEB_15 = date(2017, 2, 15)

Line = tuple[str, str, bool, str, str]

ANNA: list[Line] = [
    ("anna", "o1", False, "2017-01-01 10:00", "2017-01-01 10:00"),
    ("anna", "o1", False, "2017-01-01 10:00", "2017-01-01 10:00"),
    ("anna", "o2", False, "2017-01-11 18:30", "2017-01-12 02:00"),
    ("anna", "o3", False, "2017-01-21 09:00", "2017-01-21 09:00"),
    ("anna", "o3", False, "2017-01-21 09:00", "2017-01-21 09:00"),
    ("anna", "o3", False, "2017-01-21 09:00", "2017-01-21 09:00"),
]


def lines(spark: SparkSession, rows: list[Line]) -> DataFrame:
    moments = [(*row[:3], datetime.fromisoformat(row[3]), datetime.fromisoformat(row[4])) for row in rows]
    schema = "person_id string, order_id string, is_return boolean, occurred_at timestamp, known_at timestamp"
    return spark.createDataFrame(moments, schema)


def found(spark: SparkSession, rows: list[Line], *as_ofs: date) -> dict[tuple[str, date], dict[str, object]]:
    features = customer_features(lines(spark, rows), as_ofs).collect()
    return {(row.person_id, row.as_of): row.asDict() for row in features}


def test_every_feature_of_one_person_is_what_a_hand_would_compute(spark: SparkSession) -> None:
    row = found(spark, ANNA, JAN_31)["anna", JAN_31]

    # Order days lie 30, 20 and 10 days back, with gaps of 10 and 10 days.
    assert row == {
        "person_id": "anna",
        "as_of": JAN_31,
        "recency_days": 10.0,
        "tenure_days": 30.0,
        "order_days": 3.0,
        "activity_7": pytest.approx(0.5 ** (30 / 7) + 0.5 ** (20 / 7) + 0.5 ** (10 / 7)),
        "activity_14": pytest.approx(0.5 ** (30 / 14) + 0.5 ** (20 / 14) + 0.5 ** (10 / 14)),
        "activity_28": pytest.approx(0.5 ** (30 / 28) + 0.5 ** (20 / 28) + 0.5 ** (10 / 28)),
        "activity_56": pytest.approx(0.5 ** (30 / 56) + 0.5 ** (20 / 56) + 0.5 ** (10 / 56)),
        "activity_112": pytest.approx(0.5 ** (30 / 112) + 0.5 ** (20 / 112) + 0.5 ** (10 / 112)),
        "active_weeks": 3.0,
        "empty_months": 0.0,
        "gaps_as_long": 2.0,
        "gap_goes_on_share": pytest.approx(0.5 / 3.5),
        # x = 2, t_x = 20, T = 30: odds of having left 0.01273 / 12.26 * (39.427 / 29.427) ** 3.406 = 0.002812,
        # silent while alive (39.427 / 67.427) ** 3.406 = 0.160792.
        "bg_nbd_silence": pytest.approx(1 - (1 - 0.160792) / 1.002812, abs=1e-6),
        "long_gap_rate": 0.0,
        "lines_per_order": 2.0,
        "most_lines": 3.0,
        "definition": definition(),
    }


def test_nothing_that_happens_or_becomes_known_later_changes_what_was_known(spark: SparkSession) -> None:
    future = ("anna", "o9", False, "2017-01-31 00:00", "2017-01-31 00:00")
    late = ("anna", "o8", False, "2017-01-26 12:00", "2017-02-03 12:00")

    before = found(spark, ANNA, JAN_31)
    after = found(spark, [*ANNA, future, late], JAN_31, FEB_15)

    assert after["anna", JAN_31] == before["anna", JAN_31]
    assert after["anna", FEB_15]["order_days"] == 5.0
    assert after["anna", FEB_15]["recency_days"] == 15.0


def test_a_late_line_of_a_known_order_makes_the_order_larger_and_not_a_second_order(spark: SparkSession) -> None:
    late = ("anna", "o3", False, "2017-01-21 09:00", "2017-02-03 12:00")

    rows = found(spark, [*ANNA, late], JAN_31, FEB_15)

    assert (rows["anna", JAN_31]["most_lines"], rows["anna", JAN_31]["lines_per_order"]) == (3.0, 2.0)
    assert (rows["anna", FEB_15]["most_lines"], rows["anna", FEB_15]["lines_per_order"]) == (4.0, 7 / 3)


def test_several_as_ofs_in_one_pass_are_the_same_as_each_by_itself(spark: SparkSession) -> None:
    ben = [("ben", "o5", False, "2017-02-01 08:00", "2017-02-01 08:00")]

    together = found(spark, [*ANNA, *ben], JAN_31, FEB_15)

    assert together == {**found(spark, [*ANNA, *ben], JAN_31), **found(spark, [*ANNA, *ben], FEB_15)}
    assert set(together) == {("anna", JAN_31), ("anna", FEB_15), ("ben", FEB_15)}


def test_a_return_is_no_purchase(spark: SparkSession) -> None:
    back = ("anna", "o7", True, "2017-01-30 08:00", "2017-01-30 08:00")

    assert found(spark, [*ANNA, back], JAN_31) == found(spark, ANNA, JAN_31)


def test_long_gaps_and_empty_months_count_the_silence_too(spark: SparkSession) -> None:
    rows: list[Line] = [
        ("cleo", "o1", False, "2017-01-01 10:00", "2017-01-01 10:00"),
        ("cleo", "o2", False, "2017-02-20 10:00", "2017-02-20 10:00"),
    ]

    row = found(spark, rows, date(2017, 3, 22))["cleo", date(2017, 3, 22)]

    # Silent for 30 days now, once for 50 days before; tenure is 80 days, so blocks 0, 1 and 2 of which 0 is empty.
    assert row["long_gap_rate"] == pytest.approx((50 - 14 + 30 - 14) / 80)
    assert (row["gaps_as_long"], row["gap_goes_on_share"]) == (1.0, pytest.approx(0.5 / 2.5))
    assert row["empty_months"] == 1.0


def test_a_day_ends_at_the_midnight_of_the_business(in_new_york: SparkSession) -> None:
    evening, night = (
        ("bob", "o1", False, "2017-01-31 04:59", "2017-01-31 04:59"),
        ("bob", "o2", False, *["2017-01-31 05:01"] * 2),
    )

    row = found(in_new_york, [evening, night], JAN_31)["bob", JAN_31]

    assert (row["recency_days"], row["order_days"]) == (1.0, 1.0)
