"""What sources say of a person now, and which of it counts: attribute by attribute, each by its declared rule."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.config.identity import Survivorship
from personalake.tables.silver import DEMOGRAPHICS

SAID, FILLED, ACCOUNT, IS_PARTIAL, ORIGIN = "said", "filled", "account", "is_partial", "origin"
_ORDER = ("known_at", "source", "record_id")


def attributes_of(records: DataFrame, settings: Survivorship, names: Sequence[str] = DEMOGRAPHICS) -> DataFrame:
    """The surviving value of each attribute of each person, and where it is from.

    A source says of a customer what its newest record says, a blank included; but a blank never wins over what another
    source says. The records of `partial_sources` tell only what has changed.

    Each person's records become one short list, newest first, from which all attributes are read.

    Args:
        records: Rows of `silver.customer_record` with `person_id`, cut at the as-of.
        settings: The rule of each attribute; ties go to the latest, then by source and record.
        names: The attributes.

    Returns:
        One row per person: the attributes, and `provenance`: attribute to `source:record at time (rule)`.
    """
    survivors = {name: _survivor(name, settings) for name in names}
    entries = [
        F.when(F.col(name).isNotNull(), F.struct(F.lit(name).alias("key"), _by_rule(name, settings).alias("value")))
        for name in names
    ]
    provenance = F.map_from_entries(F.array_compact(F.array(*entries)))
    return (
        records.transform(lambda rows: _newest_first(rows, settings, names))
        .withColumn(SAID, F.filter(SAID, _counts))
        .withColumns(survivors)
        .select("person_id", *(F.col(name)[name].alias(name) for name in names), provenance.alias("provenance"))
    )


def _newest_first(records: DataFrame, settings: Survivorship, names: Sequence[str]) -> DataFrame:
    """One row per person: all their records as one list."""
    filled = sum((F.col(name).isNotNull().cast("int") for name in DEMOGRAPHICS), F.lit(0))
    record = F.struct(
        *_ORDER,
        F.xxhash64("source", "namespace", "customer_id").alias(ACCOUNT),
        F.col("source").isin(*settings.partial_sources).alias(IS_PARTIAL),
        filled.alias(FILLED),
        origin().alias(ORIGIN),
        *names,
    )
    return records.groupBy("person_id").agg(F.sort_array(F.collect_list(record), asc=False).alias(SAID))


def _counts(record: Column, place: Column) -> Column:
    """Whether a record says anything still: it is its customer's newest, or tells only what had changed."""
    return record[IS_PARTIAL] | ~_is_told_later(F.col(SAID), record, place)


def _is_told_later(records: Column, record: Column, place: Column) -> Column:
    """Whether a record before this one in the list is of the same customer of the same source."""
    return F.exists(F.slice(records, F.lit(1), place), lambda other: other[ACCOUNT] == record[ACCOUNT])


def _survivor(name: str, settings: Survivorship) -> Column:
    """The record whose value counts; null where none tells any."""
    rule, telling = settings.rule(name), F.filter(SAID, lambda record: record[name].isNotNull())
    if rule == "most_recent":
        return F.get(telling, F.lit(0))
    # What a source that tells only changes has said before is no longer what it says.
    current = F.filter(telling, lambda record, place: ~(record[IS_PARTIAL] & _is_told_later(telling, record, place)))

    def leading(record: Column) -> Column:
        if rule == "most_trusted":
            return -_trust(record, settings)
        if rule == "most_complete":
            return record[FILLED]
        return F.size(F.filter(current, lambda other: other[name] == record[name]))

    ranked = F.transform(current, lambda record: F.struct(leading(record).alias("leading"), record.alias("record")))
    return F.array_max(ranked)["record"]


def _trust(record: Column, settings: Survivorship) -> Column:
    place = F.lit(len(settings.trusted_sources))
    for source in settings.trusted_sources:
        place = F.when(record["source"] == source, settings.trust(source)).otherwise(place)
    return place


def origin() -> Column:
    """Which record a row of silver is, in words; told once for each record, since times take long to write."""
    at = F.date_format(F.to_utc_timestamp("known_at", F.current_timezone()), "yyyy-MM-dd'T'HH:mm:ss'Z'")
    return F.concat("source", F.lit(":"), "record_id", F.lit(" at "), at)


def _by_rule(name: str, settings: Survivorship) -> Column:
    return F.concat(F.col(name)[ORIGIN], F.lit(f" ({settings.rule(name)})"))
