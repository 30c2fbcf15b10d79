"""One row per person: what is known now."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.catalog import newest_products
from personalake.common.persons import with_person
from personalake.common.time_cuts import as_of_instant, known_before
from personalake.config.identity import Survivorship
from personalake.config.profiles import LifecycleSettings
from personalake.profiles.engagement import Engaged, engagement
from personalake.profiles.lifecycle import lifecycle_stage
from personalake.profiles.survivorship import attributes_of
from personalake.profiles.third_party import told_attributes
from personalake.tables.gold import CUSTOMER_PROFILE

COUPON = "coupon_redeemed"
# Ids that change with a browser or a reinstallation, and those that say how to reach somebody.
_BROWSERS, _ADDRESSES = ("cookie_id", "device_id"), ("email", "email_sha256", "phone", "handle")
_MAP = "map<string,string>"
_IS_SALE = "NOT coalesce(is_return, false)"
_COUNTS = (
    "orders", "order_lines", "coupons_redeemed", "web_visits", "app_visits", "emails_sent", "emails_opened",
    "emails_clicked", "tickets",
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """Everything a profile is made of, as rows of silver.

    Args:
        order_lines: `silver.order_line`.
        records: `silver.customer_record`.
        catalog: `silver.catalog_item`.
        responses: `silver.campaign_response`.
        links: `silver.person_link`.
        consents: `silver.consent_current`, which is of now.
        wishes: `silver.preference`, what is known by now.
        engaged: What people do beside buying; None where no table of it has rows, which saves Spark half of its plan.
        bought: What data providers tell, as `third_party.judged` gives it; None for nothing.
    """

    order_lines: DataFrame
    records: DataFrame
    catalog: DataFrame
    responses: DataFrame
    links: DataFrame
    consents: DataFrame
    wishes: DataFrame
    engaged: Engaged | None = None
    bought: DataFrame | None = None


def customer_profile(
    known: Known,
    orders: DataFrame,
    as_of: date,
    partitions: int = 1,
    lifecycle: LifecycleSettings | None = None,
    survivorship: Survivorship | None = None,
) -> DataFrame:
    """Profiles of everyone who was known before `as_of`, with or without an order.

    Args:
        known: Rows of silver; each part is cut at `as_of` by both clocks, but for what people answered and wish: that
            holds from when it comes.
        orders: The result of `orders_of`, which is read several times: worth keeping in memory.
        as_of: Exclusive day.
        partitions: Tasks among which persons are spread; all that follows stays with the person.
        lifecycle: Lengths of the stages of a customer's life.
        survivorship: Which of several values of records counts.

    Returns:
        One row per person, in the columns of `gold.customer_profile`; counts and spend are zero, not null, without orders.
    """
    attached = with_person(known.links)
    categories = bought_categories(known.order_lines.transform(attached), known.catalog, as_of, partitions)
    parts = (
        habits(orders),
        money(orders),
        categories.transform(favourite_category),
        known.responses.transform(known_before(as_of)).transform(attached).transform(coupons),
        attributes_of(_known_by(known.records, as_of).transform(attached), survivorship or Survivorship()),
        *([engagement(known.engaged, known.links, as_of)] if known.engaged is not None else []),
        *([told_attributes(known.bought)] if known.bought is not None else []),
        known.consents.transform(answers),
        known.wishes.transform(attached).transform(preferences),
    )
    people = known.links.where(F.col("first_known_at") < as_of_instant(as_of)).transform(persons)
    for part in parts:
        people = people.join(part, "person_id", "left")
    stage = lifecycle_stage(F.col("bought_on"), as_of, lifecycle or LifecycleSettings())
    told = people.transform(_completed).withColumns({"as_of": F.lit(as_of), "lifecycle_stage": stage})
    return told.select(*CUSTOMER_PROFILE.columns)


def persons(links: DataFrame) -> DataFrame:
    """`person_id` and one of its identifiers as `customer_id`: a number before an address, either before a cookie.

    Of several it is the one that was known first, so that what comes to be known later does not change the name by which
    destinations know the person.
    """
    rank = F.when(F.col("namespace").isin(*_BROWSERS), 2).when(F.col("namespace").isin(*_ADDRESSES), 1).otherwise(0)
    first = F.min(F.struct(rank.alias("rank"), "first_known_at", "namespace", "value"))
    return links.groupBy("person_id").agg(first["value"].alias("customer_id"))


def orders_of(order_lines: DataFrame, links: DataFrame, as_of: date, partitions: int = 1) -> DataFrame:
    """Orders known before `as_of` of people; returns count against what was paid.

    Money is summed as whole cents: Spark sums long decimals as objects, many times slower. Shop and currency are keys,
    not minima (an aggregate of text would make Spark sort a million lines), and the person is attached to the few
    orders, not to the many lines.

    Returns:
        One row per person and order (and shop and currency): `sales` (lines that are no returns), `paid`, `sold` and
        `discount` (of sales) in cents, `order_date` (null without sales).
    """
    return (
        order_lines.transform(known_before(as_of))
        .groupBy("namespace", "customer_id", "order_id", "store_id", "currency")
        .agg(
            F.count_if(F.expr(_IS_SALE)).alias("sales"),
            F.sum(_paid()).alias("paid"),
            F.sum(F.when(F.expr(_IS_SALE), _cents("amount"))).alias("sold"),
            F.sum(F.when(F.expr(_IS_SALE), _cents("discount_amount"))).alias("discount"),
            F.to_date(F.min(F.when(F.expr(_IS_SALE), F.col("occurred_at")))).alias("order_date"),
        )
        .transform(with_person(links))
        .repartition(partitions, "person_id")
    )


def bought_categories(order_lines: DataFrame, catalog: DataFrame, as_of: date, partitions: int = 1) -> DataFrame:
    """How many orders of each person hold each category, and what was paid for it.

    Orders are told apart by their hashes: within one person and category that is as good as the id, and much smaller.

    Returns:
        `person_id`, `category`, `orders`, `paid` in cents; products without a category do not count.
    """
    categories = newest_products(_known_by(catalog, as_of), "category")
    return (
        order_lines.transform(known_before(as_of))
        .where(_IS_SALE)
        .join(F.broadcast(categories.where("category IS NOT NULL")), "product_id")
        .select("person_id", "category", F.xxhash64("order_id").alias("order_key"), "amount")
        .repartition(partitions, "person_id")
        .groupBy("person_id", "category", "order_key")
        .agg(F.sum(_cents("amount")).alias("paid"))
        .groupBy("person_id", "category")
        .agg(F.count("*").alias("orders"), F.sum("paid").alias("paid"))
    )


def habits(orders: DataFrame) -> DataFrame:
    """When, how often and where each person buys; an order of returns alone is none."""
    is_order = F.col("sales") > 0
    bought_on = F.array_sort(F.collect_set(F.when(is_order, F.col("order_date"))))
    days = F.size(bought_on)
    span = F.date_diff(F.max("order_date"), F.min("order_date"))
    visits = orders.where(is_order & F.col("store_id").isNotNull()).groupBy("person_id", "store_id").agg(_most(F.count("*")))
    favourite = visits.groupBy("person_id").agg(_best("store_id", F.struct("most", "store_id")).alias("favourite_store_id"))
    return (
        orders.groupBy("person_id")
        .agg(
            F.min("order_date").alias("first_order_date"),
            F.max("order_date").alias("last_order_date"),
            F.count_if(is_order).alias("orders"),
            F.sum("sales").alias("order_lines"),
            F.when(days > 1, span / (days - 1)).alias("days_between_orders"),
            bought_on.alias("bought_on"),
        )
        .join(favourite, "person_id", "left")
    )


def money(orders: DataFrame) -> DataFrame:
    """What each person pays, in the currency of most of their orders; other currencies are left out, never added up."""
    per_currency = orders.groupBy("person_id", "currency").agg(
        _most(F.count_if(F.col("sales") > 0)),
        _money(F.sum("paid")).alias("spend"),
        _money(F.round(F.try_divide(F.sum("paid"), F.count_if(F.col("sales") > 0))).cast("bigint")).alias(
            "average_order_value"
        ),
        _share(F.sum("discount"), F.sum("sold")).alias("discount_share"),
    )
    main = _best(F.struct("currency", "spend", "average_order_value", "discount_share"), F.struct("most", "currency"))
    return per_currency.groupBy("person_id").agg(main.alias("main")).select("person_id", "main.*")


def favourite_category(bought: DataFrame) -> DataFrame:
    """The category in most orders of each person; ties by spend, then by name."""
    order = F.struct(-F.col("orders"), -F.col("paid"), "category")
    return bought.groupBy("person_id").agg(_best("category", order).alias("favourite_category"))


def coupons(responses: DataFrame) -> DataFrame:
    """Coupons that each person redeemed."""
    redeemed = F.count_if(F.col("response_type") == COUPON)
    return responses.groupBy("person_id").agg(redeemed.alias("coupons_redeemed"))


def answers(consents: DataFrame) -> DataFrame:
    """Each person's current answers as a map, purposes in alphabetical order."""
    entries = F.array_sort(F.collect_list(F.struct("purpose", "status")))
    return consents.groupBy("person_id").agg(F.map_from_entries(entries).alias("consents"))


