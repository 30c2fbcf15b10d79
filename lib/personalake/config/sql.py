"""Spark SQL inside YAML, checked before a session starts."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

from personalake.config.nearest import closest, nearest
from personalake.config.spark_functions import SPARK_FUNCTIONS
from personalake.config.sql_constants import text_of
from personalake.config.sql_moments import compared, compares_moments, gives_moments, has_moments, makes_moments
from personalake.config.sql_texts import fits

# Written like functions, and no entries of Spark's list: its grammar knows them.
_OF_THE_GRAMMAR = frozenset({"try_cast", "timestampadd", "timestampdiff", "dateadd", "over", "within", "row"})
CLOCKS_AND_DICE = (
    *(exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentDatetime, exp.Localtimestamp),
    *(exp.Rand, exp.Randn, exp.Uuid),
)
# The same for the parser unknown ones among Spark's functions, and those whose value is that of a file, a partition, a run.
_CLOCKS_AND_DICE_BY_NAME = frozenset({
    "now", "shuffle", "uniform", "randstr", "monotonically_increasing_id", "spark_partition_id", "input_file_name",
    "input_file_block_start", "input_file_block_length",
})  # fmt: skip
# These call any code of the machine that runs them: what it knows, its secrets among it, could leave with the next plan.
_CALLING_CODE = frozenset({"reflect", "java_method", "try_reflect"})
_ROW = "row"
_AS_WRITTEN = (
    ", and IN with a text finds only what Spark writes just so: leave out the quotes of a number, true or false, write "
    "date'2026-01-05' for a day"
)
NO_CLOCKS = "clocks and dice are not allowed: the same must come out again on any day; days count from the as-of"


def check_expression(expression: str) -> exp.Expr:
    """Parse one Spark SQL expression.

    Raises:
        ValueError: If it does not parse; names the expression and the parser's reason.
    """
    try:
        return sqlglot.parse_one(expression, read="spark")
    except SqlglotError as error:
        raise ValueError(f"expression {expression!r} is not Spark SQL: {why_not_sql(error)}") from error


def why_not_sql(error: SqlglotError) -> str:
    """The parser's reason in one line, without the names of its own parts."""
    reason = str(error).splitlines()[0]
    if "Required keyword" in reason or "Invalid expression" in reason:
        place = reason.rpartition(". Line")[2].rpartition("Col: ")[2].rstrip(". ")
        return f"something is missing or too much near character {place}" if place else reason
    return reason


def check_row(expression: str) -> exp.Expr:
    """Check that an expression gives one value of one row, by functions that Spark has, and the same one on any day.

    Raises:
        ValueError: If it does not; says what is in the way.
    """
    parsed = check_expression(expression)
    if isinstance(parsed, exp.Alias):
        raise ValueError(f"{expression!r} gives its value a name; leave out AS {parsed.alias}")
    if isinstance(parsed, exp.Query | exp.DDL | exp.Command | exp.Drop) or parsed.find(exp.Query):
        raise ValueError(f"{expression!r} is a query, or holds one; expected an expression over one row")
    if parsed.find(exp.AggFunc, exp.Window, exp.Explode, exp.Posexplode, exp.Inline):
        raise ValueError(f"{expression!r} needs more than one row, or makes them; expected an expression over one row")
    check_functions(expression)
    if depends_on_the_moment(parsed):
        raise ValueError(f"{expression!r}: {NO_CLOCKS}")
    if has_moments(parsed):
        # Whoever knows the types asks again; here no column is taken for a day.
        check_moments(expression, dict.fromkeys(map(str.lower, columns_of(expression)), "string"))
    return parsed


def depends_on_the_moment(parsed: exp.Expr) -> bool:
    """Whether a clock or a die is in it; of those that sqlglot has no word for, `check_functions` knows, of days that are
    compared with 'today' `check_moments`.

    >>> depends_on_the_moment(check_expression("day > date'today'")), depends_on_the_moment(check_expression("day > 'x'"))
    (True, False)
    """
    return bool(parsed.find(*CLOCKS_AND_DICE)) or makes_moments(parsed)


def check_functions(expression: str, aliases: Collection[str] = ()) -> None:
    """Check that Spark has every function that is called, and that none is a clock, a die or a door to other code.

    Args:
        expression: Spark SQL.
        aliases: Names that stand before brackets without being called: of tables whose columns are listed.

    Raises:
        ValueError: If it has not; names those that it lacks, and the nearest that it has.
    """
    tokens = sqlglot.tokenize(expression, read="spark")
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        raise ValueError(f"{expression!r} holds a semicolon; leave it out")
    # A name in quotes is called as well.
    before = [name for name, bracket in pairwise(tokens) if bracket.token_type == TokenType.L_PAREN]
    reached = [name.text.lower() for name in before if name.token_type != TokenType.STRING]
    if calling := [name for name in reached if name in _CALLING_CODE]:
        raise ValueError(f"{expression!r}: {calling[0]} is not allowed, since it runs any code of the machine; leave it out")
    if not _CLOCKS_AND_DICE_BY_NAME.isdisjoint(reached) or gives_moments(expression):
        raise ValueError(f"{expression!r}: {NO_CLOCKS}")
    called = [name.text for name in before if name.token_type == TokenType.VAR]
    known = SPARK_FUNCTIONS | _OF_THE_GRAMMAR
    unknown = [name for name in dict.fromkeys(called) if name.lower() not in known and name not in aliases]
    if unknown:
        meant = closest(unknown[0], SPARK_FUNCTIONS)
        hint = f"; did you mean {meant}?" if meant else ""
        raise ValueError(f"no function {', '.join(unknown)} in Spark SQL: {expression!r}{hint}")


