"""What an audience may read of a person, where it comes from, and which purposes it needs."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from personalake.config.decisions import DECISION_COLUMNS, SHARES
from personalake.config.sql import (
    NO_CLOCKS,
    check_columns,
    check_expression,
    check_functions,
    check_moments,
    check_row,
    depends_on_the_moment,
    why_not_sql,
)
from personalake.config.sql_moments import compares_moments
from personalake.tables import Table
from personalake.tables.gold import (
    CUSTOMER_FEATURE,
    CUSTOMER_PROFILE,
    DECISION,
    PREDICTION,
    RECOMMENDATION,
    SEGMENT_MEMBERSHIP,
)
from personalake.tables.identity import PERSON
from personalake.tables.silver import ORDER_LINE

PERSONALISATION = ("personalisation",)
# The person's keyed name at the destination of the sync, see privacy.pseudonyms.
PSEUDONYM = "pseudonym"
# Tables that a query may read, each at the as-of of the plan.
QUERYABLE: dict[str, Table] = {
    table.full_name: table
    for table in (CUSTOMER_PROFILE, CUSTOMER_FEATURE, SEGMENT_MEMBERSHIP, PREDICTION, RECOMMENDATION, DECISION)
}


class SourceColumn(NamedTuple):
    """A column that fields and conditions may read.

    Args:
        part: Which part of what is known it belongs to; only parts that are asked for are read.
        purposes: Consent purposes without which it may not leave, nor decide who does.
        is_personal: Whether it says something about the person, or identifies them.
        type: Spark's type of its values.
    """

    part: str
    purposes: tuple[str, ...]
    is_personal: bool
    type: str = "string"


def _of_table(table: Table, part: str, but: Collection[str] = ()) -> Iterator[tuple[str, SourceColumn]]:
    for field in table.fields:
        if field.name not in but:
            yield field.name, SourceColumn(part, field.purposes, bool(field.pii or field.purposes), field.type)


_PARTS = {"next_best_item": "items", "next_new_item": "items", "churn": "churn", "rfm": "segments", "kmeans": "segments"}


def _of_insight() -> Iterator[tuple[str, SourceColumn]]:
    """Segments, scores and items, as rules may read them."""
    for name in DECISION_COLUMNS:
        part = next((part for start, part in _PARTS.items() if name.startswith(start)), None)
        if part is not None:
            needs = () if part == "segments" else PERSONALISATION
            yield name, SourceColumn(part, needs, True, "double" if name in SHARES else "string")


COLUMNS: dict[str, SourceColumn] = {
    **dict(_of_table(PERSON, "person", ("person_id", "provenance", "records", "sources", "weakest_link"))),
    **dict(_of_table(CUSTOMER_PROFILE, "profile", ("consents", "provenance", "as_of"))),
    "days_since_last_order": SourceColumn("profile", PERSONALISATION, True, "int"),
    **dict(_of_insight()),
    "items": SourceColumn(
        "listed", PERSONALISATION, True, "array<struct<product_id: string, name: string, reason: string>>"
    ),
    PSEUDONYM: SourceColumn(PSEUDONYM, (), True),
}
# What is known of the decision besides, where the audience is made of decisions.
DECIDED: dict[str, SourceColumn] = {
    **dict(_of_table(DECISION, "decision", ("person_id", "status", "probability"))),
    "product_name": SourceColumn("decision", PERSONALISATION, True),
}
_OF_LINES = {field.name: field.type for field in ORDER_LINE.fields} | {
    "quantity": "int", "price": "double", "order_total": "decimal(28,2)", "order_discount": "decimal(28,2)",
    "products": "array<struct<product_id: string, name: string, category: string, quantity: int, price: double>>",
}  # fmt: skip
# What is known of an order besides, where the audience is made of orders; of each product of it, where each is one.
ORDERED: dict[str, SourceColumn] = {
    name: SourceColumn("order", (), True, _OF_LINES.get(name, "string"))
    for name in ("order_id", "occurred_at", "store_id", "currency", "order_total", "order_discount", "products")
}
ORDERED_PRODUCT: dict[str, SourceColumn] = {
    name: SourceColumn("order", (), True, _OF_LINES.get(name, "string"))
    for name in ("order_id", "occurred_at", "store_id", "currency", "product_id", "product_name", "product_category",
                 "quantity", "price", "amount", "discount_amount")
}  # fmt: skip


def lacking(
    columns: Collection[str], purposes: Collection[str], known: Mapping[str, SourceColumn]
) -> Iterator[tuple[str, str]]:
    """Columns that may not be used without a purpose that is not among the given ones, with that purpose."""
    for name in dict.fromkeys(columns):
        for purpose in known[name].purposes if name in known else ():
            if purpose not in purposes:
                yield name, purpose


def check_readable(expression: str, known: Mapping[str, SourceColumn]) -> None:
    """Check that an expression reads known columns of one person and nothing else, the same at any time.

    Raises:
        ValueError: If it does not.
    """
    check_columns(expression, known)
    if check_expression(expression).find(exp.Query, exp.AggFunc, exp.Window):
        raise ValueError(f"{expression!r} looks beyond one person; audience.query may")
    check_row(expression)
    check_moments(expression, {name: column.type for name, column in known.items()})


def read_query(query: str) -> exp.Query:
    """A query over the allowed tables that gives `person_id`, with every name spelled out.

    Raises:
        ValueError: If it is no such query; names what is wrong and what there is.
    """
    # Costs a tenth of a second, which runs without a query save.
    from sqlglot.optimizer.qualify import qualify

    try:
        parsed = sqlglot.parse_one(query, read="spark")
    except SqlglotError as error:
        raise ValueError(f"not Spark SQL: {why_not_sql(error)}") from error
    check_functions(query, {alias.name for alias in parsed.find_all(exp.TableAlias) if alias.columns})
    if not isinstance(parsed, exp.Query):
        raise ValueError("expected a query: SELECT person_id FROM gold.…")
    named = {cte.alias for cte in parsed.find_all(exp.CTE)}
    found = [table for table in parsed.find_all(exp.Table) if table.name not in named or table.db]
    unknown = sorted({table.sql("spark") for table in found if f"{table.db}.{table.name}" not in QUERYABLE})
    if unknown:
        raise ValueError(f"unknown table {', '.join(unknown)}; there are: {', '.join(QUERYABLE)}")
    if depends_on_the_moment(parsed):
        raise ValueError(NO_CLOCKS)
    if parsed.find(exp.TableSample) or any(_is_cut_anywhere(part) for part in parsed.find_all(exp.Query)):
        raise ValueError("a sample, or LIMIT without ORDER BY, is others each time; say by ORDER BY who comes first")
    gold = {table.name: {field.name: field.type for field in table.fields} for table in QUERYABLE.values()}
    try:
        spelled = qualify(parsed, dialect="spark", schema={"gold": gold})
    except SqlglotError as error:
        raise ValueError(str(error).splitlines()[0]) from error
    if compares_moments(spelled, {"gold": gold}):
        raise ValueError(NO_CLOCKS)
    if not isinstance(spelled, exp.Query) or spelled.named_selects != ["person_id"]:
        raise ValueError("expected exactly one column, person_id")
    return spelled


def _is_cut_anywhere(query: exp.Query) -> bool:
    return query.args.get("limit") is not None and query.args.get("order") is None


def lacking_in_query(query: exp.Query, purposes: Collection[str]) -> Iterator[tuple[str, str]]:
    """The same as `lacking` for what a query reads: a name counts wherever one of its tables has it."""
    tables = {table.name for table in query.find_all(exp.Table) if table.db}
    names = {column.name for column in query.find_all(exp.Column)}
    needed = {
        (field.name, purpose)
        for table in QUERYABLE.values()
        if table.name in tables
        for field in table.fields
        if field.name in names
        for purpose in field.purposes
    }
    yield from sorted((name, purpose) for name, purpose in needed if purpose not in purposes)
