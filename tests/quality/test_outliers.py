import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from scipy import stats

from personalake.quality.outliers import DEFAULT_THRESHOLDS, capped, fit_bounds, is_outlier, with_bounds

VALUES = [2.0, 3.0, 3.0, 4.0, 5.0, 5.0, 6.0, 7.0, 40.0]


def by_hand(method: str, t: float) -> tuple[float, float]:
    """Bounds as NumPy and SciPy have them."""
    if method == "iqr":
        low, high = np.quantile(VALUES, [0.25, 0.75])
        return low - t * (high - low), high + t * (high - low)
    if method == "mad":
        reach = t * stats.median_abs_deviation(VALUES, scale="normal")
        return np.median(VALUES) - reach, np.median(VALUES) + reach
    reach = t * np.std(VALUES, ddof=1)
    return np.mean(VALUES) - reach, np.mean(VALUES) + reach


@pytest.mark.parametrize("method", sorted(DEFAULT_THRESHOLDS))
def test_bounds_are_those_of_numpy_and_scipy_in_each_group(spark: SparkSession, method: str) -> None:
    rows = [("a", value) for value in [*VALUES, None]] + [("b", 1.0), ("b", 1.0), ("c", None)]

    found = fit_bounds(spark.createDataFrame(rows, "g string, v double"), "v", method, by=["g"]).collect()

    bounds = {row["g"]: (row["outlier_low"], row["outlier_high"]) for row in found}
    assert bounds["a"] == pytest.approx(by_hand(method, DEFAULT_THRESHOLDS[method]))
    assert bounds["b"] == ((1.0, 1.0) if method == "iqr" else (None, None))  # no spread
    assert bounds["c"] == (None, None)


def test_a_value_beyond_its_bound_is_an_outlier_and_is_capped_to_it(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(value,) for value in [*VALUES, None]], "v double")

    beside = with_bounds(rows, fit_bounds(rows, "v", "mad", 3.0))
    found = beside.select("v", is_outlier("v").alias("is_out"), F.round(capped("v"), 6).alias("capped")).collect()

    high = round(by_hand("mad", 3.0)[1], 6)
    assert [row["v"] for row in found if row["is_out"]] == [40.0]
    assert [row["capped"] for row in found] == [*VALUES[:-1], high, None]
