"""The only builder of a SparkSession; its settings are one dict."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from personalake.config.settings import SparkSettings
from personalake.gateway import remember_names
from personalake.jars import class_archive, spark_jar_paths

# Spark generates methods longer than those that the JVM compiles by default.
_JVM = "-XX:-DontCompileHugeMethods -XX:ReservedCodeCacheSize=512m -XX:MetaspaceSize=256m -XX:InitialRAMPercentage=6"
# A third of a short run's CPU goes into the JVM's optimising compiler, which earns it back only in longer ones.
_QUICK = "-XX:TieredStopAtLevel=1"
# They write each failed query to the terminal by handlers of their own, with the values that it failed on.
_TALKATIVE = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_LOG4J = Path(__file__).parent / "log4j2.properties"


def spark_conf(settings: SparkSettings | None = None, time_zone: str = "UTC") -> dict[str, str]:
    """Every Spark setting of a local session; `conf/spark-defaults.conf` and the tests are made from this."""
    settings = settings or SparkSettings()
    # Outside spark-submit the workers' Python is only taken from here; without it they start whatever `python3` is.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return {
        "spark.app.name": "personalake",
        "spark.master": settings.master,
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": " ".join(_java_options(settings)),
        **_jars(settings),
        "spark.pyspark.python": sys.executable,
        "spark.pyspark.driver.python": sys.executable,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.catalogImplementation": "in-memory",
        # A day begins at the business's midnight: dates are cut, and as-ofs lie, in the session's zone. Times are instants.
        "spark.sql.session.timeZone": time_zone,
        # User expressions run over raw strings: a value that cannot be cast is a quarantined row, not a failed job.
        "spark.sql.ansi.enabled": "false",
        # By default, times are written in the form of old Hive, whose readers overflow outside of 1677 to 2262: one consent
        # that ends on 9999-12-31 would hide its table from every reader but Spark.
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
        "spark.sql.files.openCostInBytes": "65536",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # The line of Python behind each expression is asked for four times over, and makes two thirds of its cost.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        # What is held is held for a minute: weighing encodings for each column costs more than the memory it saves.
        "spark.sql.inMemoryColumnarStorage.compressed": "false",
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
        # A VACUUM lists files in so many tasks; the default of 10,000 takes half a minute for two files.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(settings.shuffle_partitions),
        "spark.sql.streaming.metricsEnabled": "false",
        # A Delta snapshot is small here; its default of 50 tasks costs more than the read.
        "spark.databricks.delta.snapshotPartitions": "1",
        # A new table is written by readers of version 1, see ARCHITECTURE rule 7.
        "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
        # Each query is told to listeners as a plan in words, again whenever it is replanned: in short, where nobody looks.
        "spark.sql.ui.explainMode": "simple",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        **settings.extra,
    }


def _jars(settings: SparkSettings) -> dict[str, str]:
    """Beside Spark's own jars where the driver is all there is, which also lets their classes be archived; else sent out."""
    if settings.master.startswith("local"):
        return {"spark.driver.extraClassPath": os.pathsep.join(spark_jar_paths())}
    return {"spark.jars": ",".join(spark_jar_paths())}


def _java_options(settings: SparkSettings) -> list[str]:
    options = [f"-Dlog4j2.configurationFile=file:{_LOG4J}", "-XX:+UseParallelGC", "-Xss4m", _JVM]
    if settings.compiler != "full":
        options.append(_QUICK)
    if class_archive().is_file():
        # An archive of another Java or other jars is left aside without a word: the start is slower, that is all.
        options += [f"-XX:SharedArchiveFile={class_archive()}", "-Xlog:disable", "-Xlog:all=error:stderr"]
    return options


def get_session(settings: SparkSettings | None = None, log: Path | None = None, time_zone: str = "UTC") -> SparkSession:
    """The one session of this process; a session that the platform started is used as it is.

    Args:
        settings: How the session is sized.
        log: File that takes what the JVM says; its terminal by default.
        time_zone: The business's time zone.
    """
    for name in _TALKATIVE:
        PySparkLogger.getLogger(name).disabled = True
    session = SparkSession.getActiveSession()
    if session is None:
        builder = SparkSession.builder
        if "DATABRICKS_RUNTIME_VERSION" not in os.environ:
            remember_names()
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            for key, value in spark_conf(settings, time_zone).items():
                builder = builder.config(key, value)
        with _stderr_to(log):
            session = builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", time_zone)
    session.conf.set("spark.sql.ansi.enabled", "false")
    return session


@contextmanager
def _stderr_to(log: Path | None) -> Iterator[None]:
    """The JVM that starts meanwhile inherits the file as its standard error, and keeps it."""
    if log is None:
        yield
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    terminal = os.dup(2)
    with log.open("a") as stream:
        os.dup2(stream.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
