"""Attributes bought from data providers, by hashed e-mail, with source, licence and consent; one of them leaks."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.world.catalog import NAMES
from personalake.world.chance import Chance, at
from personalake.world.contacts import Contacts
from personalake.world.settings import WorldSettings

MATCH_RATE, CONSENT_RATE = 0.5, 0.7
INCOMES = {"low": 0.3, "middle": 0.5, "high": 0.2}
HOMES = {"owner": 0.45, "renter": 0.55}
# The leaking attribute: the provider computes it at the end, from what happened until then, and dates it to the beginning.
LEAK, LEAK_NOISE = "engagement_index", 0.15


def third_party_attributes(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """What data providers deliver.

    Returns:
        One row per person and attribute: `row_id`, `email_sha256` (of the trimmed lower-case address), `attribute`, `value`,
        `provider`, `licence`, `consented`, `valid_from`.
    """
    own = Chance(settings.seed, ("person",))
    stays = F.least(F.greatest(F.col("left_day"), F.lit(0)), F.lit(settings.days)) / settings.days
    index = F.round(100 * (1 - LEAK_NOISE) * stays + 100 * LEAK_NOISE * own.share("leak-noise"))
    attributes = {
        "income_band": (own.weighted("income", INCOMES), "Datum", "licence-2025-A"),
        "home_ownership": (own.weighted("home", HOMES), "Datum", "licence-2025-A"),
        "interest": (F.lower(at(NAMES, F.col("favourite"))), "Panelhaus", "research-only"),
        LEAK: (index.cast("int").cast("string"), "Panelhaus", "licence-2025-B"),
    }
    parts = ("attribute", "value", "provider", "licence")
    told = [
        F.struct(*(F.lit(value).alias(part) for part, value in zip(parts, (name, *rest), strict=True)))
        for name, rest in attributes.items()
    ]
    email = Contacts(settings).email(F.lit(0), F.col("last_name"))
    return (
        everyone.where(own.happens("matched", MATCH_RATE) & (F.col("joined_day") <= 0))
        .withColumn("told", F.explode(F.array(*told)))
        .select("person", email.alias("email"), "told.*")
        .select(
            F.concat_ws("-", F.lit("tp"), own.identifier("third-party", 12), "attribute").alias("row_id"),
            F.sha2("email", 256).alias("email_sha256"),
            "attribute",
            "value",
            "provider",
            "licence",
            Chance(settings.seed, ("person", "provider")).happens("third-party-consent", CONSENT_RATE).alias("consented"),
            F.lit(settings.first_day).alias("valid_from"),
        )
    )
