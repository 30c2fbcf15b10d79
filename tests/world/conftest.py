"""One small world for all tests: its people are drawn once."""

import pytest
from pyspark.sql import SparkSession

from personalake.world import World, WorldSettings, world
from personalake.world.everyone import everyone

SETTINGS = WorldSettings(people=1_000, days=60)


@pytest.fixture(scope="session")
def known(spark: SparkSession) -> World:
    return world(spark, SETTINGS, everyone(spark, SETTINGS).localCheckpoint())
