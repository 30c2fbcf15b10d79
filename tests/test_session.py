from pathlib import Path

import pytest
from pyspark.errors.utils import is_debugging_enabled
from pyspark.sql import SparkSession

from personalake.config.settings import SparkSettings
from personalake.session import get_session, spark_conf


def test_the_session_is_warm_and_reads_delta(spark: SparkSession) -> None:
    assert get_session() is spark
    assert spark.conf.get("spark.sql.catalog.spark_catalog") == "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"


def test_no_expression_looks_up_its_line_of_python_and_plans_are_told_in_short(spark: SparkSession) -> None:
    assert not is_debugging_enabled()
    assert spark.conf.get("spark.sql.ui.explainMode") == "simple"


@pytest.mark.parametrize(("compiler", "is_quick"), [("auto", True), ("quick", True), ("full", False)])
def test_short_runs_do_without_the_optimising_compiler(compiler: str, is_quick: bool) -> None:
    options = spark_conf(SparkSettings(compiler=compiler))["spark.driver.extraJavaOptions"]

    assert ("-XX:TieredStopAtLevel=1" in options) is is_quick


def test_jars_lie_beside_the_drivers_own_or_are_sent_to_a_cluster() -> None:
    here, there = (spark_conf(SparkSettings(master=master)) for master in ("local[2]", "spark://host:7077"))

    assert here["spark.driver.extraClassPath"].count("delta-spark") == 1
    assert "spark.jars" not in here
    assert there["spark.jars"].count("delta-spark") == 1


def test_the_class_archive_is_used_once_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONALAKE_JARS", str(tmp_path))
    without = spark_conf()["spark.driver.extraJavaOptions"]
    (tmp_path / "classes.jsa").write_bytes(b"")

    assert "SharedArchiveFile" not in without
    assert f"-XX:SharedArchiveFile={tmp_path.resolve()}/classes.jsa" in spark_conf()["spark.driver.extraJavaOptions"]


def test_who_links_to_the_jars_calls_them_by_the_paths_that_the_archive_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jars" / "spark").mkdir(parents=True)
    (tmp_path / "jars" / "spark" / "delta.jar").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "jars")
    monkeypatch.setenv("PERSONALAKE_JARS", str(tmp_path / "link"))

    assert spark_conf()["spark.driver.extraClassPath"] == str(tmp_path.resolve() / "jars" / "spark" / "delta.jar")
