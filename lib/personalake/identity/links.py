"""The pass-through: each identifier is a person of its own, until real resolution joins them."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.hashing import person_hash
from personalake.tables.silver import PERSON_LINK


def identifiers(sightings: Sequence[DataFrame]) -> DataFrame:
    """Identifiers that sources have shown us.

    Args:
        sightings: Frames with `namespace`, `customer_id`, `source` and `known_at`; rows without a customer do not count.

    Returns:
        One row per `(namespace, value)` with the sorted `sources` and `first_known_at`.
    """
    if not sightings:
        raise ValueError("identifiers needs at least one frame of sightings")
    merged = reduce(DataFrame.unionByName, map(_seen, sightings))
    return merged.groupBy("namespace", "value").agg(
        F.sort_array(F.collect_set("source")).alias("sources"), F.min("known_at").alias("first_known_at")
    )


def _seen(sightings: DataFrame) -> DataFrame:
    """One row per identifier and source, so that little is left to be merged."""
    named = sightings.where("customer_id IS NOT NULL").withColumn("value", F.col("customer_id"))
    return named.groupBy("namespace", "value", "source").agg(F.min("known_at").alias("known_at"))


def lone_links(found: DataFrame) -> DataFrame:
    """Links in which every identifier is its own person; one row per `(namespace, value)`.

    The person id is a hash of the identifier, so that it survives when real resolution slots in.
    """
    return found.withColumn("person_id", person_hash(F.col("namespace"), F.col("value"))).select(*PERSON_LINK.columns)
