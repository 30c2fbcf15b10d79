"""Plans over a few rows: generating code for each would take most of a test's time."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

_SLOWER_BY_THE_ROW = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


@contextmanager
def interpreted(spark: SparkSession) -> Iterator[None]:
    """Let Spark evaluate expressions one by one, instead of compiling them first."""
    before = {key: spark.conf.get(key) for key in _SLOWER_BY_THE_ROW}
    for key, value in _SLOWER_BY_THE_ROW.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, kept in before.items():
            spark.conf.set(key, str(kept))
