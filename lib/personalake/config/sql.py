"""Spark SQL inside YAML, checked before a session starts."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from personalake.config.nearest import nearest


def check_expression(expression: str) -> exp.Expr:
    """Parse one Spark SQL expression.

    Raises:
        ValueError: If it does not parse; names the expression and the parser's reason.
    """
    try:
        return sqlglot.parse_one(expression, read="spark")
    except SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"expression {expression!r} is not Spark SQL: {reason}") from error


@lru_cache
def columns_of(expression: str) -> tuple[str, ...]:
    """Names of the columns that an expression reads, in order of appearance.

    >>> columns_of("concat(basket_id, '-', product_id)")
    ('basket_id', 'product_id')
    """
    found = check_expression(expression).find_all(exp.Column)
    return tuple(dict.fromkeys(column.name for column in found))


def names_read(expression: str) -> tuple[str, ...]:
    """Names by which an expression reads values: columns, fields of structures, and the ends of JSON paths.

    >>> names_read("coalesce(guest.email, get_json_object(payload, '$.user.phone'))")
    ('email', 'payload', 'phone')
    """
    found = check_expression(expression).find_all(exp.Column, exp.Dot, exp.JSONPath)
    ends = (part.expressions[-1].this if isinstance(part, exp.JSONPath) else part.name for part in found)
    return tuple(dict.fromkeys(str(end) for end in ends if end))


def roots_read(expression: str) -> tuple[str, ...]:
    """Columns of a row that an expression reads from, with those around the fields of structures.

    >>> roots_read("concat(guest.name.first, id)")
    ('guest', 'id')
    """
    found = check_expression(expression).find_all(exp.Column)
    return tuple(dict.fromkeys(column.parts[0].name for column in found))


def check_columns(expression: str, known: Collection[str]) -> None:
    """Check that an expression parses and reads only known columns.

    Raises:
        ValueError: If it does not; names every unknown column and what there is.
    """
    unknown = [name for name in columns_of(expression) if name.lower() not in known]
    if unknown:
        hint = nearest(unknown[0], known) if len(unknown) == 1 else f"there are: {', '.join(known)}"
        raise ValueError(f"unknown column {', '.join(unknown)} in {expression!r}; {hint}")


def check_condition(expression: str, types: Mapping[str, str]) -> None:
    """Check that an expression is true or false, and compares each column with what it can be compared with.

    Args:
        expression: Spark SQL that has been checked for its columns already.
        types: Spark's type of each column, by name.

    Raises:
        ValueError: If it is of another type, or sets a number or day against a text that is none.
    """
    # Costs some hundredths of a second, which runs without conditions save.
    from sqlglot.optimizer.annotate_types import annotate_types

    query = exp.select(check_expression(expression)).from_("row")
    for column in query.find_all(exp.Column):
        if not column.table:
            column.set("this", exp.to_identifier(column.name.lower()))
            column.set("table", exp.to_identifier("row"))
    condition = annotate_types(query, schema={"row": dict(types)}, dialect="spark").selects[0]
    if condition.type is not None and not condition.is_type("boolean", "unknown", "null"):
        raise ValueError(f"{expression!r} is no condition: it gives {_named(condition)}, not true or false")
    for comparison in condition.find_all(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE):
        for value, text in ((comparison.this, comparison.expression), (comparison.expression, comparison.this)):
            if isinstance(text, exp.Literal) and text.is_string and not _fits(text.name, value.type):
                raise ValueError(f"{expression!r} compares {value.name}, a {_named(value)}, with the text {text.name!r}")


def _named(value: exp.Expr) -> str:
    return "" if value.type is None else value.type.sql("spark").lower()


def _fits(text: str, kind: exp.DataType | None) -> bool:
    """Whether a text in quotes can be compared with values of a type."""
    try:
        if kind is not None and kind.is_type(*exp.DataType.NUMERIC_TYPES):
            float(text)
        elif kind is not None and kind.is_type("date", "timestamp"):
            datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
