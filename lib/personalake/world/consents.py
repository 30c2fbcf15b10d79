"""Who said yes, no, or no longer, to which use of their data; and who asks to be forgotten."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.world.calendar import instant
from personalake.world.chance import Chance
from personalake.world.contacts import Contacts
from personalake.world.settings import WorldSettings

PURPOSES = ("personalisation", "email_marketing", "push_marketing", "ad_sharing", "fairness")
ASKED_RATE, GRANTED_RATE, WITHDRAWN_RATE = 0.95, 0.84, 0.1
# Only some forms ask whether we may see if groups are treated alike.
FAIRNESS_ASKED_RATE = 0.6
# Members of the loyalty programme answer on its form; some of them once more on the web, and not always the same.
ASKED_AGAIN_RATE = 0.2
ERASURE_RATE = 0.005
DECISIONS = {"granted": "accept", "denied": "reject", "withdrawn": "revoke"}


def with_consents(settings: WorldSettings) -> Transformation:
    """Add each person's answers to rows of `people` with habits.

    Returns:
        A transformation that adds, for each purpose, `<purpose>_status` (granted, denied, or null where nobody asked),
        `<purpose>_withdrawn_day`, `<purpose>_again_day` and `<purpose>_again_status` (the second answer, elsewhere); null
        where there is none. The first answer is given on `joined_day`.
    """
    drawn = {name: value for purpose in PURPOSES for name, value in _answers(settings, purpose).items()}
    has_card = Contacts(settings).has_card()
    return lambda rows: rows.withColumn("has_card", has_card).withColumns(drawn)


def consent_on(purpose: str, day: Column) -> Column:
    """granted, denied or withdrawn on a day, or null: the latest answer counts."""
    status, again = F.col(f"{purpose}_status"), F.col(f"{purpose}_again_status")
    return (
        F.when(F.col(f"{purpose}_withdrawn_day") <= day, "withdrawn")
        .when(F.col(f"{purpose}_again_day") <= day, again)
        .when(F.col("joined_day") <= day, status)
    )


def store_consents(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """Answers on the loyalty programme's form, by card number.

    Returns:
        One row per answer: `form_no`, `card_no`, `purpose`, `decision`, `basis`, `text_version`, `collected_at`, `sent_at`.
    """
    card = Contacts(settings).loyalty_id(F.col("day"))
    return (
        _given(everyone, settings).where("has_card AND NOT is_again").transform(_told(settings, "form_no", "card_no", card))
    )


def web_consents(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """Answers in the web shop, by e-mail address: `answer_id`, `email`, and the other columns of `store_consents`."""
    email = Contacts(settings).email(F.lit(0), F.col("last_name"))
    return (
        _given(everyone, settings).where("NOT has_card OR is_again").transform(_told(settings, "answer_id", "email", email))
    )


def erasure_requests(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """Requests to be forgotten, by e-mail address.

    Returns:
        One row per request, and one of somebody unknown: `request_id`, `email`, `requested_at`, `jurisdiction`.
    """
    own = Chance(settings.seed, ("person",))
    day = F.floor(own.between("erasure-day", settings.days / 2, settings.days))
    asks = everyone.where(own.happens("erasure", ERASURE_RATE)).select(
        F.concat(F.lit("dsr-"), own.identifier("erasure-id", 12)).alias("request_id"),
        Contacts(settings).email(F.lit(0), F.col("last_name")).alias("email"),
        instant(settings, day, own.below("erasure-second", 86_400)).alias("requested_at"),
        F.when(F.col("address.region") == "coast", "CCPA").otherwise("GDPR").alias("jurisdiction"),
    )
    stranger = everyone.sparkSession.range(1).select(
        F.lit("dsr-of-a-stranger").alias("request_id"),
        # In two parts: an erasure searches the code that models carry, too, and would find the address there.
        F.concat(F.lit("nobody"), F.lit("@unknown.example")).alias("email"),
        instant(settings, F.lit(settings.days - 1), F.lit(0)).alias("requested_at"),
        F.lit("GDPR").alias("jurisdiction"),
    )
    return asks.unionByName(stranger)


def _answers(settings: WorldSettings, purpose: str) -> dict[str, Column]:
    own = Chance(settings.seed, ("person", F.lit(purpose)))
    asked_rate = FAIRNESS_ASKED_RATE if purpose == "fairness" else ASKED_RATE
    is_asked, is_granted = own.happens("consent:asked", asked_rate), own.happens("consent:granted", GRANTED_RATE)
    status = F.when(is_asked, F.when(is_granted, "granted").otherwise("denied"))
    later = F.floor(own.between("consent:later", F.greatest(F.col("joined_day") + 1, F.lit(1)), settings.days))
    is_later = later < settings.days
    is_again = F.col("has_card") & is_asked & own.happens("consent:again", ASKED_AGAIN_RATE)
    is_withdrawn = is_asked & is_granted & ~is_again & own.happens("consent:withdrawn", WITHDRAWN_RATE)
    again = F.when(own.happens("consent:granted-again", GRANTED_RATE), "granted").otherwise("denied")
    return {
        f"{purpose}_status": status,
        f"{purpose}_withdrawn_day": F.when(is_withdrawn & is_later, later.cast("int")),
        f"{purpose}_again_day": F.when(is_again & is_later, later.cast("int")),
        f"{purpose}_again_status": F.when(is_again & is_later, again),
    }


def _given(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """One row per answer, beside everything about its person."""
    answers = []
    for purpose in PURPOSES:
        told = {
            "granted or denied": (F.col("joined_day"), F.col(f"{purpose}_status"), False),
            "withdrawn": (F.col(f"{purpose}_withdrawn_day"), F.lit("withdrawn"), False),
            "again": (F.col(f"{purpose}_again_day"), F.col(f"{purpose}_again_status"), True),
        }
        for kind, (day, status, is_again) in told.items():
            given = F.when(day.isNotNull(), status)
            parts = (F.lit(purpose), F.lit(kind), day, given, F.lit(is_again))
            names = ("purpose", "kind", "day", "status", "is_again")
            answers.append(F.struct(*(part.alias(name) for part, name in zip(parts, names, strict=True))))
    return (
        everyone.where(F.col("joined_day") < settings.days)
        .withColumn("answer", F.explode(F.array(*answers)))
        .where("answer.status IS NOT NULL")
        .select("*", "answer.*")
    )


def _told(settings: WorldSettings, id_name: str, key_name: str, key: Column) -> Transformation:
    each = Chance(settings.seed, ("person", "purpose", "kind"))
    collected = instant(settings, F.col("day"), 28_800 + each.below("consent:second", 43_200))
    decision = F.element_at(F.create_map(*(F.lit(text) for pair in DECISIONS.items() for text in pair)), F.col("status"))
    version = F.when(F.col("day") < 0, "2024-1").otherwise("2025-1")
    return lambda rows: rows.select(
        each.identifier(f"consent:{id_name}").alias(id_name),
        key.alias(key_name),
        "purpose",
        decision.alias("decision"),
        F.lit("consent").alias("basis"),
        version.alias("text_version"),
        collected.alias("collected_at"),
        (collected + F.make_dt_interval(secs=each.below("consent:delay", 90) + 1)).alias("sent_at"),
    )
