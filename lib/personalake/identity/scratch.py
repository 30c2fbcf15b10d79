"""DuckDB for a question or two about Arrow tables."""

from functools import cache

import duckdb


def scratch() -> duckdb.DuckDBPyConnection:
    """A connection to a database in memory: what is registered there, and temporary tables, are nobody else's.

    To be closed. Opening a database takes longer than most questions, so that all connections are to one.
    """
    return _database().cursor()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")
