"""Days, hours and weather: when things happen, and what the sky does meanwhile."""

from math import pi

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.world.chance import Chance, at
from personalake.world.people import REGIONS
from personalake.world.settings import WorldSettings

# How busy each weekday is, Monday first; their mean is 1.
WEEKDAYS = (0.9, 0.85, 0.9, 0.95, 1.15, 1.35, 0.9)
YEARLY_SWING = 0.1
DAILY_SWING = 4.0
SKIES = {"sun": 0.35, "cloud": 0.35, "rain": 0.3}


def instant(settings: WorldSettings, day: Column, second: Column) -> Column:
    """The time (UTC) of a second of a day of the world; seconds may reach into other days."""
    midnight = F.unix_seconds(F.lit(f"{settings.first_day}T00:00:00Z").cast("timestamp"))
    return F.timestamp_seconds(midnight + day * 86_400 + second)


def season(settings: WorldSettings, day: Column) -> Column:
    """How much more people buy on a day than on a mean one."""
    weekday = at(WEEKDAYS, F.pmod(day + settings.first_day.weekday(), F.lit(7)))
    of_year = settings.first_day.timetuple().tm_yday
    return weekday * (1 + YEARLY_SWING * F.sin(2 * pi / 365.25 * (day + of_year)))


def second_of_day(chance: Chance, topic: str, usual_hour: Column) -> Column:
    """A second near the hour at which someone is usually out, within the day."""
    hour = usual_hour + 2.5 * chance.normal(topic)
    return F.floor(F.pmod(hour, F.lit(24.0)) * 3_600)


def sky(settings: WorldSettings, region: Column, day: Column) -> Column:
    """Sun, cloud, rain or snow over a region on a day."""
    chance = Chance(settings.seed, (region, day.cast("bigint")))
    drawn = chance.weighted("sky", SKIES)
    return F.when((drawn == "rain") & (temperature(settings, region, day) < 0), "snow").otherwise(drawn)


def temperature(settings: WorldSettings, region: Column, day: Column) -> Column:
    """Degrees Celsius in a region on a day, with one decimal."""
    chance = Chance(settings.seed, (region, day.cast("bigint")))
    of_year = settings.first_day.timetuple().tm_yday
    return F.round(10 - 9 * F.cos(2 * pi / 365.25 * (day + of_year - 20)) + 3.5 * chance.normal("temperature"), 1)


def weather(spark: SparkSession, settings: WorldSettings) -> DataFrame:
    """The weather service's feed; one row per region and hour: `region`, `hour`, `sky` (the day's), `celsius`."""
    regions = F.explode(F.array(*(F.lit(region) for region in REGIONS)))
    of_day = F.explode(F.sequence(F.lit(0), F.lit(23))).alias("of_day")
    days = spark.range(settings.days).select(F.col("id").alias("day"), regions.alias("region"))
    region, day = F.col("region"), F.col("day")
    swing = DAILY_SWING * F.sin(2 * pi / 24 * (F.col("of_day") - 9))
    return days.select("*", of_day).select(
        "region",
        instant(settings, day, F.col("of_day") * 3_600).alias("hour"),
        sky(settings, region, day).alias("sky"),
        F.round(temperature(settings, region, day) + swing, 1).alias("celsius"),
    )
