"""Spark SQL inside YAML, checked before a session starts."""

from collections.abc import Collection
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError


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
        raise ValueError(f"unknown column {', '.join(unknown)} in {expression!r}; there are: {', '.join(known)}")
