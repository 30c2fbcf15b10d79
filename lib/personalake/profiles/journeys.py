"""Touchpoints in order: sessions, journeys that end with a purchase or in silence, and the path that led there."""

import hashlib

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from personalake.config.profiles import JourneySettings
from personalake.profiles.touchpoints import PURCHASE
from personalake.tables.journeys import CUSTOMER_JOURNEY

STEP = " > "
_DAY = 86_400
# Changed when journeys are cut differently under the same settings; all are then built anew.
_VERSION = 2
_IN_ORDER = ("occurred_at", "touchpoint_id")
_MARKED = ("touchpoint_id", "occurred_at", "channel", "kind", "product_id", "order_id")


def definition(settings: JourneySettings) -> str:
    """Fingerprint of the rules by which journeys are cut; rows of another one are built anew."""
    rules = (settings.session_minutes, settings.journey_days, settings.path_steps, _VERSION)
    return hashlib.sha256(repr(rules).encode()).hexdigest()[:12]


def customer_journey(touchpoints: DataFrame, settings: JourneySettings) -> DataFrame:
    """Put each person's touchpoints in order, and cut them into sessions and journeys.

    Args:
        touchpoints: The result of `touchpoints`.
        settings: Pauses that end a session and a journey, steps of a path.

    Returns:
        The columns of `gold.customer_journey`.
    """
    return (
        touchpoints.transform(lambda rows: _numbered(rows, settings))
        .transform(lambda rows: _with_steps(rows, settings.path_steps))
        .transform(_with_purchase)
        .withColumn("definition", F.lit(definition(settings)))
        .select(*CUSTOMER_JOURNEY.columns)
    )


def changed_persons(touchpoints: DataFrame, written: DataFrame) -> DataFrame:
    """Persons whose touchpoints are not those of their written journey: new, late, gone, or linked to another person.

    Args:
        touchpoints: The result of `touchpoints`.
        written: Rows of `gold.customer_journey`.
    """
    now, then = touchpoints.transform(_marks), written.transform(_marks).withColumnRenamed("mark", "written")
    both = now.join(then, "person_id", "full_outer")
    return both.where(~F.col("mark").eqNullSafe(F.col("written"))).select("person_id")


def _marks(rows: DataFrame) -> DataFrame:
    """A count and a checksum of each person's touchpoints, whatever their order."""
    mark = F.struct(F.count("*"), F.bit_xor(F.xxhash64(*_MARKED)))
    return rows.groupBy("person_id").agg(mark.alias("mark"))


def _numbered(touchpoints: DataFrame, settings: JourneySettings) -> DataFrame:
    """Add the place, the pause before it, and the numbers of session and journey."""
    person = Window.partitionBy("person_id").orderBy(*_IN_ORDER)
    so_far = person.rowsBetween(Window.unboundedPreceding, 0)
    seconds = F.unix_micros("occurred_at")
    pause = F.col("pause")
    is_over = (F.col("previous_kind") == PURCHASE) | (pause > settings.journey_days * _DAY * 1_000_000)
    paused = touchpoints.withColumns(
        {
            "touchpoint": F.row_number().over(person),
            "pause": seconds - F.lag(seconds).over(person),
            "previous_kind": F.lag("kind").over(person),
        }
    )
    starts_session = pause.isNull() | (pause > settings.session_minutes * 60_000_000)
    starts_journey = pause.isNull() | is_over
    return paused.withColumns(
        {
            "session": F.count_if(starts_session).over(so_far).cast("int"),
            "journey": F.count_if(starts_journey).over(so_far).cast("int"),
            "seconds_since_previous": F.floor(pause / 1_000_000).cast("bigint"),
        }
    )


def _with_steps(rows: DataFrame, most: int) -> DataFrame:
    """Add the path so far: `channel kind` of each touchpoint but purchases, repeated ones once, the first few of them."""
    journey = Window.partitionBy("person_id", "journey").orderBy("touchpoint")
    so_far = journey.rowsBetween(Window.unboundedPreceding, 0)
    step = F.when(F.col("kind") != PURCHASE, F.concat_ws(" ", "channel", "kind"))
    is_new = F.col("step").isNotNull() & ~F.col("step").eqNullSafe(F.lag("step").over(journey))
    # Only what is kept is collected: a robot's ten thousand clicks are one short list.
    kept = F.when(F.col("is_new") & (F.col("place") <= most), F.col("step"))
    return (
        rows.withColumn("step", step)
        .withColumn("is_new", is_new)
        .withColumn("place", F.count_if("is_new").over(so_far))
        .withColumn("path", F.nullif(F.array_join(F.collect_list(kept).over(so_far), STEP), F.lit("")))
    )


def _with_purchase(rows: DataFrame) -> DataFrame:
    """Add what is only known in hindsight: the first touch, the last one before the purchase, and the time until it."""
    journey = Window.partitionBy("person_id", "journey").orderBy("touchpoint")
    session = Window.partitionBy("person_id", "session").orderBy("touchpoint")
    whole = journey.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    bought_at = F.max(F.when(F.col("kind") == PURCHASE, F.unix_micros("occurred_at"))).over(whole)
    began = F.first("touchpoint_id").over(session.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing))
    leads_to_purchase = F.lead("kind").over(journey) == PURCHASE
    return rows.withColumns(
        {
            "is_first_touch": F.row_number().over(journey) == 1,
            "is_last_touch": (F.col("kind") != PURCHASE) & F.coalesce(leads_to_purchase, F.lit(False)),
            "seconds_to_purchase": F.floor((bought_at - F.unix_micros("occurred_at")) / 1_000_000).cast("bigint"),
            "session_id": F.substring(F.sha2(F.concat_ws(":", "person_id", began), 256), 1, 24),
        }
    )


def is_purchase() -> Column:
    """Whether a row of `gold.customer_journey` is a purchase."""
    return F.col("kind") == PURCHASE
