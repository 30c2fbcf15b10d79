"""What people say: support tickets, survey answers, and mentions on social networks; each with a mood that is known."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.world.activity import days_present
from personalake.world.calendar import instant
from personalake.world.catalog import assortment
from personalake.world.chance import Chance, at
from personalake.world.contacts import Contacts
from personalake.world.orders import ordered_product
from personalake.world.settings import WorldSettings
from personalake.world.texts import CLOSINGS, MOODS, OPENINGS, SENTENCES, TOPICS

TICKET_CHANCE, LEAVING_TICKET_CHANCE, LEAVING_DAYS = 0.004, 0.02, 30
MENTION_CHANCE, KNOWN_HANDLE_RATE = 0.0015, 0.3
SURVEY_DAYS, SURVEY_RATE, ANSWER_RATE = 30, 0.25, 0.35
RATED_RATE = 0.4
PLATFORMS = {"chirper": 0.5, "picturewall": 0.3, "forum": 0.2}
LICENCES = {"public-api-terms": 0.7, "licensed-feed": 0.2, "unknown": 0.1}


def tickets(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """Support tickets, with the mood behind each; people who are about to leave write more often, and are angrier.

    Returns:
        One row per ticket: `person`, `day`, `ticket_id`, `mood`, `topic`, `text`, `channel`, `email`, `phone`, `rating`
        (1 to 5; null for most), `opened_at`.
    """
    each = Chance(settings.seed, ("person", "day"))
    is_leaving = F.col("left_day") - F.col("day") <= LEAVING_DAYS
    chance = F.when(is_leaving, LEAVING_TICKET_CHANCE).otherwise(TICKET_CHANCE)
    feeling = F.col("good_will") + each.normal("ticket-mood") - F.when(is_leaving, 1.5).otherwise(0.3)
    channel = each.weighted("ticket-channel", {"email": 0.5, "phone": 0.3, "chat": 0.2})
    rating = F.least(F.greatest(F.round(3.2 + F.col("feeling")), F.lit(1)), F.lit(5)).cast("int")
    return (
        everyone.transform(days_present(settings))
        .where(each.happens("ticket", chance))
        .withColumn("feeling", feeling)
        .transform(_spoken(settings, each, "ticket"))
        .withColumns(
            {
                "ticket_id": F.concat(F.lit("T"), each.identifier("ticket", 12)),
                "channel": channel,
                "email": F.when(channel != "phone", Contacts(settings).email(F.lit(0), F.col("last_name"))),
                "phone": F.when(channel == "phone", Contacts(settings).phone(F.lit(0))),
                "rating": F.when(each.happens("rated", RATED_RATE), rating),
                "opened_at": instant(settings, F.col("day"), 28_800 + each.below("ticket-second", 36_000)),
            }
        )
        .select("person", "day", "ticket_id", "mood", "topic", "text", "channel", "email", "phone", "rating", "opened_at")
    )


def support_tickets(tickets: DataFrame) -> DataFrame:
    """What the help desk exports: `ticket`, `requester_email`, `requester_phone`, `via`, `comment`, `rating`, `created`."""
    return tickets.select(
        F.col("ticket_id").alias("ticket"),
        F.col("email").alias("requester_email"),
        F.col("phone").alias("requester_phone"),
        F.col("channel").alias("via"),
        F.col("text").alias("comment"),
        "rating",
        F.col("opened_at").alias("created"),
    )


def mentions(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """Mentions of the shop on social networks, with whose they are.

    Returns:
        One row per mention: `person`, `mention_id`, `platform`, `handle`, `email` (where the person told the shop their
        handle), `text`, `mood`, `topic`, `licence`, `may_be_used` (whether licence and person allow it), `posted_at`.
    """
    each, own = Chance(settings.seed, ("person", "day")), Chance(settings.seed, ("person",))
    licence, is_known = each.weighted("licence", LICENCES), own.happens("handle-known", KNOWN_HANDLE_RATE)
    feeling = F.col("good_will") + each.normal("mention-mood")
    handle = F.concat(F.lit("@"), F.lower("nickname"), own.identifier("handle", 4))
    return (
        everyone.transform(days_present(settings))
        .where(each.happens("mention", MENTION_CHANCE))
        .withColumn("feeling", feeling)
        .transform(_spoken(settings, each, "mention"))
        .select(
            "person",
            F.concat(F.lit("p"), each.identifier("mention", 12)).alias("mention_id"),
            own.weighted("platform", PLATFORMS).alias("platform"),
            handle.alias("handle"),
            F.when(is_known, Contacts(settings).email(F.lit(0), F.col("last_name"))).alias("email"),
            "text",
            "mood",
            "topic",
            licence.alias("licence"),
            ((licence != "unknown") & is_known).alias("may_be_used"),
            instant(settings, F.col("day"), each.below("mention-second", 86_400)).alias("posted_at"),
        )
    )


def social_mentions(mentions: DataFrame) -> DataFrame:
    """What the listening service delivers: the columns of `mentions` without the person, the mood and the topic."""
    return mentions.select(
        "mention_id", "platform", "handle", "email", "text", "licence", F.col("may_be_used").alias("consent"), "posted_at"
    )


def survey_answers(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """Answers to the monthly question whether one would recommend the shop.

    Returns:
        One row per answer: `answer_id`, `survey`, `email`, `score` (0 to 10), `comment` (null for most), `answered_at`.
    """
    each = Chance(settings.seed, ("person", "day"))
    is_asked = (F.pmod("day", F.lit(SURVEY_DAYS)) == SURVEY_DAYS - 1) & each.happens("survey", SURVEY_RATE * ANSWER_RATE)
    score = F.round(7.4 + 1.8 * F.col("good_will") + 1.2 * each.normal("score"))
    return (
        everyone.transform(days_present(settings))
        .where(is_asked)
        .withColumn("feeling", F.col("good_will") + each.normal("survey-mood"))
        .transform(_spoken(settings, each, "survey"))
        .select(
            F.concat(F.lit("a"), each.identifier("survey", 12)).alias("answer_id"),
            F.concat(F.lit("nps-"), F.floor(F.col("day") / SURVEY_DAYS) + 1).alias("survey"),
            Contacts(settings).email(F.lit(0), F.col("last_name")).alias("email"),
            F.least(F.greatest(score, F.lit(0)), F.lit(10)).cast("int").alias("score"),
            F.when(each.happens("comment", 0.3), F.col("text")).alias("comment"),
            instant(settings, F.col("day"), 36_000 + each.below("survey-second", 36_000)).alias("answered_at"),
        )
    )


def _spoken(settings: WorldSettings, each: Chance, topic: str) -> Transformation:
    """Add `mood`, `topic` and `text` to rows with a `feeling` (standard normal, worse below)."""
    mood = F.when(F.col("feeling") < -0.7, "angry").when(F.col("feeling") < 0.9, "neutral").otherwise("happy")
    names = [product.name.rsplit(" ", 1)[0].lower() for product in assortment(settings)]
    line = {"line": each.below(f"{topic}:line", 1_000) + 2_000}
    said = F.lit(None).cast("string")
    for of_mood in MOODS:
        sentences = F.lit(None).cast("string")
        for of_topic in TOPICS:
            sentences = F.when(
                F.col("topic") == of_topic, each.pick(f"{topic}:sentence", SENTENCES[of_mood][of_topic])
            ).otherwise(sentences)
        parts = (
            each.pick(f"{topic}:opening", OPENINGS[of_mood]),
            sentences,
            each.pick(f"{topic}:closing", CLOSINGS[of_mood]),
        )
        said = F.when(F.col("mood") == of_mood, F.concat_ws(" ", *parts)).otherwise(said)
    return lambda rows: (
        rows.withColumns({"mood": mood, "topic": each.pick(f"{topic}:topic", TOPICS), **line})
        .withColumns({"said": said, "about": at(names, ordered_product(settings))})
        .withColumn("text", F.replace("said", F.lit("{product}"), F.col("about")))
        .drop("said", "about", "line")
    )
