"""SQL over masked copies, without Spark: what an analyst sees of a lake of folders."""

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from personalake.common.hashing import key_blocks
from personalake.errors import InputError
from personalake.lake import Ledger
from personalake.pipelines.access import log_query
from personalake.pipelines.privacy_key import analyst_key
from personalake.privacy.masking import KEY_BLOCKS, masked_columns
from personalake.tables import ALL, Table

_TABLES = {table.full_name: table for table in ALL if table.layer != "bronze"}
_RAW, _MASKED = "unmasked", "masked"


def logged_query(ledger: Ledger, sql: str, rows: int | None = None) -> duckdb.DuckDBPyRelation:
    """The same as `masked_query`, written down before anything is shown; so is a question that ends in an error.

    Raises:
        InputError: See `masked_query`.
        EnvironmentProblem: If it cannot be written down.
    """
    names = [table.full_name for table in tables_of(sql)]
    try:
        answer = masked_query(ledger, sql, rows)
    except InputError:  # its text may tell as much as an answer
        log_query(ledger, 0, names)
        raise
    log_query(ledger, len(answer), names)
    return answer


def masked_query(ledger: Ledger, sql: str, rows: int | None = None) -> duckdb.DuckDBPyRelation:
    """The rows that one SELECT gives, or the first of them, over masked copies of tables of silver and gold.

    When the query runs, its database holds what is masked and nothing else: no name leads to a raw row, and no function
    to a file. Whoever may read the lake's files can read past it: that is what rights on folders are for, and grants on a
    catalog.

    Raises:
        InputError: If it is no single SELECT, or reads something that is no table of silver or gold.
    """
    tables = tables_of(sql)
    blocks = key_blocks(analyst_key(ledger.locations))
    database = duckdb.connect(":memory:")
    database.execute("SET enable_external_access = false")
    database.execute("SET python_enable_replacements = false")
    for layer in ("silver", "gold"):
        database.execute(f"CREATE SCHEMA {layer}")
    for table in tables:
        database.register(_MASKED, _masked(ledger, table, blocks))
        database.execute(f"CREATE TABLE {table.full_name} AS FROM {_MASKED}")
        database.unregister(_MASKED)
    database.execute("SET lock_configuration = true")
    try:
        answer = database.sql(sql)
        return (answer if rows is None else answer.limit(rows)).materialize()
    except duckdb.Error as error:
        raise InputError(f"DuckDB cannot answer that: {error}") from error


def _masked(ledger: Ledger, table: Table, blocks: tuple[bytes, bytes]) -> pa.Table:
    """A masked copy, made in a database of its own: the query's database has never seen a raw row, nor the key."""
    inner, outer = KEY_BLOCKS
    with duckdb.connect(":memory:") as masking:
        masking.register(_RAW, ledger.arrow(table))
        key = f"(SELECT ? AS {inner}, ? AS {outer})"
        return masking.sql(f"SELECT {masked_columns(table)} FROM {_RAW}, {key}", params=blocks).to_arrow_table()


def tables_of(sql: str) -> list[Table]:
    """The declared tables that a query reads, each once.

    Raises:
        InputError: See `masked_query`.
    """
    try:
        statements = [statement for statement in sqlglot.parse(sql, dialect="duckdb") if statement is not None]
    except sqlglot.errors.ParseError as error:
        raise InputError(f"That is not SQL: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise InputError("Expected one SELECT.", "Other statements are not for analysts.")
    query = statements[0]
    own = {cte.alias_or_name for cte in query.find_all(exp.CTE)}
    read = [table for table in query.find_all(exp.Table) if table.db or table.name not in own]
    named = dict.fromkeys(f"{table.db}.{table.name}" if table.db else table.sql("duckdb") for table in read)
    unknown = [name for name in named if name not in _TABLES or any(table.catalog for table in read)]
    if unknown:
        raise InputError(f"No table of silver or gold is called {', '.join(unknown)}.", "personalake tables lists them.")
    return [_TABLES[name] for name in named]
