"""Texts that Spark takes for the moment of the run, wherever it makes a day or a time of them."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

from personalake.config.sql_constants import TEXTS, text_of

# Spark takes date'today' for the day of the run; behind the word may stand a time zone, with or without a blank.
_MOMENT = re.compile(r"[\0- ]*(now|today|yesterday|tomorrow)([^a-z].*)?", re.IGNORECASE | re.DOTALL)
# The same of a time without its day.
_HOUR = re.compile(r"[\0- ]*(T\d{1,2}|T?\d{1,2}:\d{1,2}(:.*)?)[\0- ]*", re.DOTALL | re.ASCII)
# Functions whose text Spark casts to a day or a time; those that read it by a pattern, as unix_timestamp does, find none.
_OF_TIMES = frozenset({
    *("to_date", "try_to_date", "date", "to_timestamp", "try_to_timestamp", "to_timestamp_ntz", "to_timestamp_ltz"),
    *("timestamp", "date_add", "dateadd", "timestampadd", "date_sub", "add_months", "last_day", "next_day", "date_trunc"),
    *("trunc", "datediff", "date_diff", "timestampdiff", "months_between", "date_format", "date_part", "window"),
    *("year", "quarter", "month", "weekofyear", "day", "dayofyear", "dayofmonth", "dayofweek", "weekday", "dayname"),
    *("monthname", "extract", "datepart", "hour", "minute", "second", "from_utc_timestamp", "to_utc_timestamp"),
    *("convert_timezone", "session_window", "try_add", "try_subtract"),
})  # fmt: skip
# These read a text by the pattern that stands behind it.
_BY_PATTERN = frozenset(
    {"to_date", "try_to_date", "to_timestamp", "try_to_timestamp", "to_timestamp_ntz", "to_timestamp_ltz"}
)
_ENDS = (TokenType.COMMA, TokenType.FROM, TokenType.R_PAREN)
_QUOTED = (TokenType.STRING, TokenType.RAW_STRING)
_GIVING_TIMES = re.compile("date|day|time|month|trunc", re.IGNORECASE)
# The parser's word for a day to which an interval is added is datetime.
_TIMES = ("date", "timestamp", "timestampntz", "timestampltz", "timestamptz", "datetime")
_COMPARED = (exp.EqualNull, exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Nullif)

# What is one of the values that it is given.
_CHOOSING = (exp.Coalesce, exp.If, exp.Case, exp.Nvl2, exp.Nullif, exp.Greatest, exp.Least, exp.Max, exp.Min, exp.Paren)


def is_moment(text: exp.Expr | None) -> bool:
    """Whether it is a text that Spark takes for a moment of the run, where it needs a day or a time."""
    return _MOMENT.fullmatch(text_of(text) or "") is not None


def is_hour(text: exp.Expr | None) -> bool:
    """Whether it is a text that Spark takes for an hour of the day of the run, where it needs a time."""
    return _HOUR.fullmatch(text_of(text) or "") is not None


def has_moments(parsed: exp.Expr) -> bool:
    """Whether such a text is in it, for whatever use: a status may be called so."""
    return any(is_moment(text) or is_hour(text) for text in parsed.find_all(*TEXTS))


def makes_moments(parsed: exp.Expr) -> bool:
    """Whether such a text is cast, or reckoned with; of those that functions are given, `gives_moments` knows."""
    casts = [cast for cast in parsed.find_all(exp.Cast) if cast.to.is_type(*_TIMES)]
    if any(is_moment(cast.this) or (is_hour(cast.this) and not cast.to.is_type("date")) for cast in casts):
        return True
    sums = (side for one in parsed.find_all(exp.Add, exp.Sub) for side in (one.this, one.expression))
    return any(is_moment(side) or is_hour(side) for side in sums)


def gives_moments(expression: str) -> bool:
    """Whether such a text is given to a function that makes a day or a time of it, the parser's words for which are many."""
    return any(
        is_moment(given) or (is_hour(given) and not has_pattern) for given, has_pattern in _given_to_times(expression)
    )


