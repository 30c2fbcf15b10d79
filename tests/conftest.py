"""One warm local Spark for each worker (pytest-spark's `spark_session`), and an empty lake for each test."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession
from xdist.remote import Producer
from xdist.scheduler import Scheduling

from personalake.config import Settings
from personalake.config.settings import SparkSettings
from personalake.gateway import remember_names
from personalake.lake import Lake, Locations
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.session import spark_conf
from tests.order import LongestFirst, place
from tests.plans import INTERPRETED

# A busy machine fails no test: examples have neither a time limit nor one for being made.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

TEST_SPARK = SparkSettings(master="local[2]", driver_memory="4g", shuffle_partitions=1)


def pytest_configure(config: pytest.Config) -> None:
    """Give pytest-spark the suite's own settings; its option parser would split them at the first colon."""
    from pytest_spark.config import SparkConfigBuilder

    remember_names()
    builder = SparkConfigBuilder.initialize()
    for key, value in {**spark_conf(TEST_SPARK), "spark.default.parallelism": "1", **INTERPRETED}.items():
        builder.set(key, value)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """With `--dist loadfile`, files are given out in the order of `tests.order`."""
    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return LongestFirst(config, log)


@pytest.fixture(scope="session")
def spark(spark_session: SparkSession) -> SparkSession:
    return spark_session


@pytest.fixture
def in_new_york(spark: SparkSession) -> Iterator[SparkSession]:
    """The session of a business whose days begin five hours after those of UTC (four in summer)."""
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    yield spark
    spark.conf.set("spark.sql.session.timeZone", "UTC")


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(Locations(tmp_path / "lakehouse"), lambda: spark)


@pytest.fixture
def context_of(lake: Lake) -> Iterator[Callable[..., JobContext]]:
    """Makes the context of a job over the test's lake."""

    def make(settings: Settings | None = None, as_of: date = date(2017, 12, 1), **options: object) -> JobContext:
        settings = settings or Settings(root=lake.locations.root)
        return JobContext(settings, lake, as_of, settings.training_cut or as_of, "test-run", options, Progress())

    return make
