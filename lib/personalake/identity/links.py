"""Links from identifiers to persons: those that records tell, and the pass-through of every other identifier."""

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.hashing import person_hash
from personalake.common.standardise import standard_value, without_blocked
from personalake.common.transformation import Transformation
from personalake.tables.silver import PERSON_LINK


def identifiers(sightings: Sequence[DataFrame], blocked: tuple[str, ...] = ()) -> DataFrame:
    """Identifiers that sources have shown us; what stands for nobody (`anonymous`, `0`) is no person.

    Args:
        sightings: Frames with `namespace`, `customer_id`, `source` and `known_at`; rows without a customer do not count.
        blocked: Regular expressions of values that identify nobody, in any case of letters.

    Returns:
        One row per `(namespace, value)` with the sorted `sources` and `first_known_at`.
    """
    if not sightings:
        raise ValueError("identifiers needs at least one frame of sightings")
    merged = reduce(DataFrame.unionByName, map(_seen, sightings))
    seen = merged.groupBy("namespace", "value").agg(
        F.sort_array(F.collect_set("source")).alias("sources"), F.min("known_at").alias("first_known_at")
    )
    return seen.where(without_blocked(F.col("value"), blocked).isNotNull())


def _seen(sightings: DataFrame) -> DataFrame:
    """One row per identifier and source, so that little is left to be merged."""
    named = sightings.where("customer_id IS NOT NULL").withColumn("value", F.col("customer_id"))
    return named.groupBy("namespace", "value", "source").agg(F.min("known_at").alias("known_at"))


def lone_links(found: DataFrame, calling_code: str) -> DataFrame:
    """Links in which every identifier is its own person; one row per `(namespace, value)`.

    The person id is a hash of the identifier in its one spelling, so that it survives when real resolution slots in.

    Args:
        found: What sources have shown, rows of `identifiers`.
        calling_code: Country calling code of phone numbers that are written without one.
    """
    key = standard_value(F.col("namespace"), F.col("value"), calling_code)
    return found.withColumn("person_id", person_hash(F.col("namespace"), key)).select(*PERSON_LINK.columns)


def joined_links(found: DataFrame, resolved: DataFrame, calling_code: str) -> DataFrame:
    """Links of all identifiers: as records tell, else each its own person; one row per `(namespace, value)`.

    Args:
        found: What sources have shown, rows of `identifiers`, in the spelling of each source.
        resolved: Links of the identifiers in records alone: `namespace`, `value`, `person_id`, `sources`, `first_known_at`.
        calling_code: Country calling code of phone numbers that are written without one.
    """
    told = resolved.select(
        "namespace", F.col("value").alias("key"), "person_id", F.col("sources").alias("of_records"),
        F.col("first_known_at").alias("told_at"),
    )  # fmt: skip
    # Events know an e-mail or phone as somebody typed it; records know it standardised.
    keyed = found.withColumn("key", standard_value(F.col("namespace"), F.col("value"), calling_code))
    unseen = resolved.join(found.select("namespace", "value"), ["namespace", "value"], "left_anti")
    nothing = F.array().cast("array<string>")
    joined = keyed.join(told, ["namespace", "key"], "left").withColumns(
        {
            "sources": F.array_sort(F.array_union("sources", F.coalesce("of_records", nothing))),
            "first_known_at": F.least("first_known_at", "told_at"),
        }
    )
    return (
        joined.transform(_with_lone_persons(resolved))
        .select(*PERSON_LINK.columns)
        .unionByName(unseen.select(*PERSON_LINK.columns))
    )


def _with_lone_persons(resolved: DataFrame) -> Transformation:
    """Identifiers that no record holds are persons of their own, by their hash, as long as nobody else has that id."""
    taken = resolved.select(F.col("person_id").alias("own_id"), F.lit(True).alias("is_taken")).distinct()
    own = F.when(F.col("person_id").isNull(), person_hash(F.col("namespace"), F.col("key")))
    # An identifier that named a person, and that no record holds any more, is not that person.
    apart = person_hash(F.col("namespace"), F.concat("key", F.lit("#lone")))
    person = F.coalesce("person_id", F.when(F.col("is_taken"), apart), "own_id")
    return lambda rows: rows.withColumn("own_id", own).join(taken, "own_id", "left").withColumn("person_id", person)
