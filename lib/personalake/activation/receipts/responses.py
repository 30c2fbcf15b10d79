"""What receipts say of decisions: that a message reached the person, and what came of it."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.tables.receipts import DECISION_RESPONSE

# Each of them shows that the message reached the person.
RESPONSES = ("delivered", "opened", "clicked", "unsubscribed", "complained")


def responses(receipts: DataFrame, outbox: DataFrame, rewards: Mapping[str, float]) -> DataFrame:
    """Exposures to the decisions behind deliveries, each with its reward.

    Args:
        receipts: Rows of `matched`.
        outbox: Rows of `gold.activation_outbox`; those without a decision asked for nothing.
        rewards: Kind of receipt to what it is worth.

    Returns:
        Rows of `gold.decision_response`, one for each receipt about a decision.
    """
    decided = outbox.where("decision_id IS NOT NULL").select(
        F.col("delivery_id").alias("about"),
        "decision_id",
        F.col("person_id").alias("meant"),
        F.col("destination").alias("sent_to"),
    )
    told = receipts.where(F.col("receipt_type").isin(*RESPONSES)).join(decided, "about")
    return told.select(
        "source",
        "record_id",
        "decision_id",
        F.coalesce("meant", "person_id").alias("person_id"),
        F.col("about").alias("delivery_id"),
        F.col("sent_to").alias("destination"),
        F.col("receipt_type").alias("response_type"),
        _worth(rewards).alias("reward"),
        "occurred_at",
    ).select(*DECISION_RESPONSE.columns)


def _worth(rewards: Mapping[str, float]) -> Column:
    worth = F.lit(0.0)
    for kind, reward in sorted(rewards.items()):
        worth = F.when(F.col("receipt_type") == kind, F.lit(float(reward))).otherwise(worth)
    return worth
