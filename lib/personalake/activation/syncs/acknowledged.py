"""What a destination is known to hold, from the outbox and the log."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.activation.last_state import PLACED, PLACES, placed
from personalake.config.audiences import Cap

SETTLED, DOUBTFUL = ("accepted", "confirmed"), ("in_flight", "unknown")
HELD = ("sync_key", "holder_id", "held_hash", "rejected_hash", "base", "pending_hash", "stale")


def with_states(outbox: DataFrame, log: DataFrame) -> DataFrame:
    """Deliveries with the state that the last row of the log says, `pending` without one; and the `moment` they left.

    Of what never was claimed, the moment is that of the last row.
    """
    place = F.array_position(F.array(*map(F.lit, PLACES)), F.col("state"))
    told = F.unix_micros("logged_at") * PLACED + place
    claimed = F.max(F.when(F.col("state") == "in_flight", told))
    last = log.groupBy("delivery_id").agg(F.max(told).alias("last"), F.coalesce(claimed, F.max(told)).alias("moment"))
    state = F.element_at(F.array(*map(F.lit, PLACES)), (F.col("last") % PLACED).cast("int"))
    found = outbox.join(last, "delivery_id", "left").withColumn("state", F.coalesce(state, F.lit("pending")))
    return found.drop("last")


def acknowledged(deliveries: DataFrame, is_message: bool, standing: str | None = None, is_held: bool = False) -> DataFrame:
    """What the destination holds of a sync, key by key.

    Of the deliveries that were accepted or confirmed, the one that left last counts, whenever it becomes known what became
    of each. A later one that left and was not answered puts the key in doubt: it is held, nobody knows with what, and the
    next plan says it again. Messages are the exception, since they are read: in doubt they count as sent, and are not sent
    again. So does what is held after a lost reply, unless it takes somebody away: to be told that twice does no harm, and
    never to be told it would.

    Args:
        deliveries: Rows of the outbox of one sync, from `with_states`.
        is_message: Whether deliveries are messages.
        standing: A plan that waits to be sent, if there is one.
        is_held: Whether a lost reply is held there, see `config.audience_kinds.holds_doubts`.

    Returns:
        Columns of `HELD`. `holder_id` is the person whom it was about, null if the key is not held; `held_hash` is null if
        that is in doubt; `rejected_hash` is what the destination last refused, `base` the delivery that it last took, and
        `pending_hash` what the standing plan has not sent yet, `stale` how many deliveries of other plans wait in vain.
    """
    is_doubtful, takes_away = F.col("state").isin(*DOUBTFUL), F.coalesce("removal", F.lit(False))
    counts_in_doubt = F.lit(is_message) | (F.lit(is_held) & ~takes_away)
    told = F.struct("moment", "payload_hash", "removal", "delivery_id", "person_id", "state")
    has_outcome = F.col("state").isin(*SETTLED, *DOUBTFUL, "rejected")
    is_pending = F.col("state") == "pending"
    is_of_standing = F.col("plan_id").eqNullSafe(F.lit(standing))
    by_key = deliveries.groupBy("sync_key").agg(
        F.max(F.when(F.col("state").isin(*SETTLED) | (is_doubtful & counts_in_doubt), told)).alias("taken"),
        F.max(F.when(has_outcome, told)).alias("latest"),
        F.max(F.when(is_pending & is_of_standing, F.col("payload_hash"))).alias("pending_hash"),
        F.count_if(is_pending & ~is_of_standing).alias("stale"),
    )
    is_open = F.lit(not is_message) & (F.lit(not is_held) | F.coalesce("latest.removal", F.lit(False)))
    in_doubt = F.coalesce(F.col("latest.state").isin(*DOUBTFUL) & is_open, F.lit(False))
    there = F.col("taken").isNotNull() & ~F.coalesce("taken.removal", F.lit(False))
    holder = F.coalesce(F.when(there, F.col("taken.person_id")), F.when(in_doubt, F.col("latest.person_id")))
    return by_key.select(
        "sync_key",
        holder.alias("holder_id"),
        F.when(~in_doubt & there, F.col("taken.payload_hash")).alias("held_hash"),
        F.when(F.col("latest.state") == "rejected", F.col("latest.payload_hash")).alias("rejected_hash"),
        F.col("taken.delivery_id").alias("base"),
        "pending_hash",
        "stale",
    )


def counted_since(cap: Cap, now: datetime, zone: str) -> datetime:
    """From when on what left counts: the beginning of the day that lies so many days before today.

    A plan's as-of says nothing of it: a plan may wait for days until somebody approves it.

    Args:
        cap: The cap.
        now: The moment of asking.
        zone: The company's time zone, in which days begin.

    >>> counted_since(Cap(deliveries=1, days=7), datetime(2026, 11, 9, 23, 30, tzinfo=UTC), "Europe/Berlin").isoformat()
    '2026-11-02T23:00:00+00:00'
    """
    first = now.astimezone(ZoneInfo(zone)).date() - timedelta(cap.days)
    return datetime.combine(first, time(), ZoneInfo(zone)).astimezone(UTC)


def capped(deliveries: DataFrame, cap: Cap, since: datetime) -> DataFrame:
    """People who have been sent as much as the cap allows.

    Args:
        deliveries: Rows of the outbox of one sync, from `with_states`.
        cap: The cap.
        since: From when on what left counts, see `counted_since`; what is in doubt counts, too.

    Returns:
        `person_id`.
    """
    is_sent = (F.col("moment") >= placed(since)) & F.col("state").isin(*SETTLED, *DOUBTFUL)
    counted = deliveries.where(is_sent & ~F.coalesce("removal", F.lit(False)))
    return counted.groupBy("person_id").count().where(F.col("count") >= cap.deliveries).select("person_id")
