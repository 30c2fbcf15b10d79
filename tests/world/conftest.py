"""One small world for all tests: each frame of it is drawn once; and a smaller one on disk."""

from functools import cached_property
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from personalake.world import DirtSettings, World, WorldSettings, emit_world
from personalake.world.everyone import everyone
from personalake.world.feeds import feeds
from personalake.world.life import Life
from personalake.world.truth import truths
from tests.plans import compiled

SETTINGS = WorldSettings(people=1_000, days=60)
EMITTED = WorldSettings(
    people=80, days=21, history_days=30, dirt=DirtSettings(**dict.fromkeys(DirtSettings.model_fields, 0.03))
)


class Remembered(Life):
    """A life of which each frame is drawn when it is first asked for, and then held: many tests ask for the same."""

    def __getattribute__(self, name: str) -> object:
        is_new = isinstance(getattr(Life, name, None), cached_property) and name not in vars(self)
        found = super().__getattribute__(name)
        if is_new:
            found = vars(self)[name] = held(found)
        return found


def held(rows: DataFrame) -> DataFrame:
    with compiled(rows.sparkSession):  # thousands of rows, unlike in most tests
        return rows.localCheckpoint()


def remembered(spark: SparkSession, settings: WorldSettings) -> World:
    """The world of some settings, whose frames are drawn once."""
    life = Remembered(settings, held(everyone(spark, settings)))
    delivered = feeds(life)
    return World(settings, delivered, truths(life, delivered))


@pytest.fixture(scope="session")
def known(spark: SparkSession) -> World:
    return remembered(spark, SETTINGS)


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
