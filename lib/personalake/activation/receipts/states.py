"""What receipts say of deliveries: confirmed or rejected, whatever the log said before."""

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from personalake.activation.delivery import State
from personalake.activation.last_state import PLACES
from personalake.activation.reasons import LONGEST, PRIVATE
from personalake.tables.gold import ACTIVATION_LOG

_STATES = {
    **dict.fromkeys(("delivered", "opened", "clicked", "unsubscribed", "complained"), State.CONFIRMED.value),
    **dict.fromkeys(("hard_bounce", "capped", "failed"), State.REJECTED.value),
}


def settled(receipts: DataFrame, log: DataFrame, now: datetime) -> DataFrame:
    """What to add to the log: the newest receipt of a delivery decides, if the log does not say so already.

    A delivery whose reply was lost is no longer unknown, and a claim that nobody finished is not sent again.

    Args:
        receipts: Rows of `matched`.
        log: Rows of `gold.activation_log`.
        now: Time of the new rows; later than the delivery's earlier ones in any case.

    Returns:
        Rows of `gold.activation_log`.
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
    moment = F.lit(now.isoformat()).cast("timestamp")
    return (
        chosen.join(_last(log.join(F.broadcast(chosen.select("delivery_id")), "delivery_id", "left_semi")), "delivery_id")
        .where("state <> told_state")
        .withColumns(
            {
                "state": F.col("told_state"),
                "reason": F.when(F.col("told_state") == State.REJECTED.value, F.col("told_reason")),
                "may_repeat": F.lit(None).cast("boolean"),
                "requests": F.lit(None).cast("int"),
                "logged_at": F.greatest(moment, F.col("logged_at") + F.expr("INTERVAL 1 MICROSECOND")),
            }
        )
        .select(*ACTIVATION_LOG.columns)
    )


def told(reason: Column) -> Column:
    """A reason as it may be written down: what `reasons.told` does, by Spark's own functions."""
    text = F.trim(F.regexp_replace(reason, r"\s+", " "))
    for pattern, instead in PRIVATE:
        text = F.regexp_replace(text, pattern.pattern, instead.replace("\\1", "$1"))
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
