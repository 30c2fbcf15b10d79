"""The days of each person: on which they order, where, and on which they only look around."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.world.calendar import season, sky
from personalake.world.campaigns import campaign_lift, experiment_lift
from personalake.world.chance import Chance
from personalake.world.people import address_on
from personalake.world.settings import WorldSettings

# Rain keeps people at home, and moves orders to the web.
RAIN_ODDS = 1.5
MOST_A_DAY = 0.95
LOOKS_PER_ORDER, LEAST_LOOKS, MOST_LOOKS = 3.0, 0.01, 0.8
APP_SHARE = 0.4


def days_present(settings: WorldSettings) -> Transformation:
    """One row per person and day on which they are a customer, with `day` (from 0) and the day's `region` and `sky`."""
    first, last = F.greatest("joined_day", F.lit(0)), F.least("left_day", F.lit(settings.days)) - 1
    day = F.col("day")
    return lambda people: (
        people.where(first <= last)
        .withColumn("day", F.explode(F.sequence(first, last)))
        .withColumn("region", address_on(day)["region"])
        .withColumn("sky", sky(settings, F.col("region"), day))
    )


def with_chances(settings: WorldSettings) -> Transformation:
    """Add, to rows of `days_present`, `order_chance`, `online_share` (of orders) and `look_chance`."""
    day, share = F.col("day"), F.col("web_share")
    is_wet = F.col("sky").isin("rain", "snow")
    # Odds are moved, not rates: the weather decides where people buy, not whether.
    odds = share / (1 - share) * F.when(is_wet, RAIN_ODDS).otherwise(1.0)
    usual = odds / (1 + odds)
    tested = 1 + experiment_lift(settings, day)
    rate = F.col("purchase_rate") * season(settings, day) * (1 + campaign_lift(settings, day))
    looks = F.least(LOOKS_PER_ORDER * F.col("purchase_rate") * share + LEAST_LOOKS, F.lit(MOST_LOOKS))
    return lambda days: (
        days.withColumns({"usual": usual, "tested": tested, "rate": rate, "look_chance": looks})
        .withColumn("online", F.col("usual") * F.col("tested"))
        .withColumns(
            {
                "order_chance": F.least(F.col("rate") * (1 - F.col("usual") + F.col("online")), F.lit(MOST_A_DAY)),
                "online_share": F.col("online") / (1 - F.col("usual") + F.col("online")),
            }
        )
        .drop("usual", "tested", "rate", "online")
    )


def activity(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """The days on which anything happened.

    Returns:
        Rows of `everyone` for each such day, with `day`, `region`, `sky`, `is_order`, `channel` (shop, web, app; null
        without an order) and `is_look` (a visit to the web shop without an order).
    """
    each = Chance(settings.seed, ("person", "day"))
    is_online = each.happens("channel", F.col("online_share"))
    is_app = F.col("is_app_user") & each.happens("app", APP_SHARE)
    channel = F.when(~is_online, "shop").when(is_app, "app").otherwise("web")
    return (
        everyone.transform(days_present(settings))
        .transform(with_chances(settings))
        .withColumns(
            {
                "is_order": each.happens("order", F.col("order_chance")),
                "is_look": each.happens("look", F.col("look_chance")),
            }
        )
        .where("is_order OR is_look")
        .withColumn("channel", F.when(F.col("is_order"), channel))
        .drop("order_chance", "online_share", "look_chance")
    )


def expected_orders(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """How many orders each person would make on average, were the same days lived again and again.

    Returns:
        One row per person who was there: `person`, `days_present`, `expected_orders`, `expected_online_orders`.
    """
    chance = F.col("order_chance")
    return (
        everyone.transform(days_present(settings))
        .transform(with_chances(settings))
        .groupBy("person")
        .agg(
            F.count("*").alias("days_present"),
            F.sum(chance).alias("expected_orders"),
            F.sum(chance * F.col("online_share")).alias("expected_online_orders"),
        )
    )


def is_after_drift(settings: WorldSettings, day: Column) -> Column:
    """Whether the world has changed by a day: from there on people carry other devices, and fuller baskets online."""
    return day >= int(settings.days * settings.drift_at)
