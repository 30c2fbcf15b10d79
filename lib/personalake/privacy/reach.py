"""Whom not to reach: suppression takes away the purposes of its channel, so that all who ask for consent obey it."""

from collections.abc import Mapping
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.hashing import with_keyed_hash
from personalake.common.standardise import standard_value
from personalake.common.transformation import Transformation
from personalake.privacy.addresses import addressees
from personalake.privacy.receipts import PERSON
from personalake.privacy.suppression import ERASED
from personalake.tables.receipts import HARD_BOUNCE, UNREGISTERED

ALL_CHANNELS = "all"


def suppressed_persons(
    suppressions: DataFrame,
    links: DataFrame,
    hash_key: str | None,
    calling_code: str,
    at: datetime,
    people: DataFrame | None = None,
) -> DataFrame:
    """Persons who must not be reached at a moment: those who are named, and those who have a suppressed address now.

    Of an address that several people share, all who are written to there. What bounced is the address: whoever has another
    one by now may be reached there. An erasure goes with the person: somebody else who has their address by now may be
    reached.

    Args:
        suppressions: Rows of `silver.suppression`.
        links: Rows of `silver.person_link`.
        hash_key: Key of the hashes; null if there are none.
        calling_code: Of phone numbers that are written without one.
        at: The moment.
        people: Rows of `silver.person`, if anybody is to be reached.

    Returns:
        `person_id` and `scope`, each pair once.
    """
    moment = F.lit(at.isoformat()).cast("timestamp")
    of_people = F.coalesce(F.col("reason") != UNREGISTERED, F.lit(True))
    current = suppressions.where(of_people & (F.col("since") <= moment) & F.coalesce(F.col("until") > moment, F.lit(True)))
    named = current.where("person_id IS NOT NULL")
    if hash_key is None:
        return named.select("person_id", "scope").distinct()
    is_of_address = F.coalesce(F.col("reason") == HARD_BOUNCE, F.lit(False)) & F.col("identifier_hash").isNotNull()
    named = named.where(~is_of_address).select("person_id", "scope")
    hashed = with_keyed_hash(hash_key, "identifier_hash", F.concat("namespace", F.lit("|"), "value"))
    spelled = standard_value(F.col("namespace"), F.col("value"), calling_code)
    # Of a phone in its one spelling the country is not told once more: each value counts as it is, too.
    owners = links.select("namespace", "value", "person_id")
    owners = owners.unionByName(owners.where(spelled != F.col("value")).withColumn("value", spelled))
    held, is_erased = owners.transform(hashed), F.coalesce(F.col("reason") == ERASED, F.lit(False))
    of_address, of_person = current.where(~is_erased), current.where(is_erased)
    own = with_keyed_hash(hash_key, "identifier_hash", F.concat(F.lit(f"{PERSON}|"), "person_id"))
    known = F.broadcast(of_person.select("identifier_hash").distinct())
    forgotten = _hit(held, of_person).transform(own).join(known, "identifier_hash", "left_semi")
    hit = _hit(held, of_address).unionByName(forgotten.select("person_id", "scope"))
    if people is not None:
        hit = hit.unionByName(_hit(addressees(people).transform(hashed), of_address))
    return named.unionByName(hit).distinct()


def _hit(held: DataFrame, suppressions: DataFrame) -> DataFrame:
    told = F.broadcast(suppressions.select("identifier_hash", "scope"))
    return held.select("person_id", "identifier_hash").join(told, "identifier_hash").select("person_id", "scope")


def without_suppressed(persons: DataFrame, purposes: Mapping[str, str]) -> Transformation:
    """Take away what suppressed persons grant for the channels in question.

    Args:
        persons: Rows of `suppressed_persons`.
        purposes: Channel to purpose; a scope that is none of them takes away everything, rather than nothing.

    Returns:
        A transformation of rows of `silver.consent_current`.
    """
    known = [F.lit(text) for pair in purposes.items() for text in pair]
    meant = F.element_at(F.create_map(*known), F.col("scope")) if known else F.lit(None).cast("string")
    barred = persons.select("person_id", F.when(F.col("scope") != ALL_CHANNELS, meant).alias("barred_purpose")).distinct()
    is_barred = F.coalesce(F.col("consents.purpose") == F.col("barred.barred_purpose"), F.lit(True))
    same_person = F.col("consents.person_id") == F.col("barred.person_id")
    return lambda consents: consents.alias("consents").join(barred.alias("barred"), same_person & is_barred, "left_anti")
