from pyspark.sql import SparkSession

from personalake.session import get_session


def test_the_session_is_warm_and_reads_delta(spark: SparkSession) -> None:
    assert get_session() is spark
    assert spark.conf.get("spark.sql.catalog.spark_catalog") == "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
