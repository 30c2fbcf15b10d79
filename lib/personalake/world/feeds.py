"""Every source of the company, each drawn from the same people."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.world.bought_data import third_party_attributes
from personalake.world.calendar import weather
from personalake.world.catalog import catalog, product_offers
from personalake.world.consents import erasure_requests, store_consents, web_consents
from personalake.world.customer_feeds import NAMES, feed_of
from personalake.world.dirt import EVERY_KIND, OF_ANSWERS, OF_RECORDS, OF_TABLES
from personalake.world.feed import Feed, exported_on, lands_on
from personalake.world.life import Life
from personalake.world.mails import campaign_spend, email_events
from personalake.world.orders import pos_sales, web_orders
from personalake.world.tables import LazyTables
from personalake.world.voices import social_mentions, support_tickets, survey_answers
from personalake.world.web import app_events, exposures, web_events
from personalake.world.wishes import gpc_signals, web_preferences

Rows = Callable[[Life], DataFrame]
CUSTOMER_FEEDS = {
    "crm_customers": "crm",
    "loyalty_members": "loyalty",
    "web_accounts": "web",
    "app_users": "app",
    "help_desk_contacts": "support",
    "till_customers": "pos",
}
# Rows, the columns of the key (the first of them makes it), the time at which it happened, the time at which it was sent.
EVENTS: Mapping[str, tuple[Rows, tuple[str, ...], str, str | None]] = MappingProxyType(
    {
        "pos_sales": (
            lambda life: pos_sales(life.order_lines, life.settings),
            ("receipt_no", "line_no"),
            "sold_at",
            "sent_at",
        ),
        "web_orders": (
            lambda life: web_orders(life.order_lines, life.settings),
            ("orderId", "lineItem"),
            "orderedAt",
            "exportedAt",
        ),
        "web_events": (lambda life: web_events(life.clicks, life.settings), ("event_id",), "event_time", "sent_time"),
        "app_events": (
            lambda life: app_events(life.clicks, life.settings),
            ("messageId",),
            "originalTimestamp",
            "receivedAt",
        ),
        "email_events": (lambda life: email_events(life.messages), ("sg_event_id",), "timestamp", None),
    }
)
# Rows, the key, the time at which it happened, the time at which it was sent, kinds of dirt. A request to be forgotten has
# none: its copy would be another request.
RECORDS: Mapping[str, tuple[Rows, str, str, str | None, tuple[str, ...]]] = MappingProxyType(
    {
        "store_consents": (
            lambda life: store_consents(life.everyone, life.settings),
            "form_no",
            "collected_at",
            "sent_at",
            OF_ANSWERS,
        ),
        "web_consents": (
            lambda life: web_consents(life.everyone, life.settings),
            "answer_id",
            "collected_at",
            "sent_at",
            OF_ANSWERS,
        ),
        "web_preferences": (
            lambda life: web_preferences(life.wishes, life.settings),
            "change_id",
            "changed_at",
            "sent_at",
            EVERY_KIND,
        ),
        "gpc_signals": (lambda life: gpc_signals(life.sessions, life.settings), "signal_id", "seen_at", None, OF_ANSWERS),
        "erasure_requests": (
            lambda life: erasure_requests(life.everyone, life.settings),
            "request_id",
            "requested_at",
            None,
            (),
        ),
        "support_tickets": (lambda life: support_tickets(life.tickets), "ticket", "created", None, EVERY_KIND),
        "survey_answers": (
            lambda life: survey_answers(life.everyone, life.settings),
            "answer_id",
            "answered_at",
            None,
            EVERY_KIND,
        ),
        "social_mentions": (lambda life: social_mentions(life.mentions), "mention_id", "posted_at", None, EVERY_KIND),
        "experiment_exposures": (
            lambda life: exposures(life.sessions, life.settings),
            "exposure_id",
            "exposed_at",
            None,
            EVERY_KIND,
        ),
    }
)


def feeds(life: Life) -> LazyTables[Feed]:
    """Every feed by its name."""
    makers: dict[str, Callable[[], Feed]] = {}
    makers |= {name: partial(_event, life, name) for name in EVENTS}
    makers |= {name: partial(_customers, life, name) for name in CUSTOMER_FEEDS}
    makers |= {name: partial(_record, life, name) for name in RECORDS}
    makers |= {
        "products": lambda: _assortment(life),
        "third_party_attributes": lambda: _bought(life),
        "campaign_spend": lambda: _daily("campaign_spend", campaign_spend(life.messages, life.settings), "campaign"),
        "product_offers": lambda: _offers(life),
        "weather": lambda: _weather(life),
    }
    return LazyTables(makers)


def _event(life: Life, name: str) -> Feed:
    rows, key, occurred_at, sent_at = EVENTS[name]
    landing = lands_on(life.settings, F.col(sent_at or occurred_at))
    return Feed(name, rows(life), landing, F.concat_ws("-", *key), key[0], "json", occurred_at, sent_at, EVERY_KIND)


def _record(life: Life, name: str) -> Feed:
    rows, key, occurred_at, sent_at, dirt = RECORDS[name]
    landing = lands_on(life.settings, F.col(sent_at or occurred_at))
    return Feed(name, rows(life), landing, F.col(key), key, "json", occurred_at, sent_at, dirt)


def _customers(life: Life, name: str) -> Feed:
    source = CUSTOMER_FEEDS[name]
    key, at = NAMES[source]["record_id"], NAMES[source]["recorded_at"]
    kind: Literal["csv", "json"] = "csv" if source in ("crm", "loyalty") else "json"
    landing, dirt = exported_on(life.settings, F.col(at)), OF_TABLES if kind == "csv" else OF_RECORDS
    return Feed(name, feed_of(life.records, source), landing, F.col(key), key, kind, dirt=dirt)


def _assortment(life: Life) -> Feed:
    return Feed("products", catalog(life.spark, life.settings), _first(life), F.col("sku"), "sku", "parquet")


def _bought(life: Life) -> Feed:
    rows = third_party_attributes(life.everyone, life.settings)
    return Feed("third_party_attributes", rows, _first(life), F.col("row_id"), "row_id")


def _daily(name: str, rows: DataFrame, key: str) -> Feed:
    """What is told about a day on the next one."""
    return Feed(name, rows, F.date_add("date", 1), F.concat_ws("-", key, F.col("date").cast("string")), key)


def _offers(life: Life) -> Feed:
    rows, at = product_offers(life.spark, life.settings), F.col("counted_at")
    return Feed("product_offers", rows, F.to_date(at), F.concat_ws("-", "sku", F.to_date(at).cast("string")), "sku")


def _weather(life: Life) -> Feed:
    rows, hour = weather(life.spark, life.settings), F.col("hour")
    return Feed("weather", rows, F.to_date(hour), F.concat_ws("-", "region", hour.cast("string")), "region")


def _first(life: Life) -> Column:
    return F.lit(life.settings.first_day)