def preferences(wishes: DataFrame) -> DataFrame:
    """Each person's latest wishes as a map, names in alphabetical order; a wish without a value has been taken back."""
    latest = F.max_by(F.struct("value"), F.struct("occurred_at", "known_at", "record_id"))["value"]
    current = wishes.groupBy("person_id", "preference").agg(latest.alias("value")).where("value IS NOT NULL")
    entries = F.array_sort(F.collect_list(F.struct("preference", "value")))
    return current.groupBy("person_id").agg(F.map_from_entries(entries).alias("preferences"))


def _known_by(rows: DataFrame, as_of: date) -> DataFrame:
    """Records have no moment at which they happened: only the clock of knowing cuts them."""
    return rows.where(F.col("known_at") < as_of_instant(as_of))


def _cents(amount: str) -> Column:
    return F.round(F.col(amount).cast("double") * 100).cast("bigint")


def _money(cents: Column) -> Column:
    return (cents / F.lit(100).cast("decimal(3,0)")).cast("decimal(18,2)")


def _paid() -> Column:
    return F.when(F.expr(_IS_SALE), _cents("amount")).otherwise(-F.abs(_cents("amount")))


def _most(count: Column) -> Column:
    """A count that sorts the greatest first, so that ties can be broken by ascending names."""
    return (-count).alias("most")


def _best(value: str | Column, order: Column) -> Column:
    return F.min_by(value, order)


def _share(part: Column, rest: Column) -> Column:
    return F.try_divide(part, part + rest)


def _completed(people: DataFrame) -> DataFrame:
    zeros = {name: F.coalesce(name, F.lit(0).cast("bigint")) for name in _COUNTS}
    nothing = F.create_map().cast(_MAP)
    untold = {
        name: F.lit(None).cast(kind)
        for name, kind in (*((field.name, field.type) for field in CUSTOMER_PROFILE.fields), ("bought_from", _MAP))
        if name not in people.columns
    }
    return people.withColumns(untold).withColumns(
        {
            **zeros,
            "spend": F.coalesce("spend", F.lit(0).cast("decimal(18,2)")),
            "consents": F.coalesce("consents", nothing),
            "preferences": F.coalesce("preferences", nothing),
            "third_party": F.coalesce("third_party", nothing),
            "provenance": F.map_concat(F.coalesce("provenance", nothing), F.coalesce("bought_from", nothing)),
        }
    )
