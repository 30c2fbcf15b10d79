import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from sklearn.impute import KNNImputer

from personalake.quality.imputation import constant, fit_from_others, neighbour, with_statistic


def test_one_value_for_all_is_that_of_the_rows_own_group(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("a", 1), ("a", 1), ("a", 4), ("a", 10), ("a", None), ("b", 7), ("b", None), ("c", None)], "g string, v int"
    )

    def filled(method: str) -> list[tuple[str, int | None]]:
        return sorted(
            ((row["g"], row["v"]) for row in with_statistic(rows, "v", method, ["g"]).collect()),
            key=lambda row: (row[0], -1 if row[1] is None else row[1]),
        )

    rest = [("b", 7), ("b", 7), ("c", None)]
    assert filled("mean") == [("a", 1), ("a", 1), ("a", 4), ("a", 4), ("a", 10), *rest]
    assert filled("median") == [("a", 1), ("a", 1), ("a", 2), ("a", 4), ("a", 10), *rest]
    assert filled("mode") == [("a", 1), ("a", 1), ("a", 1), ("a", 4), ("a", 10), *rest]


def test_a_neighbour_fills_a_gap_within_its_group_and_a_constant_any(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("a", 1, None), ("a", 2, "x"), ("a", 3, None), ("a", 4, "y"), ("b", 5, None)], "g string, t int, v string"
    )

    found = rows.select(
        "t",
        neighbour("v", ["g"], "t", "forward").alias("forward"),
        neighbour("v", ["g"], "t", "backward").alias("backward"),
        constant("v", "unknown").alias("constant"),
    )

    assert sorted(tuple(row) for row in found.collect()) == [
        (1, None, "x", "unknown"),
        (2, "x", "x", "x"),
        (3, "x", "y", "unknown"),
        (4, "y", "y", "y"),
        (5, None, None, "unknown"),
    ]


def test_the_nearest_rows_are_those_by_spread_not_by_unit() -> None:
    # By euros alone the row without a score is nearest to the last one, by both columns to the first two.
    frame = pd.DataFrame(
        {"score": [1.0, 3.0, 9.0, np.nan], "euros": [1000.0, 1010.0, 5000.0, 1500.0], "age": [20, 22, 80, 21]}
    )

    filled = fit_from_others(frame, "score", ["euros", "age"], "knn", 2)

    scaled = (frame - frame.mean()) / frame.std(ddof=0)
    peer = KNNImputer(n_neighbors=2).fit_transform(scaled)[3, 0] * frame["score"].std(ddof=0) + frame["score"].mean()
    assert filled.tolist() == pytest.approx([1.0, 3.0, 9.0, 2.0])
    assert filled[3] == pytest.approx(peer)


def test_a_column_that_follows_from_another_is_found_by_regression() -> None:
    known = np.arange(20.0)
    frame = pd.DataFrame({"spend": 3.0 * known + 5.0, "orders": known, "visits": known[::-1] ** 2})
    frame.loc[[4, 11], "spend"] = np.nan

    filled = fit_from_others(frame, "spend", ["orders", "visits"], "mice", 5)

    assert filled[[4, 11]].tolist() == pytest.approx([17.0, 38.0], abs=0.1)
    assert filled.drop([4, 11]).tolist() == frame["spend"].drop([4, 11]).tolist()


@pytest.mark.parametrize("method", ["knn", "mice"])
def test_where_nobody_has_a_value_none_is_made_up(method: str) -> None:
    frame = pd.DataFrame({"v": [np.nan, np.nan], "w": [1.0, 2.0]})

    assert fit_from_others(frame, "v", ["w"], method, 1).isna().all()
