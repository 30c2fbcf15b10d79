"""DuckDB on the driver: a database in memory that spills to disk, and records laid out as the comparisons need them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from personalake.config.identity import MatchSettings
from personalake.identity.blocking import key_columns
from personalake.identity.comparisons import compared_columns, frequency_columns

RECORD = "record_key"


@contextmanager
def database(settings: MatchSettings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own, gone afterwards."""
    with TemporaryDirectory(prefix="personalake-match-") as spill, duckdb.connect(":memory:") as opened:
        opened.execute(f"SET threads = {settings.threads:d}")
        opened.execute("SET memory_limit = $1", [settings.duckdb_memory])
        opened.execute("SET temp_directory = $1", [spill])
        opened.execute("SET preserve_insertion_order = false")
        opened.execute("SET enable_progress_bar = false")
        yield opened


def lay_out(
    opened: duckdb.DuckDBPyConnection,
    table: str,
    records: pa.Table,
    settings: MatchSettings,
    frequencies: Mapping[str, Mapping[str, float]],
) -> None:
    """Make a table of what comparisons read: the fields, one column per blocking key, the share of frequent values.

    Args:
        opened: The database.
        table: Name of the new table.
        records: Rows of `silver.match_record`.
        settings: The comparisons and blocking rules.
        frequencies: Column: the share of records that hold each frequent value.
    """
    opened.register("given_records", records)
    fields = list(compared_columns(settings.comparisons))
    shares, joins = [], []
    for place, column in enumerate(frequency_columns(settings.comparisons)):
        name = f"frequency_{place}"
        opened.register(name, _frequency_table(column, frequencies.get(column, {})))
        shares.append(f"{name}.tf_{column}")
        joins.append(f"LEFT JOIN {name} ON r.{column} = {name}.{column}")
    columns = [f"r.{name}" for name in (RECORD, *fields)] + shares
    opened.execute(
        f"CREATE TABLE {table} AS SELECT {', '.join(columns)}, {key_columns(len(settings.blocking))} "
        f"FROM given_records AS r {' '.join(joins)}"
    )
    for name in ["given_records", *(f"frequency_{place}" for place in range(len(joins)))]:
        opened.unregister(name)


def frequent_values(
    opened: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], at_least: int
) -> dict[str, dict[str, float]]:
    """The share of records that hold each value, of values that many hold; rare values could tell who somebody is."""
    return {
        column: dict(
            opened.execute(
                f"""
                SELECT {column}, round(count(*) / sum(count(*)) OVER (), 9) AS share FROM {table}
                WHERE {column} IS NOT NULL GROUP BY {column} QUALIFY count(*) >= {at_least:d} ORDER BY {column}
                """
            ).fetchall()
        )
        for column in columns
    }


def _frequency_table(column: str, shares: Mapping[str, float]) -> pa.Table:
    return pa.table({column: pa.array(list(shares), pa.string()), f"tf_{column}": pa.array(shares.values(), pa.float64())})