def _given_to_times(expression: str) -> Iterator[tuple[exp.Expr, bool]]:
    """What holds texts among that which functions of days and times are given, and whether a pattern by which to read it."""
    tokens = sqlglot.tokenize(expression, read="spark")
    # The function of each bracket that is open, and where that which it is given begins.
    calls: list[tuple[str, int]] = []
    for place, token in enumerate(tokens):
        name, start = calls[-1] if calls else ("", 0)
        if token.token_type == TokenType.L_PAREN:
            calls.append((tokens[place - 1].text.lower() if place else "", place + 1))
        elif token.token_type in _ENDS and calls:
            given = tokens[start:place]
            calls[-1] = (name, place + 1)
            if name in _OF_TIMES and any(part.token_type in _QUOTED for part in given):
                has_pattern = name in _BY_PATTERN and token.token_type == TokenType.COMMA
                yield from ((part, has_pattern) for part in _parsed(expression[given[0].start : given[-1].end + 1]))
        if token.token_type == TokenType.R_PAREN and calls:
            calls.pop()


def _parsed(given: str) -> Iterator[exp.Expr]:
    """What a function is given, where it is an expression of its own: other grammar holds no texts."""
    with suppress(SqlglotError):
        yield sqlglot.parse_one(given, read="spark")


def compared(parsed: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr, bool]]:
    """What is compared with what, each pair both ways round; third whether as texts if either is one, as IN does."""
    for one in parsed.find_all(*_COMPARED, exp.Between, exp.In, exp.Case, exp.DecodeCase):
        if isinstance(one, exp.Between):
            others = [one.args["low"], one.args["high"]]
        elif isinstance(one, exp.In):
            others = one.expressions
        elif isinstance(one, exp.Case):
            others = [] if one.this is None else [branch.this for branch in one.args["ifs"]]
        elif isinstance(one, exp.DecodeCase):
            # What is decoded, then each value with what stands for it, then perhaps what stands for all else.
            others = one.expressions[1:-1:2]
        else:
            others = [one.expression]
        value = one.expressions[0] if isinstance(one, exp.DecodeCase) else one.this
        for other in others:
            as_texts = isinstance(one, exp.In)
            yield value.unnest(), other.unnest(), as_texts
            yield other.unnest(), value.unnest(), as_texts


def compares_moments(parsed: exp.Expr, schema: Mapping[str, Any]) -> bool:
    """Whether such a text is compared with a day or a time, or with what may be one: sums, and functions called so.

    Args:
        parsed: A query in which each column stands with its table.
        schema: Spark's type of each column, by table and name; one without a type is taken for a text.
    """
    if not has_moments(parsed):
        return False
    # Costs some hundredths of a second, which runs without such texts save.
    from sqlglot.optimizer.annotate_types import annotate_types

    typed = annotate_types(parsed.copy(), schema=dict(schema), dialect="spark")
    for value, text, as_texts in compared(typed):
        is_time = value.is_type(*_TIMES)
        if is_moment(text) and (is_time if as_texts else is_time or _may_be_time(value)):
            return True
        if is_hour(text) and is_time and not as_texts and not value.is_type("date"):
            return True
    return False


def _may_be_time(value: exp.Expr) -> bool:
    if value.type is not None and not value.is_type("unknown"):
        return value.is_type(*_TIMES)
    if isinstance(value, _CHOOSING):
        return any(map(_may_be_time, value.iter_expressions()))
    # Within columns there are texts: entries of maps, fields of structures.
    field = value.name if isinstance(value, exp.Dot) else ""
    while isinstance(value, exp.Bracket | exp.Dot):
        value = value.this
    if isinstance(value, exp.Func):
        # Most functions of which the parser knows no type give texts.
        return _GIVING_TIMES.search(value.name if isinstance(value, exp.Anonymous) else value.sql_name()) is not None
    if isinstance(value, exp.Identifier):
        return _is_of_times(value, field)
    return not isinstance(value, exp.Column)


def _is_of_times(variable: exp.Identifier, field: str) -> bool:
    """Whether a lambda's variable, or a field of it, may be a day or a time, going by what its function goes through."""
    around = variable.find_ancestor(exp.Lambda)
    while around is not None and variable.name not in {name.name for name in around.expressions}:
        around = around.find_ancestor(exp.Lambda)
    if around is None or around.parent is None:
        return False
    through = [part for part in around.parent.iter_expressions() if not isinstance(part, exp.Lambda)]
    # What a part is made of counts where the parser knows no type of the whole.
    nodes = [node for part in through for node in (part.walk() if part.is_type("unknown") or not part.type else (part,))]
    kinds = [kind for node in nodes if node.type for kind in node.type.find_all(exp.DataType)]
    if field:
        members = [kind.parent for kind in kinds if isinstance(kind.parent, exp.ColumnDef) and kind.parent.name == field]
        return any(member.kind is not None and member.kind.is_type(*_TIMES) for member in members)
    return any(kind.is_type(*_TIMES) and not isinstance(kind.parent, exp.ColumnDef) for kind in kinds)
