"""Orders as an audience: one row for each order, or for each product of one, with who placed it."""

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.catalog import newest_products
from personalake.common.persons import with_person
from personalake.common.time_cuts import as_of_instant
from personalake.config.audiences import OrderAudience
from personalake.pipelines.job import JobContext
from personalake.tables.silver import CATALOG_ITEM, ORDER_LINE, PERSON_LINK

_OF_ORDER = ("person_id", "order_id", "currency")


def orders(context: JobContext, asked: OrderAudience) -> DataFrame:
    """Orders of the days before the as-of, without what came back.

    Args:
        context: The lake, and the as-of.
        asked: How many days, and what a row is.

    Returns:
        `person_id`, `line_id` (of products), and the columns of `config.audience_columns.ORDERED` or `ORDERED_PRODUCT`.
    """
    lake = context.lake
    named = _named(_placed(context, asked).transform(with_person(lake.read(PERSON_LINK))), lake.read(CATALOG_ITEM))
    products = named.transform(_priced)
    return products if asked.each == "product" else products.transform(_whole)


def without_person(context: JobContext, asked: OrderAudience) -> int:
    """How many orders of the same days, or products of them, were placed by nobody who is known.

    They are counted and no more: nothing can be asked of nobody, and a shop may have many of them.
    """
    named = _placed(context, asked).transform(with_person(context.lake.read(PERSON_LINK), "left"))
    nobodys = named.where("person_id IS NULL")
    rows = nobodys if asked.each == "product" else nobodys.select(*_OF_ORDER).distinct()
    return rows.count()


def _placed(context: JobContext, asked: OrderAudience) -> DataFrame:
    """Lines of orders of those days that stayed with who bought."""
    since = as_of_instant(context.as_of - timedelta(asked.days))
    placed = (F.col("occurred_at") >= since) & (F.col("occurred_at") < as_of_instant(context.as_of))
    is_return = F.coalesce("is_return", F.lit(False))
    return context.lake.read(ORDER_LINE).where(placed & ~is_return & (F.col("quantity") > 0))


def _named(lines: DataFrame, catalog: DataFrame) -> DataFrame:
    """With the newest name and category of each product; its id stands for a name that is not known."""
    renamed = {"name": "product_name", "category": "product_category"}
    known = newest_products(catalog, *renamed).withColumnsRenamed(renamed)
    joined = lines.join(F.broadcast(known), "product_id", "left")
    return joined.withColumn("product_name", F.coalesce("product_name", "product_id"))


def _priced(lines: DataFrame) -> DataFrame:
    """With whole units and the price of one, so that both multiplied are what was paid; what is weighed is one unit."""
    units = F.when(F.col("quantity") == F.floor("quantity"), F.col("quantity").cast("int")).otherwise(1)
    price = F.col("amount").cast("double") / F.col("units")
    return lines.withColumn("units", units).select(
        "person_id", F.col("event_id").alias("line_id"), "order_id", "occurred_at", "store_id", "currency", "product_id",
        "product_name", "product_category", F.col("units").alias("quantity"), price.alias("price"), "amount",
        "discount_amount",
    )  # fmt: skip


def _whole(products: DataFrame) -> DataFrame:
    """Orders with their products, as the vendors' specifications of e-commerce list them."""
    product = F.struct(
        "line_id", "product_id", F.col("product_name").alias("name"), F.col("product_category").alias("category"),
        "quantity", "price",
    )  # fmt: skip
    return products.groupBy(*_OF_ORDER).agg(
        F.min("occurred_at").alias("occurred_at"),
        F.min("store_id").alias("store_id"),
        F.sum("amount").alias("order_total"),
        F.sum("discount_amount").alias("order_discount"),
        F.transform(F.sort_array(F.collect_list(product)), lambda one: one.dropFields("line_id")).alias("products"),
    )
