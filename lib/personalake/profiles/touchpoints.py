"""Touchpoints of every channel in one shape, each with its person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.persons import by_caller, by_other_identifiers, with_person
from personalake.common.time_cuts import known_before
from personalake.common.transformation import Transformation
from personalake.config.profiles import JourneySettings, Licence
from personalake.profiles.licences import barred

PURCHASE = "purchase"
COLUMNS = (
    "person_id", "touchpoint_id", "occurred_at", "channel", "kind", "product_id", "order_id", "device_type", "region",
)  # fmt: skip
_TOLD = ("namespace", "customer_id", *COLUMNS[1:])
# What a message does by itself (sent, bounced) touches nobody.
_ENGAGED = {"opened": "open", "clicked": "click"}
_REDEEMED = "coupon_redeemed"
# A post under terms that nobody knows may not be used.
_NO_LICENCE = "unknown"


@dataclass(frozen=True)
class Touched:
    """Everything that touchpoints are made of, as rows of silver.

    Args:
        interactions: `silver.interaction`.
        emails: `silver.email_engagement`.
        tickets: `silver.support_ticket`.
        answers: `silver.survey_answer`.
        mentions: `silver.social_mention`.
        responses: `silver.campaign_response`.
        receipts: `silver.delivery_receipt`.
        order_lines: `silver.order_line`.
        links: `silver.person_link`.
    """

    interactions: DataFrame
    emails: DataFrame
    tickets: DataFrame
    answers: DataFrame
    mentions: DataFrame
    responses: DataFrame
    receipts: DataFrame
    order_lines: DataFrame
    links: DataFrame


def touchpoints(
    touched: Touched, as_of: date, settings: JourneySettings, licences: Mapping[str, Licence], used_on: date
) -> DataFrame:
    """What each person did on any channel, as known before `as_of`; what nobody can be named for is left out.

    A purchase on the web or in the app is told twice, by the visit and by the order: the visit counts. An order that no
    visit of the same person tells of counts as a touchpoint of its store.

    Args:
        touched: Rows of silver.
        as_of: Exclusive day.
        settings: What counts as a journey.
        licences: Licences that end; a post under one that has ended is nobody's touchpoint.
        used_on: The day of use, by which they end.

    Returns:
        One row per touchpoint, in the columns `COLUMNS`.
    """
    known, attached = known_before(as_of), with_person(touched.links)
    visits = touched.interactions.transform(known).transform(_visits).transform(attached)
    orders = touched.order_lines.transform(known).transform(lambda lines: _orders(lines, settings)).transform(attached)
    told = visits.where(F.col("kind") == PURCHASE).select("person_id", "order_id")
    others = (
        touched.emails.transform(known).transform(_messages),
        touched.tickets.transform(known).transform(_tickets),
        touched.answers.transform(known).transform(_answers),
        _mentions(touched.mentions.transform(known), licences, used_on),
        touched.responses.transform(known).transform(_responses),
        touched.receipts.transform(known).transform(_receipts),
    )
    return (
        visits.select(*COLUMNS)
        .unionByName(orders.join(told, ["person_id", "order_id"], "left_anti").select(*COLUMNS))
        .unionByName(reduce(DataFrame.unionByName, others).transform(attached).select(*COLUMNS))
    )


def _visits(interactions: DataFrame) -> DataFrame:
    """Steps of visits by the best identifier there is: the account, else the cookie, else the device.

    A step that concerns several products has a row for each; the first one stands for the step.
    """
    return interactions.where("coalesce(item_position, 1) = 1").transform(
        by_other_identifiers(cookie_id=F.col("cookie_id"), device_id=F.col("device_id"))
    ).select(
        "namespace", "customer_id", F.col("event_id").alias("touchpoint_id"), "occurred_at", "channel",
        F.col("interaction_type").alias("kind"), "product_id", "order_id", "device_type", "region",
    )  # fmt: skip


def _messages(emails: DataFrame) -> DataFrame:
    engaged = emails.where(F.col("engagement_type").isin(*_ENGAGED))
    return engaged.transform(_touches(F.lit("email"), _engagement("engagement_type"), F.col("event_id")))


def _tickets(tickets: DataFrame) -> DataFrame:
    channel = F.coalesce("channel", F.lit("support"))
    return tickets.transform(by_caller).transform(_touches(channel, F.lit("ticket")))


def _answers(answers: DataFrame) -> DataFrame:
    return answers.transform(_touches(F.lit("survey"), F.lit("answer")))


def _mentions(mentions: DataFrame, licences: Mapping[str, Licence], used_on: date) -> DataFrame:
    """Posts that their authors and their licence let us use; of one that is not among the settings no end is known."""
    may_be_used = F.col("is_consented") & (F.col("licence") != _NO_LICENCE)
    for name, licence in licences.items():
        may_be_used &= (F.col("licence") != name) | barred(licence, used_on).isNull()
    return mentions.where(may_be_used).transform(_touches(F.coalesce("platform", F.lit("social")), F.lit("mention")))


def _responses(responses: DataFrame) -> DataFrame:
    kind = F.when(F.col("response_type") == _REDEEMED, "redemption").otherwise(F.col("response_type"))
    return responses.transform(_touches(F.lit("campaign"), kind))


def _receipts(receipts: DataFrame) -> DataFrame:
    """Push and other messages that were opened or clicked; e-mails are told by the mailing service already."""
    engaged = receipts.where(F.col("receipt_type").isin(*_ENGAGED) & (F.col("channel") != "email"))
    return engaged.transform(_touches(F.col("channel"), _engagement("receipt_type")))


def _engagement(column: str) -> Column:
    kinds = F.create_map(*(F.lit(text) for pair in _ENGAGED.items() for text in pair))
    return F.element_at(kinds, F.col(column))


def _touches(channel: Column, kind: Column, touchpoint_id: Column | None = None) -> Transformation:
    """Rows that concern no product, no order, and no device."""
    nothing = F.lit(None).cast("string")
    own_id = F.concat_ws(":", "source", "record_id") if touchpoint_id is None else touchpoint_id
    return lambda rows: rows.select(
        "namespace", "customer_id", own_id.alias("touchpoint_id"), "occurred_at", channel.alias("channel"),
        kind.alias("kind"), *(nothing.alias(name) for name in _TOLD[6:]),
    )  # fmt: skip


def _orders(order_lines: DataFrame, settings: JourneySettings) -> DataFrame:
    """One touchpoint per order; goods that are only brought back are none."""
    is_online = F.col("store_id").isin(*settings.online_stores)
    channel = F.when(is_online, F.col("store_id")).otherwise(F.lit("store"))
    # Hashed: an id must not spell out a loyalty number or an address.
    customer_and_order = F.concat_ws(":", "namespace", "customer_id", "order_id")
    return (
        order_lines.where("NOT coalesce(is_return, false) AND customer_id IS NOT NULL")
        .groupBy("namespace", "customer_id", "order_id")
        .agg(F.min("occurred_at").alias("occurred_at"), F.min(channel).alias("channel"))
        .withColumns(
            {
                "touchpoint_id": F.concat(F.lit("order:"), F.substring(F.sha2(customer_and_order, 256), 1, 24)),
                "kind": F.lit(PURCHASE),
                **{name: F.lit(None).cast("string") for name in ("product_id", "device_type", "region")},
            }
        )
    )
