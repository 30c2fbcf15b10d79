"""A DuckDB that lives for one question: for what is too much for Python, and not enough for Spark."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import duckdb


@contextmanager
def in_memory(memory: str = "1GB", threads: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database whose times are in UTC, gone afterwards.

    Args:
        memory: What it may hold in memory, e.g. `1GB`; the rest goes to a folder of its own.
        threads: How many it works with.
    """
    with TemporaryDirectory(prefix="personalake-duckdb-") as folder, duckdb.connect(":memory:") as opened:
        opened.execute(f"SET threads = {threads:d}")
        opened.execute("SET memory_limit = $1", [memory])
        opened.execute("SET temp_directory = $1", [folder])
        opened.execute("SET enable_progress_bar = false")
        opened.execute("SET TimeZone = 'UTC'")
        yield opened
