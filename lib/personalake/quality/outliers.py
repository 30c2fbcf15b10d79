"""Numbers too far out: where the bounds lie, and what is done about what is beyond them."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

DEFAULT_THRESHOLDS = {"z_score": 3.0, "iqr": 1.5, "mad": 3.5}
# A normal distribution's standard deviation by its median absolute deviation: 1 / the normal quantile of 3/4.
MAD_SCALE = 1.482602218505602
LOW, HIGH = "outlier_low", "outlier_high"


def fit_bounds(
    rows: DataFrame, column: str, method: str, threshold: float | None = None, by: Sequence[str] = ()
) -> DataFrame:
    """The bounds beyond which a value of a column is an outlier.

    z-score: mean ± t · standard deviation (of the sample). IQR (Tukey, 1977): from the first quartile - t · (third - first)
    to the third + t · (third - first), quartiles interpolated linearly. MAD (Iglewicz and Hoaglin, 1993): median ± t ·
    1.4826 · median absolute deviation. Where the values have no spread nothing is an outlier by z-score or
    MAD, since the bounds would make one of every other value.

    Args:
        rows: Rows with the column; missing values do not count.
        column: A number.
        method: `z_score`, `iqr` or `mad`.
        threshold: t; by default 3, 1.5 and 3.5.
        by: Columns of the groups within which bounds are taken, e.g. `as_of`; one group of all without.

    Returns:
        The columns of `by`, `outlier_low` and `outlier_high`; null bounds where there is nothing to learn from.
    """
    t, number = DEFAULT_THRESHOLDS[method] if threshold is None else threshold, F.col(column).cast("double")
    grouped = rows.groupBy(*by)
    if method == "iqr":
        quartiles = grouped.agg(F.percentile(number, F.array(F.lit(0.25), F.lit(0.75))).alias("quartiles"))
        low, high = F.get("quartiles", 0), F.get("quartiles", 1)
        return quartiles.select(*by, (low - t * (high - low)).alias(LOW), (high + t * (high - low)).alias(HIGH))
    if method == "mad":
        medians = grouped.agg(F.median(number).alias("middle"))
        away = _beside(rows, medians, by).groupBy(*by, "middle").agg(F.median(F.abs(number - F.col("middle"))).alias("mad"))
        return away.select(*by, *_around(F.col("middle"), F.nullif("mad", F.lit(0.0)) * MAD_SCALE * t))
    moments = grouped.agg(F.avg(number).alias("middle"), F.stddev_samp(number).alias("spread"))
    return moments.select(*by, *_around(F.col("middle"), F.nullif("spread", F.lit(0.0)) * t))


def with_bounds(rows: DataFrame, bounds: DataFrame, by: Sequence[str] = ()) -> DataFrame:
    """Rows with the bounds of their group beside them."""
    return _beside(rows, bounds, by)


def is_outlier(column: str) -> Column:
    """Whether a value lies beyond the bounds beside it; a missing one does not, and nothing does without bounds."""
    number = F.col(column).cast("double")
    return F.coalesce((number < F.col(LOW)) | (number > F.col(HIGH)), F.lit(False))


def capped(column: str) -> Column:
    """The value, or the nearest bound if it lies beyond; missing values and those without bounds as they are."""
    number = F.col(column).cast("double")
    return F.when(number < F.col(LOW), F.col(LOW)).when(number > F.col(HIGH), F.col(HIGH)).otherwise(number)


def _around(middle: Column, reach: Column) -> tuple[Column, Column]:
    return (middle - reach).alias(LOW), (middle + reach).alias(HIGH)


def _beside(rows: DataFrame, few: DataFrame, by: Sequence[str]) -> DataFrame:
    return rows.join(F.broadcast(few), list(by), "left") if by else rows.crossJoin(F.broadcast(few))
