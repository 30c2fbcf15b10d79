"""Touchpoints of every channel in one shape, each with its person."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.persons import with_person
from personalake.common.time_cuts import known_before
from personalake.config.profiles import JourneySettings

PURCHASE = "purchase"
COLUMNS = ("person_id", "touchpoint_id", "occurred_at", "channel", "kind", "product_id", "order_id")
# What a message does by itself (sent, bounced) touches nobody.
_ENGAGED = {"opened": "open", "clicked": "click"}


@dataclass(frozen=True)
class Touched:
    """Everything that touchpoints are made of, as rows of silver.

    Args:
        interactions: `silver.interaction`.
        emails: `silver.email_engagement`.
        tickets: `silver.support_ticket`.
        order_lines: `silver.order_line`.
        links: `silver.person_link`.
    """

    interactions: DataFrame
    emails: DataFrame
    tickets: DataFrame
    order_lines: DataFrame
    links: DataFrame


def touchpoints(touched: Touched, as_of: date, settings: JourneySettings) -> DataFrame:
    """What each person did on any channel, as known before `as_of`; what nobody can be named for is left out.

    A purchase on the web or in the app is told twice, by the visit and by the order: the visit counts. An order that no
    visit of the same person tells of counts as a touchpoint of its store.

    Returns:
        One row per touchpoint: `person_id`, `touchpoint_id`, `occurred_at`, `channel`, `kind`, `product_id`, `order_id`.
    """
    known, attached = known_before(as_of), with_person(touched.links)
    visits = touched.interactions.transform(known).transform(_visits).transform(attached)
    orders = touched.order_lines.transform(known).transform(lambda lines: _orders(lines, settings)).transform(attached)
    told = visits.where(F.col("kind") == PURCHASE).select("person_id", "order_id")
    others = (
        touched.emails.transform(known).transform(_messages).transform(attached),
        touched.tickets.transform(known).transform(_tickets).transform(attached),
        orders.join(told, ["person_id", "order_id"], "left_anti"),
    )
    found = visits.select(*COLUMNS)
    for rows in others:
        found = found.unionByName(rows.select(*COLUMNS))
    return found


def _visits(interactions: DataFrame) -> DataFrame:
    """Steps of visits by the best identifier there is: the account, else the cookie, else the device.

    A step that concerns several products has a row for each; the first one stands for the step.
    """
    is_named = F.col("customer_id").isNotNull()
    lone = F.when(F.col("cookie_id").isNotNull(), F.lit("cookie_id")).otherwise(F.lit("device_id"))
    return interactions.where("coalesce(item_position, 1) = 1").select(
        F.when(is_named, F.col("namespace")).otherwise(lone).alias("namespace"),
        F.coalesce("customer_id", "cookie_id", "device_id").alias("customer_id"),
        F.col("event_id").alias("touchpoint_id"),
        "occurred_at",
        "channel",
        F.col("interaction_type").alias("kind"),
        "product_id",
        "order_id",
    )


def _messages(emails: DataFrame) -> DataFrame:
    kinds = F.create_map(*(F.lit(text) for pair in _ENGAGED.items() for text in pair))
    return emails.where(F.col("engagement_type").isin(*_ENGAGED)).select(
        *_who_and_when(F.col("event_id")), F.lit("email").alias("channel"),
        F.element_at(kinds, F.col("engagement_type")).alias("kind"), *_about_nothing(),
    )  # fmt: skip


def _tickets(tickets: DataFrame) -> DataFrame:
    return tickets.select(
        *_who_and_when(F.concat_ws(":", "source", "record_id")), F.coalesce("channel", F.lit("support")).alias("channel"),
        F.lit("ticket").alias("kind"), *_about_nothing(),
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
                "product_id": F.lit(None).cast("string"),
            }
        )
    )


def _who_and_when(touchpoint_id: Column) -> tuple[str | Column, ...]:
    return "namespace", "customer_id", touchpoint_id.alias("touchpoint_id"), "occurred_at"


def _about_nothing() -> tuple[Column, Column]:
    nothing = F.lit(None).cast("string")
    return nothing.alias("product_id"), nothing.alias("order_id")
