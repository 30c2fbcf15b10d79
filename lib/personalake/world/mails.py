"""E-mails: the weekly newsletter and the campaigns, sent to those who agreed, and what became of each."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.world.calendar import instant
from personalake.world.campaigns import CAMPAIGNS, Campaign
from personalake.world.chance import Chance
from personalake.world.consents import consent_on
from personalake.world.contacts import Contacts
from personalake.world.settings import WorldSettings

NEWSLETTER_DAYS = 7
BOUNCE_RATE = 0.015
AGENCY_COST, CLICK_COST = 150, 0.4


def messages(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """Every message that was sent.

    Returns:
        One row per message: `person`, `campaign` (newsletter-<week> or a campaign's id), `day`, `email`, `message_id`,
        `sent_at`, `is_bounced`, `is_opened`, `is_clicked`, `opened_at`, `clicked_at`.
    """
    each = Chance(settings.seed, ("person", "campaign"))
    is_there = (F.col("joined_day") <= F.col("day")) & (F.col("left_day") > F.col("day"))
    sent_at = instant(settings, F.col("day"), 32_400 + each.below("mail-second", 3_600))
    opened_at = F.col("sent_at") + F.make_dt_interval(secs=F.floor(each.exponential("mail-opened", 14_400)) + 5)
    clicked_at = F.col("opened_at") + F.make_dt_interval(secs=each.below("mail-clicked", 600) + 3)
    return (
        everyone.withColumn("mailing", F.explode(F.array_compact(F.array(*_newsletters(settings), *_sent(settings)))))
        .select("*", "mailing.*")
        .where(is_there)
        .withColumns(
            {
                "message_id": F.concat(F.lit("m"), each.identifier("message")),
                "email": Contacts(settings).email(F.lit(0), F.col("last_name")),
                "sent_at": sent_at,
                "is_bounced": each.happens("bounced", BOUNCE_RATE),
                "opens": each.happens("opens", F.col("open_rate")),
                "clicks": each.happens("clicks", F.col("click_rate")),
            }
        )
        .withColumn("is_opened", ~F.col("is_bounced") & F.col("opens"))
        .withColumn("is_clicked", F.col("is_opened") & F.col("clicks"))
        .withColumn("opened_at", F.when(F.col("is_opened"), opened_at))
        .withColumn("clicked_at", F.when(F.col("is_clicked"), clicked_at))
        .select(
            "person", "campaign", "day", "email", "message_id", "sent_at", "is_bounced", "is_opened", "is_clicked",
            "opened_at", "clicked_at",
        )
    )  # fmt: skip


def email_events(messages: DataFrame) -> DataFrame:
    """What the mailing service reports.

    Returns:
        One row per event: `sg_event_id`, `sg_message_id`, `event` (delivered, bounce, open, click), `email`, `category` (the
        campaign), `timestamp`.
    """
    bounced_at = F.col("sent_at") + F.make_dt_interval(secs=F.lit(2))
    events = {
        "delivered": F.when(~F.col("is_bounced"), F.col("sent_at")),
        "bounce": F.when(F.col("is_bounced"), bounced_at),
        "open": F.col("opened_at"),
        "click": F.col("clicked_at"),
    }
    told = (F.struct(F.lit(name).alias("event"), at.alias("timestamp")) for name, at in events.items())
    return (
        messages.withColumn("told", F.explode(F.array(*told)))
        .where("told.timestamp IS NOT NULL")
        .select(
            F.concat_ws("-", "message_id", "told.event").alias("sg_event_id"),
            F.col("message_id").alias("sg_message_id"),
            "told.event",
            "email",
            F.col("campaign").alias("category"),
            "told.timestamp",
        )
    )


def campaign_spend(messages: DataFrame, settings: WorldSettings) -> DataFrame:
    """What each campaign cost on each day, by the books.

    Returns:
        One row per campaign and day with messages: `campaign`, `date`, `channel`, `impressions`, `clicks`, `cost`,
        `currency`. Newsletters cost nothing but the agency's flat fee.
    """
    cost = F.lit(0.0)
    for campaign in CAMPAIGNS:
        cost = F.when(F.col("campaign") == campaign.campaign_id, campaign.cost).otherwise(cost)
    counted = messages.groupBy("campaign", "day").agg(
        F.count("*").alias("impressions"), F.count_if("is_clicked").alias("clicks")
    )
    total = AGENCY_COST + F.col("impressions") * cost + F.col("clicks") * CLICK_COST
    return counted.select(
        "campaign",
        F.date_add(F.lit(settings.first_day), F.col("day")).alias("date"),
        F.lit("email").alias("channel"),
        "impressions",
        "clicks",
        total.cast("decimal(18,2)").alias("cost"),
        F.lit("EUR").alias("currency"),
    )


def _newsletters(settings: WorldSettings) -> list[Column]:
    """The newsletter of each week, for those who agree to it by then."""
    weeks = range(0, settings.days, NEWSLETTER_DAYS)
    agreed = [consent_on("email_marketing", F.lit(day)) == "granted" for day in weeks]
    return [_mailing(is_agreed, f"newsletter-{day // 7 + 1:03d}", day) for day, is_agreed in zip(weeks, agreed, strict=True)]


def _sent(settings: WorldSettings) -> list[Column]:
    return [_mailing(_is_treated(campaign), campaign.campaign_id, campaign.first_day(settings)) for campaign in CAMPAIGNS]


def _is_treated(campaign: Campaign) -> Column:
    return F.col(f"{campaign.column}_arm") == "treated"


def _mailing(condition: Column, campaign: str, day: int) -> Column:
    return F.when(condition, F.struct(F.lit(campaign).alias("campaign"), F.lit(day).alias("day")))