@lru_cache
def columns_of(expression: str) -> tuple[str, ...]:
    """Names of the columns that an expression reads, in order of appearance.

    >>> columns_of("concat(basket_id, '-', product_id)")
    ('basket_id', 'product_id')
    """
    found = check_expression(expression).find_all(exp.Column)
    return tuple(dict.fromkeys(column.name for column in found))


def members_made(expression: str) -> tuple[str, ...]:
    """Names within the objects that an expression makes, in order of appearance; of objects in objects the outer ones.

    >>> members_made("if(orders > 1, named_struct('inc', 1), map('add', array('x')))")
    ('inc', 'add')
    """
    kinds = (exp.Struct, exp.Map, exp.VarMap)
    made = [one for one in check_expression(expression).find_all(*kinds) if one.find_ancestor(*kinds) is None]
    names = (
        each.this.name if isinstance(each, exp.PropertyEQ) else each.name
        for one in made
        for each in (one.expressions if isinstance(one, exp.Struct) else one.args["keys"].expressions)
    )
    return tuple(dict.fromkeys(filter(None, names)))


def may_be_object(expression: str, types: Mapping[str, str]) -> bool:
    """Whether an expression may give an object: a structure, a map, or what a function gives whose type is not known.

    >>> may_be_object("from_json(city, 'x int')", {"city": "string"}), may_be_object("lower(city)", {"city": "string"})
    (True, False)
    """
    kind = _typed(expression, types).type
    return kind is None or kind.is_type("struct", "map", "object", "json", "variant", "unknown")


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
    condition = _typed(expression, types)
    if condition.type is not None and not condition.is_type("boolean", "unknown", "null"):
        raise ValueError(f"{expression!r} is no condition: it gives {_named(condition)}, not true or false")
    for value, other, as_written in compared(condition):
        # How Spark writes what a function gives is not the parser's to say.
        text = text_of(other) if not as_written or isinstance(value, exp.Column) else None
        if text is not None and not fits(text, value, as_written):
            told = f"{expression!r} compares {value.name or value}, a {_named(value)}, with the text {text!r}"
            raise ValueError(f"{told}{_AS_WRITTEN if as_written and fits(text, value) else ''}")


def check_moments(expression: str, types: Mapping[str, str]) -> None:
    """Check that an expression compares no day and no time with a text that Spark takes for the moment of the run.

    Args:
        expression: Spark SQL that has been checked for its columns already.
        types: Spark's type of each column, by name, of those whose type is known.

    Raises:
        ValueError: If it does.
    """
    if compares_moments(_of_row(expression), {_ROW: types} if types else {}):
        raise ValueError(f"{expression!r}: {NO_CLOCKS}")


def _typed(expression: str, types: Mapping[str, str]) -> exp.Expr:
    """The expression with the types of its parts, as far as the parser knows them."""
    from sqlglot.optimizer.annotate_types import annotate_types

    return annotate_types(_of_row(expression), schema={_ROW: dict(types)}, dialect="spark").selects[0]


def _of_row(expression: str) -> exp.Select:
    """The expression as a query in which each column has a table."""
    query = exp.select(check_expression(expression)).from_(_ROW)
    for column in query.find_all(exp.Column):
        if not column.table:
            column.set("this", exp.to_identifier(column.name.lower()))
            column.set("table", exp.to_identifier(_ROW))
    return query


def check_row_condition(expression: str, types: Mapping[str, str]) -> None:
    """Check that an expression is a condition over one row of known columns, the same on any day.

    Args:
        expression: Spark SQL.
        types: Spark's type of each column, by name; there are no others.

    Raises:
        ValueError: If it is not; says what is in the way.
    """
    check_columns(expression, types)
    check_row(expression)
    check_condition(expression, types)


def numbers_beside(expression: str, columns: Collection[str]) -> list[float]:
    """Numbers with which an expression compares any of some columns, in order of appearance.

    >>> numbers_beside("r >= 4 AND f BETWEEN 2 AND 3", ("r", "f"))
    [4.0, 2.0, 3.0]
    """
    found: list[float] = []
    for part in check_expression(expression).find_all(
        exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In
    ):
        sides = [part.this, part.expression, *(part.args.get(end) for end in ("low", "high")), *part.expressions]
        if any(isinstance(side, exp.Column) and side.name.lower() in columns for side in sides):
            found += [float(side.name) for side in sides if isinstance(side, exp.Literal) and not side.is_string]
    return found


def _named(value: exp.Expr) -> str:
    return "" if value.type is None else value.type.sql("spark").lower()


def simple_value(expression: str, row: Mapping[str, Any]) -> Any:
    """What a simple expression gives of one row, without a session.

    >>> simple_value("coalesce(preferences['language'], country, 'en')", {"preferences": {"form": "du"}, "country": "DE"})
    'DE'

    Raises:
        LookupError: If it is more than columns, entries of maps, texts and `coalesce`.
    """
    return _simple(check_expression(expression), row)


def _simple(node: exp.Expr, row: Mapping[str, Any]) -> Any:
    if isinstance(node, exp.Column):
        return row.get(node.name.lower())
    if isinstance(node, exp.Literal):
        return node.name
    if isinstance(node, exp.Bracket) and len(node.expressions) == 1:
        entries, key = _simple(node.this, row), _simple(node.expressions[0], row)
        return entries.get(key) if isinstance(entries, Mapping) else None
    if isinstance(node, exp.Coalesce):
        return next((found for part in (node.this, *node.expressions) if (found := _simple(part, row)) is not None), None)
    raise LookupError(type(node).__name__)
