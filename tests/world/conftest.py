"""One small world for all tests: each frame of it is drawn once; and a smaller one on disk."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from personalake.world import DirtSettings, World, WorldSettings, emit_world, world
from tests.plans import compiled

SETTINGS = WorldSettings(people=1_000, days=60)
EMITTED = WorldSettings(
    people=80, days=21, history_days=30, dirt=DirtSettings(**dict.fromkeys(DirtSettings.model_fields, 0.03))
)


def held(rows: DataFrame) -> DataFrame:
    """The same rows, drawn once: many tests ask for them."""
    with compiled(rows.sparkSession):  # thousands, unlike in most tests
        return rows.localCheckpoint()


@pytest.fixture(scope="session")
def known(spark: SparkSession) -> World:
    return world(spark, SETTINGS, hold=held)


@pytest.fixture(scope="session")
def owners(known: World) -> DataFrame:
    """Whose each identifier is."""
    return held(known.truth["identifier"])


@pytest.fixture(scope="session")
def emitted(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a smaller and dirtier world lies: `landing`, and the truth in `lake`."""
    folder = tmp_path_factory.mktemp("world")
    emit_world(spark, EMITTED, folder / "landing", folder / "lake")
    return folder
