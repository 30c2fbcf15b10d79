"""Conditions on rows that are read, for Arrow and for Spark alike."""

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_type

Conditions = Sequence[tuple[str, str, Any]]

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def arrow_condition(field: pa.Field, op: str, value: Any) -> ds.Expression:
    """A condition on a column of an Arrow dataset; the value takes the column's type, so that an empty list works, too.

    Files that delta-rs rewrote hold text as views, which Arrow reads and casts, but does not compare.
    """
    column = ds.field(field.name)
    if value is None:
        return column.is_null() if op == "=" else ~column.is_null()
    if pa.types.is_string(field.type):
        column = column.cast(field.type)
    if op in ("in", "not in"):
        inside = column.isin(pa.array(list(value), field.type))
        return inside if op == "in" else ~inside
    return _COMPARISONS[op](column, pa.scalar(value, field.type))


def matching(rows: DataFrame, column: str, op: str, value: Any) -> DataFrame:
    """The rows of a Spark table for which the same condition holds.

    A list is joined, not written into the plan: ids and identifiers would stand in logs that no erasure reaches.
    """
    if op in ("in", "not in"):
        listed = pa.table({column: pa.array(list(value), to_arrow_type(rows.schema[column].dataType))})
        named = F.broadcast(rows.sparkSession.createDataFrame(listed))
        known = rows.where(F.col(column).isNotNull())
        return known.join(named, column, "left_semi" if op == "in" else "left_anti").select(*rows.columns)
    if value is None:
        return rows.where(F.col(column).isNull() if op == "=" else F.col(column).isNotNull())
    compared: Column = _COMPARISONS[op](F.col(column), F.lit(value))
    return rows.where(compared)


def all_of(dataset: ds.Dataset, where: Conditions) -> ds.Expression | None:
    """All conditions at once; None if there are none."""
    conditions = [arrow_condition(dataset.schema.field(column), op, value) for column, op, value in where]
    return reduce(operator.and_, conditions) if conditions else None
