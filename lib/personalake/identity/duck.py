"""DuckDB on the driver: a database in memory that spills to disk, and records laid out as the comparisons need them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from personalake.config.identity import IDENTIFIERS, MatchSettings
from personalake.identity.blocking import key_columns
from personalake.identity.comparisons import compared_columns

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


def without_crowds(records: pa.Table, settings: MatchSettings) -> pa.Table:
    """Identifiers that more records share than may share a blocking key say nothing about a person, and are not compared.

    Such a value (a till's e-mail address, a default number) would teach training that people who agree in it are one.

    Args:
        records: Rows of `silver.match_record`; every record that shares an identifier with any of those to be compared.
        settings: The comparisons, and how many records may share a key.
    """
    compared = set(compared_columns(settings.comparisons))
    fields = [name for name in IDENTIFIERS if name in compared]
    if not fields or not records.num_rows:
        return records
    with duckdb.connect(":memory:") as opened:
        opened.execute(f"SET threads = {settings.threads:d}")
        opened.register("told", records)
        for name in fields:
            crowded = opened.sql(
                f"SELECT {name} FROM told WHERE {name} IS NOT NULL GROUP BY ALL HAVING count(*) > {settings.max_key_rows:d}"
            ).to_arrow_table()
            if crowded.num_rows:
                is_crowded = pc.is_in(records[name], crowded[name].combine_chunks())
                plain = pc.if_else(is_crowded, pa.scalar(None, pa.string()), records[name])
                records = records.set_column(records.column_names.index(name), name, plain)
    return records


def lay_out(opened: duckdb.DuckDBPyConnection, table: str, records: pa.Table, settings: MatchSettings, *marks: str) -> None:
    """Make a table of what comparisons read: the fields, and one column per blocking key.

    Args:
        opened: The database.
        table: Name of the new table.
        records: Rows of `silver.match_record`.
        settings: The comparisons and blocking rules.
        marks: Further columns that are kept.
    """
    opened.register("given_records", records)
    columns = ", ".join((RECORD, *compared_columns(settings.comparisons), *marks))
    opened.execute(f"CREATE TABLE {table} AS SELECT {columns}, {key_columns(len(settings.blocking))} FROM given_records")
    opened.unregister("given_records")


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


def frequency_table(column: str, shares: Mapping[str, float]) -> pa.Table:
    """The frequent values of a column as Splink looks them up."""
    return pa.table({column: pa.array(list(shares), pa.string()), f"tf_{column}": pa.array(shares.values(), pa.float64())})
