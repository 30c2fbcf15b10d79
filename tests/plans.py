"""Plans over a few rows: generating code for each would take most of a test's time, so the session of the tests does not."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

# Slower by the row, faster by the plan.
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
_COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}


@contextmanager
def compiled(spark: SparkSession) -> Iterator[None]:
    """Let Spark compile expressions, as it does outside of the tests: for many rows, and the whole company."""
    for key, value in _COMPILED.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, value in INTERPRETED.items():
            spark.conf.set(key, value)
