"""Plans over a few rows: to generate code for each, and plan anew after each step, would take most of a test's time."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

# Slower by the row, faster by the plan. A join that sends one side to all others is a question of its own before; which
# filters follow from a join, to read less, is looked into by taking each plan apart anew.
INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.constraintPropagation.enabled": "false",
}
_COMPILED = {
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.autoBroadcastJoinThreshold": "10485760",
    "spark.sql.constraintPropagation.enabled": "true",
}


@contextmanager
def compiled(spark: SparkSession) -> Iterator[None]:
    """Let Spark compile expressions and adapt plans, as outside of the tests: for many rows, and the whole company."""
    for key, value in _COMPILED.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, value in INTERPRETED.items():
            spark.conf.set(key, value)
