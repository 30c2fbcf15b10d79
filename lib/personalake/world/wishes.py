"""What people wish, and the signal that some browsers send for them: Global Privacy Control."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.world.calendar import instant
from personalake.world.chance import Chance
from personalake.world.contacts import Contacts
from personalake.world.settings import WorldSettings

WISHES = {
    "contact_channel": ("email", "push", "none"),
    "language": ("en", "de", "fr"),
    "newsletter_frequency": ("weekly", "monthly"),
}
WISHED_RATE, CHANGED_RATE, TAKEN_BACK_RATE, BY_AGENT_RATE = 0.3, 0.3, 0.2, 0.1
SIGNAL_RATE = 0.08


def wishes(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """Every change of a wish of those with an account.

    Returns:
        One row per change: `person`, `login`, `preference`, `number` (0 the first wish, 1 what became of it), `value` (null
        where a wish is taken back), `by_agent`, `changed_at`.
    """
    own, each = (Chance(settings.seed, keys) for keys in (("person", "preference"), ("person", "preference", "number")))
    day = F.floor(own.between("wish-day", F.greatest("joined_day", F.lit(0)), settings.days))
    later = day + 1 + own.below("wish-later", settings.days)
    on = F.when(F.col("number") == 0, day).otherwise(later)
    # A changed mind is another one.
    value = F.lit(None).cast("string")
    for name, values in WISHES.items():
        first = own.below("wish", len(values))
        chosen = F.pmod(first + F.col("number"), F.lit(len(values)))
        told = F.element_at(F.array(*map(F.lit, values)), (chosen + 1).cast("int"))
        value = F.when(F.col("preference") == name, told).otherwise(value)
    is_back = (F.col("number") == 1) & each.happens("wish-taken-back", TAKEN_BACK_RATE)
    first_and_next = [F.lit(number).cast("bigint") for number in (0, 1)]
    numbers = F.when(own.happens("wish-changed", CHANGED_RATE), F.array(*first_and_next)).otherwise(
        F.array(first_and_next[0])
    )
    return (
        everyone.withColumn("login", Contacts(settings).login())
        .where(F.col("login").isNotNull() & (F.col("joined_day") < settings.days))
        .withColumn("preference", F.explode(F.array(*map(F.lit, WISHES))))
        .where(own.happens("wishes", WISHED_RATE))
        .withColumn("number", F.explode(numbers))
        .withColumn("day", on)
        .where(F.col("day") < settings.days)
        .select(
            "person",
            "login",
            "preference",
            "number",
            F.when(~is_back, value).alias("value"),
            each.happens("wish-agent", BY_AGENT_RATE).alias("by_agent"),
            instant(settings, F.col("day"), 28_800 + each.below("wish-second", 43_200)).alias("changed_at"),
        )
    )


def web_preferences(wishes: DataFrame, settings: WorldSettings) -> DataFrame:
    """What the preference centre sends.

    Returns:
        One row per change: `change_id`, `user_id`, `preference`, `value`, `changed_by`, `changed_at`, `sent_at`.
    """
    each = Chance(settings.seed, ("person", "preference", "number"))
    return wishes.select(
        F.concat(F.lit("w"), each.identifier("wish-id", 12)).alias("change_id"),
        F.col("login").alias("user_id"),
        "preference",
        "value",
        F.when(F.col("by_agent"), "agent").otherwise("customer").alias("changed_by"),
        "changed_at",
        (F.col("changed_at") + F.make_dt_interval(secs=each.below("wish-sent", 30) + 1)).alias("sent_at"),
    )


def held_wishes(wishes: DataFrame) -> DataFrame:
    """What each person wishes in the end: `person`, `preference`, `value`; a wish that was taken back is none."""
    last = F.max_by(F.struct("value"), "number")["value"].alias("value")
    return wishes.groupBy("person", "preference").agg(last).where("value IS NOT NULL")


def gpc_signals(sessions: DataFrame, settings: WorldSettings) -> DataFrame:
    """What the site's server notes of visits with the header.

    Returns:
        One row per visit: `signal_id`, `client_id` (cookie), `gpc` (1), `site`, `seen_at`.
    """
    each = Chance(settings.seed, ("session_id",))
    return _with_signal(sessions, settings).select(
        F.concat(F.lit("g"), each.identifier("signal", 12)).alias("signal_id"),
        F.col("cookie").alias("client_id"),
        F.lit("1").alias("gpc"),
        F.lit("shop.example").alias("site"),
        F.col("began_at").alias("seen_at"),
    )


def signalled(sessions: DataFrame, settings: WorldSettings) -> DataFrame:
    """Whose browsers said so; one row per person and cookie with a recorded visit: `person`, `cookie`."""
    return _with_signal(sessions, settings).select("person", "cookie").distinct()


def _with_signal(sessions: DataFrame, settings: WorldSettings) -> DataFrame:
    """Recorded visits whose browser sends it: it is set once for a device, and never on a public terminal."""
    is_set = Chance(settings.seed, ("device",)).happens("gpc", SIGNAL_RATE)
    is_web = F.col("is_recorded") & (F.col("place") == "web") & (F.col("device_type") != "terminal")
    return sessions.where(is_web & is_set)
