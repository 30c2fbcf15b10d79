import re

from pyspark.sql import SparkSession

from personalake.config.spark_functions import SPARK_FUNCTIONS


def test_the_names_of_functions_are_those_of_the_session(spark_session: SparkSession) -> None:
    shown = {row[0] for row in spark_session.sql("SHOW SYSTEM FUNCTIONS").collect()}

    assert {name for name in shown if re.fullmatch("[a-z_][a-z0-9_]*", name)} == SPARK_FUNCTIONS
