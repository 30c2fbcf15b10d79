"""Archives the classes that a session loads, once; each later JVM maps them into memory and starts seconds sooner.

A session does a little of everything that the jobs do, then the JVM writes down what it has loaded (dynamic class data
sharing, in every OpenJDK since 13). Without an archive, or with one of another Java, all works the same, only later.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pyspark.ml.classification import GBTClassifier
from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from personalake.config.settings import SparkSettings
from personalake.jars import class_archive
from personalake.patience import run_patiently
from personalake.session import get_session, spark_conf

_LABEL = "Java classes in .jars/classes.jsa, for faster starts (once)"
_LINES = 200
_WAIT_SECONDS = 120


def archive(target: Path) -> None:
    """Start a session, use it, and let its JVM leave the archive.

    Args:
        target: The archive; it takes its name only when it is whole.
    """
    unfinished = target.with_suffix(".tmp")
    unfinished.unlink(missing_ok=True)
    sized = SparkSettings(master="local[2]")
    leaving = f"-XX:ArchiveClassesAtExit={unfinished} -Xlog:disable -Xlog:all=error:stderr"
    options = f"{spark_conf(sized)['spark.driver.extraJavaOptions']} {leaving}"
    spark = get_session(sized.model_copy(update={"extra": {"spark.driver.extraJavaOptions": options}}))
    scratch = Path(tempfile.mkdtemp(prefix="personalake-archive-"))
    try:
        use(spark, scratch)
        process: subprocess.Popen[bytes] = spark.sparkContext._gateway.proc  # type: ignore[union-attr]
        spark.stop()
        if process.stdin is not None:
            process.stdin.close()  # the JVM goes when Python does
        process.wait(_WAIT_SECONDS)
        unfinished.replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def use(spark: SparkSession, scratch: Path) -> None:
    """Read a stream, write tables, aggregate, join, rank and fit, on a few hundred rows."""
    landing, table = scratch / "landing", str(scratch / "table")
    landing.mkdir()
    (landing / "a.json").write_text("".join(f'{{"k": "{n % 9}", "n": {n}}}\n' for n in range(_LINES)))
    stream = spark.readStream.format("text").load(str(landing))

    def write(batch: DataFrame, number: int) -> None:
        typed = batch.select(F.inline(F.array(F.from_json("value", "k string, n int")))).persist()
        typed.withColumn("at", F.current_timestamp()).write.format("delta").mode("append").option(
            "txnAppId", "archive"
        ).option("txnVersion", number).save(table)

    stream.writeStream.option("checkpointLocation", str(scratch / "checkpoint")).trigger(availableNow=True).foreachBatch(
        write
    ).start().awaitTermination()
    rows = spark.read.format("delta").load(table)
    sums = rows.groupBy("k").agg(F.sum("n").alias("sum"), F.max_by("n", "at").alias("last"), F.collect_set("n").alias("set"))
    ranked = rows.join(F.broadcast(sums), "k").withColumn("place", F.row_number().over(Window.partitionBy("k").orderBy("n")))
    ranked.repartition(2, "k").write.format("delta").mode("overwrite").save(f"{table}-ranked")
    ranked.where("k = '1'").write.format("delta").mode("overwrite").option("replaceWhere", "k = '1'").save(f"{table}-ranked")
    spark.createDataFrame(ranked.where("k = '1'").select("k", "n").toPandas()).toArrow()
    points = VectorAssembler(inputCols=["n", "place"], outputCol="features").transform(
        ranked.withColumn("label", (F.col("n") % 2).cast("double"))
    )
    KMeans(k=2, maxIter=2).fit(points).transform(points).count()
    GBTClassifier(maxIter=1, maxDepth=2).fit(points).transform(points).count()


def main() -> int:
    """`python -m personalake.setup_archive`; what goes wrong is told and hinders nothing."""
    target = class_archive()
    if target.is_file():
        return 0
    if "--now" in sys.argv:
        archive(target)
        return 0 if target.is_file() else 1
    if run_patiently(_LABEL, [sys.executable, "-m", "personalake.setup_archive", "--now"]):
        sys.stderr.write("  No class archive: sessions start some seconds later, and all works.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
