"""The current state of consent, derived from the append-only ledger; it fails closed.

It is the state at the moment of the run, whatever its as-of: what a person once allowed allows nothing today.

| an answer that | has this effect |
|---|---|
| was given before another one, and arrives after it | none: the moment at which it was given counts, not its arrival |
| was given at the same moment as another one | the refusal wins |
| grants, and is dated in the future | none until then |
| refuses, and is dated in the future | it counts from now on, and no earlier grant counts until its day |
| refuses, and whose time cannot be read | it counts from the moment when it came, with a warning |
| grants until a day that has come | the status is `expired`, which allows nothing |
| is about a purpose that nobody declared | kept and counted; nothing can ask for it |
| is a signal, e.g. Global Privacy Control | an answer about each of the purposes that the signal speaks for |
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from personalake.common.purposes import purpose_form
from personalake.common.time_cuts import instant
from personalake.common.transformation import Transformation
from personalake.tables.silver import CONSENT_CURRENT

GRANTED = ("granted", "assumed_granted")
EXPIRED = "expired"


def refusing(consents: DataFrame, purpose: str) -> DataFrame:
    """`person_id` of those who answered otherwise than by granting; who was not asked has not refused.

    Args:
        consents: Rows of `silver.consent_current`.
        purpose: The purpose.
    """
    return consents.where((F.col("purpose") == purpose) & ~is_granted(F.col("status"))).select("person_id")


def with_signals(signals: Mapping[str, Sequence[str]], purposes: Iterable[str] = ()) -> Transformation:
    """Answers about signals as answers about the purposes that they speak for; the signal itself is no purpose.

    Purposes and signals have the names that the settings declare by then: rows that were refined earlier, or under other
    settings, may spell them otherwise, and a refusal among them counts all the same.

    Args:
        signals: Signal to purposes, e.g. `global_privacy_control` to sale and sharing. A signal can only refuse: one that
            says `granted` takes nothing back that a person said otherwise, and is left out.
        purposes: Those that are declared.

    Returns:
        A transformation of rows with `purpose` and `status`.
    """
    declared = [*purposes, *signals]
    spoken = F.lit(None).cast("array<string>")
    for signal, refused in signals.items():
        meant = F.when(F.col("status") == "granted", F.array().cast("array<string>")).otherwise(
            F.array(*map(F.lit, refused)).cast("array<string>")
        )
        spoken = F.when(F.col("purpose") == signal, meant).otherwise(spoken)
    meant_purposes = F.explode(F.coalesce(spoken, F.array("purpose")))
    named = F.expr(purpose_form(declared).format(text="purpose"))

    def with_purposes(answers: DataFrame) -> DataFrame:
        answers = answers.withColumn("purpose", named) if declared else answers
        return answers.withColumn("purpose", meant_purposes) if signals else answers

    return with_purposes


def current_consent(now: datetime) -> Transformation:
    """What each person says about each purpose: grants that are known by now, and refusals, whatever day they name.

    Args:
        now: The moment, with its zone; a consent that ends at it or before has expired.

    Returns:
        A transformation of consent rows with `person_id` to one row per `(person_id, purpose)`.
    """
    moment = instant(now)
    is_known = (F.col("occurred_at") <= moment) & (F.col("known_at") <= moment)
    is_refusal = F.coalesce(F.col("status") != "granted", F.lit(True))
    return lambda answers: latest_answers(answers.where(is_refusal | is_known), moment)


def latest_answers(answers: DataFrame, at: Column) -> DataFrame:
    """The most recent answer of each person about each purpose; of answers given at the same moment, a refusal wins.

    Args:
        answers: Rows of `silver.consent` with `person_id`.
        at: Moment from which a consent that ends there counts no more.
    """
    has_expired = (F.col("status") == "granted") & (F.col("expires_at") <= at)
    is_refusal = F.when(F.col("status") == "granted", 0).otherwise(1)
    newest = Window.partitionBy("person_id", "purpose").orderBy(
        F.desc("occurred_at"), F.desc(is_refusal), F.desc("known_at"), F.asc("record_id")
    )
    placed = answers.withColumn("place", F.row_number().over(newest))
    latest = placed.where("place = 1")
    return latest.withColumn("status", F.when(has_expired, EXPIRED).otherwise(F.col("status"))).select(
        *CONSENT_CURRENT.columns
    )


def without_refusals(answers: DataFrame, now: datetime) -> Transformation:
    """Take away what a person has refused by now, whatever the as-of: a grant waits for its day, a refusal never does.

    So a grant that is dated in the future does not hide a refusal, and a consent that has ended since is one.

    Args:
        answers: All rows of `silver.consent` with `person_id`, known by now.
        now: The moment, with its zone.

    Returns:
        A transformation of rows of `silver.consent_current`.
    """
    moment = instant(now)
    waits = (F.col("status") == "granted") & (F.col("occurred_at") > moment)
    counted = answers.where(~F.coalesce(waits, F.lit(False)))
    refused = latest_answers(counted, moment).where(~is_granted(F.col("status"))).select("person_id", "purpose")
    return lambda consents: consents.join(refused, ["person_id", "purpose"], "left_anti")


def assumed_consent(links: DataFrame, purposes: Mapping[str, Sequence[str]]) -> DataFrame:
    """Consent that a source's setting assumes, for persons seen in that source.

    Args:
        links: Rows of `silver.person_link`.
        purposes: Source with `consent: assume_granted`, to the purposes that any rule or destination asks for.

    Returns:
        Rows of `silver.consent_current` with the status `assumed_granted`.
    """
    rows = links.limit(0).select("person_id", F.lit("").alias("purpose"), F.lit("").alias("source"), "first_known_at")
    for source, names in purposes.items():
        seen = links.where(F.array_contains("sources", source))
        for purpose in names:
            rows = rows.unionByName(
                seen.select("person_id", F.lit(purpose).alias("purpose"), F.lit(source).alias("source"), "first_known_at")
            )
    grouped = rows.groupBy("person_id", "purpose").agg(
        F.min("source").alias("source"), F.min("first_known_at").alias("occurred_at")
    )
    return grouped.select(
        "person_id",
        "purpose",
        F.lit("assumed_granted").alias("status"),
        F.concat(F.lit("consent: assume_granted in conf/sources/"), "source", F.lit(".yml")).alias("legal_basis"),
        F.lit("assumed").alias("origin"),
        "occurred_at",
        F.col("occurred_at").alias("known_at"),
        F.lit(None).cast("timestamp").alias("expires_at"),
    )


def is_granted(status: Column) -> Column:
    """Whether a current status allows use; null (no answer) does not."""
    return F.coalesce(status.isin(*GRANTED), F.lit(False))


def granted_purposes(consents: DataFrame) -> DataFrame:
    """What each person allows.

    Args:
        consents: Rows of `silver.consent_current`.

    Returns:
        `person_id` and `purposes`, the sorted array of granted purposes; who grants nothing has no row.
    """
    granted = consents.where(is_granted(F.col("status")))
    return granted.groupBy("person_id").agg(F.sort_array(F.collect_set("purpose")).alias("purposes"))


def granted_among(purposes: Sequence[str]) -> Transformation:
    """The same as `granted_purposes` for some purposes only: one number a person on the way, which is quick for millions.

    Args:
        purposes: Purposes that are asked for; others are left out.
    """
    names = sorted(set(purposes))
    bit = F.lit(0).cast("bigint")
    for place, name in enumerate(names):
        bit = F.when(F.col("purpose") == name, F.lit(1 << place).cast("bigint")).otherwise(bit)
    held = F.array(*map(F.lit, names))
    has = F.filter(held, lambda _, place: F.getbit("bits", place) == 1) if names else F.array().cast("array<string>")

    def granted(consents: DataFrame) -> DataFrame:
        asked = consents.where(is_granted(F.col("status")) & F.col("purpose").isin(*names))
        return asked.groupBy("person_id").agg(F.bit_or(bit).alias("bits")).select("person_id", has.alias("purposes"))

    return granted
