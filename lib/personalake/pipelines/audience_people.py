"""Who an audience is, with what its sync reads of them; only what is asked for is read."""

from collections.abc import Callable
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sqlglot import exp

from personalake.activation.templates.variables import listed_items
from personalake.common.catalog import newest_products
from personalake.common.transformation import Transformation
from personalake.config.audience_columns import PSEUDONYM, QUERYABLE, read_query
from personalake.config.audiences import DecisionAudience, Sync
from personalake.context.offers import sold_out
from personalake.decisions.candidates import available, churn, first_items, segments
from personalake.lake import Lake
from personalake.pipelines.audience_orders import orders
from personalake.pipelines.job import JobContext
from personalake.privacy.pseudonyms import key_ring
from personalake.tables import Table
from personalake.tables.context import OFFER_HISTORY
from personalake.tables.gold import CUSTOMER_PROFILE, DECISION, PREDICTION, RECOMMENDATION, SEGMENT_MEMBERSHIP
from personalake.tables.identity import PERSON
from personalake.tables.silver import CATALOG_ITEM

_VIEW = "audience_"
Read = Callable[[Table], DataFrame]


def people(context: JobContext, sync: Sync, among: Transformation | None = None) -> DataFrame:
    """People of an audience.

    Args:
        context: The lake, and the as-of at which segments, scores, items and decisions are read.
        sync: Its audience, and what it reads.
        among: Leaves the rows of some people; only for what is known of each person alone, which orders, decisions and
            what a query finds are not.

    Returns:
        `person_id` and the columns that the sync reads; for decisions `decision_id` and `purpose`, too; for orders what
        tells one from another.
    """
    asked = {sync.columns[name].part for name in sync.reads if name in sync.columns} - {"decision", "order"}
    read = context.lake.read if among is None else lambda table: context.lake.read(table).transform(among)
    known = {part: _part(context, part, sync, read) for part in sorted(asked)}
    # Whoever has a profile is in such an audience, before its condition: where profiles are read, they are not read again.
    members = known.pop("profile", None) if sync.audience.where is not None else None
    members = _members(context, sync, read) if members is None else members
    joined = reduce(lambda left, right: left.join(right, "person_id", "left"), known.values(), members)
    return joined if sync.audience.where is None else joined.where(F.expr(sync.audience.where))


def _members(context: JobContext, sync: Sync, read: Read) -> DataFrame:
    lake, audience = context.lake, sync.audience
    of_day = F.col("as_of") == F.lit(context.as_of)
    if audience.decisions is not None:
        decided = [name for name in sync.reads if name in DECISION.columns and name != "person_id"]
        acting = _named(lake.read(DECISION).where(of_day & (F.col("status") == "act")), audience.decisions)
        if "product_name" in sync.reads:
            decided.append("product_name")
            acting = _with_product_name(acting, lake.read(CATALOG_ITEM))
        return acting.select(*dict.fromkeys(("person_id", "decision_id", "purpose", *decided)))
    if audience.orders is not None:
        return orders(context, audience.orders)
    if audience.segment is not None:
        is_in = (F.col("scheme") == audience.segment.scheme) & (F.col("segment") == audience.segment.name)
        return read(SEGMENT_MEMBERSHIP).where(of_day & is_in).select("person_id")
    if audience.query is not None:
        return _found(context, audience.query)
    return read(CUSTOMER_PROFILE).select("person_id")


def _with_product_name(decisions: DataFrame, catalog: DataFrame) -> DataFrame:
    """With the name of the item that is offered; its id where the catalog has none."""
    named = F.broadcast(newest_products(catalog, "name").withColumnRenamed("name", "product_name"))
    return decisions.join(named, "product_id", "left").withColumn("product_name", F.coalesce("product_name", "product_id"))


def _named(decisions: DataFrame, asked: DecisionAudience) -> DataFrame:
    for column, allowed in (("action", asked.actions), ("channel", asked.channels)):
        if allowed:
            decisions = decisions.where(F.col(column).isin(*allowed))
    return decisions


def _found(context: JobContext, query: str) -> DataFrame:
    """People that a query names; each table is shown to it as it was at the as-of."""
    spelled = read_query(query)
    for table in spelled.find_all(exp.Table):
        if not table.db:
            continue
        declared = QUERYABLE[f"{table.db}.{table.name}"]
        rows = context.lake.read(declared).where(F.col("as_of") == F.lit(context.as_of))
        rows.createOrReplaceTempView(f"{_VIEW}{declared.name}")
        table.set("this", exp.to_identifier(f"{_VIEW}{declared.name}", quoted=True))
        table.set("db", None)
    return context.lake.spark.sql(spelled.sql("spark")).where("person_id IS NOT NULL").distinct()


def _part(context: JobContext, part: str, sync: Sync, read: Read) -> DataFrame:
    """One part of what is known: `person_id` and the columns of it that are read."""
    lake, day = context.lake, F.lit(context.as_of)
    of_day = F.col("as_of") == day
    wanted = [name for name in sync.reads if name in sync.columns and sync.columns[name].part == part]
    if part == "person":
        found = read(PERSON)
    elif part == "segments":
        found = segments(read(SEGMENT_MEMBERSHIP).where(of_day))
    elif part == "churn":
        found = churn(read(PREDICTION).where(of_day))
    elif part == "items":
        found = first_items(_suggested(lake, read).where(of_day), lake.read(CATALOG_ITEM))
    elif part == "listed":
        found = listed_items(_suggested(lake, read).where(of_day), lake.read(CATALOG_ITEM))
    elif part == PSEUDONYM:
        ring = key_ring(context.settings.privacy.pseudonyms)
        found = read(CUSTOMER_PROFILE).select("person_id").transform(ring.named(sync.destination))
    else:
        since = F.date_diff(day, F.col("last_order_date"))
        found = read(CUSTOMER_PROFILE).withColumn("days_since_last_order", since)
    return found.select("person_id", *(name for name in wanted if name != "person_id"))


def _suggested(lake: Lake, read: Read) -> DataFrame:
    return available(read(RECOMMENDATION), lake.read(OFFER_HISTORY).transform(sold_out))
