"""Everything that a run says: log lines of Python and of the JVM, and the event log, in which each plan stands whole."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

_NAME = "overheard"
_WHOLE = {"spark.sql.debug.maxToStringFields": "2000", "spark.sql.maxMetadataStringLength": "10000"}


class Spoken(logging.Handler):
    """Everything that anybody logs, traces included, from the most talkative level on."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter().format(record))


@contextmanager
def listening() -> Iterator[Spoken]:
    """Listen to Python's part at every level."""
    # Py4J tells each call to the JVM, with its arguments; nobody turns that on, and making its records takes long.
    handler, root, py4j = Spoken(), logging.getLogger(), logging.getLogger("py4j")
    levels = root.level, py4j.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    py4j.setLevel(logging.CRITICAL + 1)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        root.setLevel(levels[0])
        py4j.setLevel(levels[1])


@contextmanager
def overheard(spark: SparkSession, folder: Path) -> Iterator[Spoken]:
    """Listen at every level; Spark's part is in `folder` afterwards: `jvm.log` from INFO on, and the event log."""
    with listening() as spoken, _plans_whole(spark), _jvm_log(spark, folder / "jvm.log"), _event_log(spark, folder):
        yield spoken


@contextmanager
def _plans_whole(spark: SparkSession) -> Iterator[None]:
    """Nothing of a plan is cut short."""
    before = {key: spark.conf.get(key) for key in _WHOLE}
    for key, value in _WHOLE.items():
        spark.conf.set(key, value)
    yield
    for key, value in before.items():
        spark.conf.set(key, value or "")


@contextmanager
def _jvm_log(spark: SparkSession, file: Path) -> Iterator[None]:
    jvm = spark.sparkContext._jvm
    core = jvm.org.apache.logging.log4j.core
    context = jvm.org.apache.logging.log4j.LogManager.getContext(False)
    layout = core.layout.PatternLayout.newBuilder().withPattern("%p %c: %m%n%ex").build()
    builder = core.appender.FileAppender.newBuilder()
    builder.setName(_NAME)
    builder.setLayout(layout)
    builder.withFileName(str(file))
    appender = builder.build()
    appender.start()
    level = jvm.org.apache.logging.log4j.Level
    configured = list(context.getConfiguration().getLoggers().values())
    levels = [logger.getLevel() for logger in configured]
    root = context.getConfiguration().getRootLogger()
    others = list(root.getAppenders().values())
    for each in others:
        root.removeAppender(each.getName())
    root.addAppender(appender, level.INFO, None)
    for logger in configured:
        logger.setLevel(level.INFO)
    context.updateLoggers()
    try:
        yield
    finally:
        for logger, was in zip(configured, levels, strict=True):
            logger.setLevel(was)
        root.removeAppender(_NAME)
        for each in others:
            root.addAppender(each, None, None)
        context.updateLoggers()
        appender.stop()


@contextmanager
def _event_log(spark: SparkSession, folder: Path) -> Iterator[None]:
    scala, jvm = spark.sparkContext._jsc.sc(), spark.sparkContext._jvm
    conf = scala.conf().clone().set("spark.eventLog.rolling.enabled", "false").set("spark.eventLog.compress", "false")
    listener = jvm.org.apache.spark.scheduler.EventLoggingListener(
        _NAME, jvm.scala.Option.empty(), jvm.java.net.URI(folder.as_uri()), conf, scala.hadoopConfiguration()
    )
    listener.start()
    scala.addSparkListener(listener)
    try:
        yield
    finally:
        scala.listenerBus().waitUntilEmpty()
        scala.removeSparkListener(listener)
        listener.stop()
