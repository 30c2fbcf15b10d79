"""Reads of databases by JDBC; the drivers join the session at the first use, so that no other session carries them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from personalake.common.read_spec import ReadSpec
from personalake.errors import InputError
from personalake.jars import jdbc_jar_paths
from personalake.lake.lake import Lake
from personalake.lake.streams import root_cause


def open_rows(lake: Lake, read: ReadSpec) -> DataFrame:
    """The rows of a query; the database is asked for their types at once, for the rows when they are used."""
    for path in jdbc_jar_paths():
        lake.spark.sql(f"ADD JAR '{path}'")
    return lake.spark.read.format("jdbc").options(**dict(read.options)).load()


def one_row(lake: Lake, read: ReadSpec) -> dict[str, Any]:
    """The row of a query that has one, by small names: some databases write names that are not quoted in capitals."""
    row = open_rows(lake, read).toArrow().to_pylist()[0]
    return {name.lower(): value for name, value in row.items()}


@contextmanager
def reading(source: str) -> Iterator[None]:
    """What goes wrong meanwhile is told of the source, in a line.

    Raises:
        InputError: Names the source and the innermost cause.
    """
    try:
        yield
    except Exception as error:
        # Spark's exceptions and those that come from Java as they are share no base.
        if not isinstance(error, PySparkException) and not hasattr(error, "java_exception"):
            raise
        told = root_cause(_deepest(error) or str(error))
        raise InputError(
            f"Source {source} could not be read: {' '.join(told.split())[:400]}",
            "Nothing of this read counts; the next run begins where the last one ended. The whole trace is in the log.",
        ) from error


def _deepest(error: Exception) -> str:
    """What the innermost of Java's exceptions says: Spark's own tells only that something failed."""
    inner = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    said = ""
    while inner is not None:
        said, inner = str(inner.toString()), inner.getCause()
    return said
