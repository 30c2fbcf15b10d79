"""What data providers tell about people: joined by hashed e-mail, and used only where licence and consent allow it."""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.standardise import standard_email
from personalake.common.time_cuts import known_before
from personalake.config.profiles import Licence
from personalake.profiles.licences import UNLICENSED, barred
from personalake.profiles.survivorship import origin

HASHED, EMAIL = "email_sha256", "email"
LEFT_OUT = "left_out"
# Why a row is not used, beside what its licence says; the first that holds is given.
UNCONSENTED, REFUSED = "no consent at the provider", "the person refuses"
NOBODY = "nobody is known by this e-mail"


def judged(
    attributes: DataFrame,
    links: DataFrame,
    refusing: DataFrame,
    licences: Mapping[str, Licence],
    as_of: date,
    today: date,
) -> DataFrame:
    """Attributes with their persons, and why those that may not be used are left out.

    Args:
        attributes: Rows of `silver.third_party_attribute`.
        links: `silver.person_link`.
        refusing: `person_id` of those who refuse us what they would be used for: they are not looked up elsewhere.
        licences: Licences that permit use; any other permits none.
        as_of: Exclusive day.
        today: The day on which they would be used: a contract that has ended since permits nothing, whatever the as-of.

    Returns:
        The rows known before `as_of`, with `person_id` (null for nobody) and `left_out` (null for what may be used).
    """
    refused = refusing.select("person_id", F.lit(True).alias("refuses"))
    reason = F.coalesce(
        _unlicensed(licences, max(as_of, today)),
        F.when(~F.coalesce("is_consented", F.lit(False)), UNCONSENTED),
        F.when(F.col("person_id").isNull(), NOBODY),
        F.when(F.col("refuses"), REFUSED),
    )
    is_hash = F.col("namespace") == HASHED
    return (
        attributes.transform(known_before(as_of))
        .withColumn("customer_id", F.when(is_hash, F.lower("customer_id")).otherwise(F.col("customer_id")))
        .join(links.transform(hashed_links), ["namespace", "customer_id"], "left")
        .join(refused, "person_id", "left")
        .withColumn(LEFT_OUT, reason)
    )


def hashed_links(links: DataFrame) -> DataFrame:
    """Identifiers by which a provider may name a person: our own, and SHA-256 of the e-mail in small letters."""
    own = links.select("namespace", F.col("value").alias("customer_id"), "person_id")
    hashed = links.where(F.col("namespace") == EMAIL).select(
        F.lit(HASHED).alias("namespace"), F.sha2(standard_email(F.col("value")), 256).alias("customer_id"), "person_id"
    )
    one = F.min("person_id").alias("person_id")
    return own.unionByName(hashed).groupBy("namespace", "customer_id").agg(one)


def told_attributes(rows: DataFrame) -> DataFrame:
    """The newest usable value of each attribute of each person, and where it is from.

    Args:
        rows: The result of `judged`.

    Returns:
        `person_id`, `third_party` (attribute to value) and `bought_from` (`third_party.<attribute>` to `source:record at
        time (provider, licence)`).
    """
    bought = F.concat_ws("", origin(), F.lit(" ("), "provider", F.lit(", "), "licence", F.lit(")"))
    newest = F.max_by(F.struct("value", bought.alias("origin")), F.struct("occurred_at", "known_at", "source", "record_id"))
    usable = rows.where(F.col(LEFT_OUT).isNull() & F.col("value").isNotNull())
    each = usable.groupBy("person_id", "attribute").agg(newest.alias("newest"))
    values = F.collect_list(F.struct("attribute", F.col("newest.value").alias("value")))
    origins = F.collect_list(F.struct(F.concat(F.lit("third_party."), "attribute").alias("attribute"), "newest.origin"))
    return each.groupBy("person_id").agg(
        F.map_from_entries(F.array_sort(values)).alias("third_party"),
        F.map_from_entries(F.array_sort(origins)).alias("bought_from"),
    )


def _unlicensed(licences: Mapping[str, Licence], used_on: date) -> Column:
    """Why the licence does not permit use; null where it does."""
    reason: Column = F.lit(UNLICENSED)
    for name, licence in licences.items():
        is_ours = F.col("licence") == name
        if licence.attributes:
            is_ours = is_ours & F.col("attribute").isin(*licence.attributes)
        reason = F.when(is_ours, barred(licence, used_on)).otherwise(reason)
    return reason
