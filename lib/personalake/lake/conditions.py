"""Conditions on rows that are read, for Arrow and for Spark alike."""

import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import Column
from pyspark.sql import functions as F

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


def spark_condition(column: str, op: str, value: Any) -> Column:
    """The same condition as a Spark column."""
    if op in ("in", "not in"):
        inside = F.col(column).isin(list(value))
        return inside if op == "in" else ~inside
    if value is None:
        return F.col(column).isNull() if op == "=" else F.col(column).isNotNull()
    compared: Column = _COMPARISONS[op](F.col(column), F.lit(value))
    return compared


def all_of(dataset: ds.Dataset, where: Conditions) -> ds.Expression | None:
    """All conditions at once; None if there are none."""
    conditions = [arrow_condition(dataset.schema.field(column), op, value) for column, op, value in where]
    return reduce(operator.and_, conditions) if conditions else None
