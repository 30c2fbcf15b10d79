"""What sources say of a person now, and which of it counts: attribute by attribute, each by its declared rule."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.config.identity import Survivorship
from personalake.tables.silver import DEMOGRAPHICS

ACCOUNT = ("source", "namespace", "customer_id")
FILLED = "filled"


def attributes_of(records: DataFrame, settings: Survivorship, names: Sequence[str] = DEMOGRAPHICS) -> DataFrame:
    """The surviving value of each attribute of each person, and where it is from.

    A source says of a customer what its newest record says, a blank included; but a blank never wins over what another
    source says. The records of `partial_sources` tell only what has changed.

    Args:
        records: Rows of `silver.customer_record` with `person_id`, cut at the as-of.
        settings: The rule of each attribute; ties go to the latest, then by source and record.
        names: The attributes.

    Returns:
        One row per person: the attributes, and `provenance`: attribute to `source:record at time (rule)`.
    """
    survivors = {name: _survivor(name, settings) for name in names}
    chosen = records.transform(lambda rows: said_now(rows, settings, names)).groupBy("person_id")
    found = chosen.agg(*(survivor.alias(name) for name, survivor in survivors.items()))
    entries = [
        F.when(F.col(name).isNotNull(), F.struct(F.lit(name).alias("key"), _origin(name, settings).alias("value")))
        for name in names
    ]
    provenance = F.map_from_entries(F.array_compact(F.array(*entries)))
    return found.select("person_id", *(F.col(name)["value"].alias(name) for name in names), provenance.alias("provenance"))


def said_now(records: DataFrame, settings: Survivorship, names: Sequence[str]) -> DataFrame:
    """One row per customer of a source: each attribute as a struct of `known_at`, `record_id`, `filled` and `value`."""
    is_partial = F.col("source").isin(*settings.partial_sources)
    parts = ("known_at", "record_id", FILLED)
    newest = [
        F.max(F.when(~is_partial | F.col(name).isNotNull(), F.struct(*parts, F.col(name).alias("value")))).alias(name)
        for name in names
    ]
    filled = sum((F.col(name).isNotNull().cast("int") for name in DEMOGRAPHICS), F.lit(0))
    return records.withColumn(FILLED, filled).groupBy("person_id", *ACCOUNT).agg(*newest)


def _survivor(name: str, settings: Survivorship) -> Column:
    """The greatest of what is said: by the rule, then by time, source and record."""
    said = F.col(name)
    rule = settings.rule(name)
    leading = {"most_trusted": -_trust(settings), "most_complete": said[FILLED]}.get(rule, F.lit(0))
    statement = F.when(
        said["value"].isNotNull(),
        F.struct(
            leading.alias("leading"), said["known_at"].alias("known_at"), F.col("source").alias("source"),
            said["record_id"].alias("record_id"), said["value"].alias("value"),
        ),
    )  # fmt: skip
    if rule != "most_frequent":
        return F.max(statement)
    said_by_all = F.collect_list(statement)

    def counted(one: Column) -> Column:
        same = F.filter(said_by_all, lambda other: other["value"] == one["value"])
        return one.withField("leading", F.size(same))

    return F.array_max(F.transform(said_by_all, counted))


def _trust(settings: Survivorship) -> Column:
    place = F.lit(len(settings.trusted_sources))
    for source in settings.trusted_sources:
        place = F.when(F.col("source") == source, settings.trust(source)).otherwise(place)
    return place


def _origin(name: str, settings: Survivorship) -> Column:
    """Where a surviving value is from, in words."""
    one = F.col(name)
    at = F.date_format(F.to_utc_timestamp(one["known_at"], F.current_timezone()), "yyyy-MM-dd'T'HH:mm:ss'Z'")
    return F.concat(one["source"], F.lit(":"), one["record_id"], F.lit(" at "), at, F.lit(f" ({settings.rule(name)})"))
