"""What receipts say of deliveries: confirmed or rejected, whatever the log said before."""

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from personalake.activation.delivery import State
from personalake.activation.last_state import PLACES
from personalake.activation.reasons import LONGEST, PRIVATE
from personalake.activation.receipts.words import OTHER_WORDS, SEVERAL
from personalake.tables.gold import ACTIVATION_LOG

_STATES = {
    **dict.fromkeys(("delivered", "opened", "clicked", "unsubscribed", "complained"), State.CONFIRMED.value),
    **dict.fromkeys(("hard_bounce", "capped", "failed"), State.REJECTED.value),
}


def news(receipts: DataFrame, log: DataFrame) -> DataFrame:
    """Deliveries of which the newest receipt tells something else than the log does.

    Args:
        receipts: Rows of `matched`.
        log: Rows of `gold.activation_log`.

    Returns:
        Each delivery's last row of the log, with `told_state` and `told_reason`.
    """
    state = F.element_at(F.create_map(*(F.lit(text) for pair in _STATES.items() for text in pair)), F.col("receipt_type"))
    is_bad = F.when(F.col("told_state") == State.REJECTED.value, 1).otherwise(0)
    newest = Window.partitionBy("about").orderBy(F.desc("occurred_at"), F.desc(is_bad), F.desc("record_id"))
    why = F.concat_ws(": ", F.lit("receipt"), "receipt_type", told(F.col("reason")))
    chosen = (
        receipts.where("about IS NOT NULL")
        .withColumn("told_state", state)
        .where("told_state IS NOT NULL")
        .withColumn("place", F.row_number().over(newest))
        .where("place = 1")
        .select(F.col("about").alias("delivery_id"), "told_state", why.alias("told_reason"))
    )
    last = _last(log.join(F.broadcast(chosen.select("delivery_id")), "delivery_id", "left_semi"))
    return chosen.join(last, "delivery_id").where("state <> told_state")


def contested(news: DataFrame) -> DataFrame:
    """`delivery_id` and `reference` of deliveries that had ended otherwise: by an earlier receipt, perhaps."""
    ends = F.col("state").isin(State.CONFIRMED.value, State.REJECTED.value)
    return news.where(ends).select("delivery_id", "reference")


def settled(news: DataFrame, now: datetime) -> DataFrame:
    """What to add to the log: a delivery whose reply was lost is no longer unknown, an unfinished claim not sent again.

    Args:
        news: Rows of `news`.
        now: Time of the new rows; later than the delivery's earlier ones in any case.

    Returns:
        Rows of `gold.activation_log`.
    """
    moment = F.lit(now.isoformat()).cast("timestamp")
    return news.withColumns(
        {
            "state": F.col("told_state"),
            "reason": F.when(F.col("told_state") == State.REJECTED.value, F.col("told_reason")),
            "may_repeat": F.lit(None).cast("boolean"),
            "requests": F.lit(None).cast("int"),
            "logged_at": F.greatest(moment, F.col("logged_at") + F.expr("INTERVAL 1 MICROSECOND")),
        }
    ).select(*ACTIVATION_LOG.columns)


def told(reason: Column) -> Column:
    """A reason as it may be written down: what `reasons.told` leaves out, and of the rest words that name nobody.

    A bounce speaks of its recipient, by whatever name; nobody knows here by which. The whole of it is in the receipt.
    """
    text = F.trim(F.regexp_replace(reason, r"\s+", " "))
    for pattern, instead in PRIVATE:
        text = F.regexp_replace(text, pattern.pattern, instead.replace("\\1", "$1"))
    text = F.regexp_replace(F.regexp_replace(text, OTHER_WORDS, "…"), SEVERAL, "…")
    return F.when(F.length(text) > LONGEST, F.concat(F.substring(text, 1, LONGEST - 1), F.lit("…"))).otherwise(text)


def _last(log: DataFrame) -> DataFrame:
    """The newest row of each delivery; its request and reference are those that were told last."""
    order = F.array_position(F.array(*map(F.lit, PLACES)), F.col("state"))
    place = F.struct("logged_at", order.alias("order"))
    kept = [name for name in ACTIVATION_LOG.columns if name not in ("delivery_id", "pack_id", "reference")]
    return log.groupBy("delivery_id").agg(
        F.max_by(F.struct(*kept), place).alias("last"),
        *(F.max_by(name, F.when(F.col(name).isNotNull(), place)).alias(name) for name in ("pack_id", "reference")),
    ).select("delivery_id", "last.*", "pack_id", "reference")  # fmt: skip
