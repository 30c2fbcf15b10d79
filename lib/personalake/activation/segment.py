"""Segment's `/v1/batch`: what is known about a person, and what was decided for them."""

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.payloads import instant, properties


def operations(destination: str, traits: Sequence[str], as_of: date) -> Mapping[str, Column]:
    """Payloads of the items of one decision: `identify`, then `track`.

    Args:
        destination: Name of the destination; part of each `messageId`, which must be unique across all of them.
        traits: Profile columns that are sent along.
        as_of: Midnight of this day is every item's time, so that equal decisions give equal bytes.
    """

    def item(kind: str, *fields: Column) -> Column:
        # At most 100 characters; the vendor drops repetitions within about a day.
        message = F.concat(F.lit(f"{destination}-{kind}-"), "decision_id").alias("messageId")
        head = [F.lit(kind).alias("type"), message, F.col("external_id").alias("userId")]
        return F.to_json(F.struct(*head, *fields, F.lit(instant(as_of)).alias("timestamp")))

    return {
        "identify": item("identify", F.struct(*traits).alias("traits") if traits else F.create_map().alias("traits")),
        "track": item("track", F.col("action").alias("event"), properties().alias("properties")),
    }


def body(items: Sequence[str]) -> str:
    """One request. It has no `sentAt`: Segment would move every timestamp by what its clock says to that."""
    return f'{{"batch":[{",".join(items)}]}}'
