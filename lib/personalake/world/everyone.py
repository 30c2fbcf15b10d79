"""Everything about every person in one row: the frame that all feeds and all truths are drawn from."""

from pyspark.sql import DataFrame, SparkSession

from personalake.world.campaigns import with_arms
from personalake.world.catalog import assortment
from personalake.world.consents import with_consents
from personalake.world.habits import with_habits
from personalake.world.people import people
from personalake.world.settings import WorldSettings


def everyone(spark: SparkSession, settings: WorldSettings) -> DataFrame:
    """People with their habits, consents, and arms of campaigns and experiments; one row per person."""
    return (
        people(spark, settings)
        .transform(with_habits(settings, assortment(settings)))
        .transform(with_consents(settings))
        .transform(with_arms(settings))
    )
