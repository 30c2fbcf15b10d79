"""The world as named tables: what the company's systems would deliver, and the truth behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from pyspark.sql import DataFrame, SparkSession

from personalake.world.everyone import everyone as drawn_everyone
from personalake.world.feed import Feed
from personalake.world.feeds import feeds
from personalake.world.life import Hold, Life, as_drawn
from personalake.world.settings import WorldSettings
from personalake.world.tables import LazyTables
from personalake.world.truth import truths


@dataclass(frozen=True)
class World:
    """A world in two families of tables; none is computed before it is read.

    Args:
        settings: What it was drawn from.
        feeds: What each system delivers, by the name of the source.
        truth: What nobody in the company knows, by name.
    """

    settings: WorldSettings
    feeds: Mapping[str, Feed]
    truth: Mapping[str, DataFrame]

    @property
    def sources(self) -> Mapping[str, DataFrame]:
        """The rows of each source in its own columns, without dirt."""
        return LazyTables({name: partial(self._rows, name) for name in self.feeds})

    def _rows(self, name: str) -> DataFrame:
        return self.feeds[name].rows


def world(spark: SparkSession, settings: WorldSettings, everyone: DataFrame | None = None, hold: Hold = as_drawn) -> World:
    """The world of some settings.

    Args:
        spark: The session.
        settings: Its size, seed, days and faults.
        everyone: Rows of `everyone` that were computed before, so that each table need not draw the people anew.
        hold: What becomes of each frame that tables are drawn from; see `Life`.
    """
    life = Life(settings, hold(drawn_everyone(spark, settings)) if everyone is None else everyone, hold)
    delivered = feeds(life)
    return World(settings, delivered, truths(life, delivered))
