"""What stands in for missing values: one value for all, the neighbour's in time, or what the other columns suggest."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

STATISTICS = ("mean", "median", "mode")
_FILL = "imputed_value"
Numbers = npt.NDArray[np.float64]


def with_statistic(rows: DataFrame, column: str, method: str, by: Sequence[str] = ()) -> DataFrame:
    """Fill gaps with the mean, the median or the mode of those who have a value.

    Args:
        rows: Rows with the column.
        column: The column; its type stays.
        method: `mean`, `median`, or `mode`, of whose ties the least wins.
        by: Columns of the groups within which it is taken, e.g. `as_of`, so that no group learns from a later one.
    """
    found = {"mean": F.avg(column), "median": F.median(column), "mode": F.mode(column, deterministic=True)}[method]
    few = rows.groupBy(*by).agg(found.alias(_FILL))
    beside = rows.join(F.broadcast(few), list(by), "left") if by else rows.crossJoin(F.broadcast(few))
    kept = rows.schema[column].dataType
    return beside.withColumn(column, F.coalesce(column, F.col(_FILL).cast(kept))).drop(_FILL)


def constant(column: str, value: str | float) -> Column:
    """The column with one value in its gaps, e.g. `unknown`."""
    return F.coalesce(F.col(column), F.lit(value))


def neighbour(column: str, within: Sequence[str], order: str, method: str) -> Column:
    """The column with the nearest earlier (`forward`) or later (`backward`) value in its gaps; none beyond the group.

    Args:
        column: The column.
        within: Columns of the group, e.g. `person_id`.
        order: Column that orders the rows.
        method: `forward` or `backward`; only the former never looks ahead in time.
    """
    ordered = Window.partitionBy(*within).orderBy(order)
    if method == "forward":
        return F.last(column, ignorenulls=True).over(ordered.rowsBetween(Window.unboundedPreceding, 0))
    return F.first(column, ignorenulls=True).over(ordered.rowsBetween(0, Window.unboundedFollowing))


def fit_from_others(frame: pd.DataFrame, column: str, features: Sequence[str], method: str, neighbours: int) -> pd.Series:
    """Fill gaps of a column from other columns, on the driver.

    KNN (Troyanskaya et al., 2001): the mean of the nearest rows by the distance over the columns that both have, each
    scaled to its spread, as units would else decide who is near. MICE (van Buuren, 2011): each column regressed on
    the others in turns until they settle; one draw, its expected value.

    Args:
        frame: Rows with the column and the features, all numbers.
        column: The column with gaps.
        features: Columns to infer from; may have gaps, too.
        method: `knn` or `mice`.
        neighbours: Neighbours of KNN.

    Returns:
        The column without gaps; as it is where nobody has a value.
    """
    numbers = frame[[column, *features]].astype(float).to_numpy()
    if not np.isfinite(numbers[:, 0]).any() or np.isfinite(numbers[:, 0]).all():
        return frame[column]
    known = np.isfinite(numbers).any(axis=0)
    filled = _knn(numbers[:, known], neighbours) if method == "knn" else _mice(numbers[:, known])
    return pd.Series(np.where(np.isfinite(numbers[:, 0]), numbers[:, 0], filled[:, 0]), index=frame.index, name=column)


def _knn(numbers: Numbers, neighbours: int) -> Numbers:
    from sklearn.impute import KNNImputer

    middle, spread = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    scaled: Numbers = KNNImputer(n_neighbors=neighbours).fit_transform((numbers - middle) / spread)
    filled: Numbers = scaled * spread + middle
    return filled


def _mice(numbers: Numbers) -> Numbers:
    # The import makes the estimator, which scikit-learn still calls experimental, available.
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    filled: Numbers = IterativeImputer(random_state=0, max_iter=20).fit_transform(numbers)
    return filled
