"""Prices and stock over time: what each product cost and how much of it there was, from when to when."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from personalake.common.time_cuts import as_of_instant
from personalake.tables.context import OFFER_HISTORY

_OF = ("product_id", "store_id")
_TOLD = ("price", "currency", "stock")


def offer_history(offers: DataFrame, as_of: date) -> DataFrame:
    """Spans of time in which price and stock of a product stayed as they were.

    A row that tells only one of them leaves the other as it was. Of several rows of one moment the last source by name
    counts, and of one source the last record.

    Args:
        offers: Rows of `silver.product_offer`.
        as_of: Exclusive day.

    Returns:
        Rows of `gold.offer_history`; the last span of each product and shop is open.
    """
    in_time = Window.partitionBy(*_OF).orderBy("known_at", "source", "record_id")
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    of_moment = Window.partitionBy(*_OF, "known_at").orderBy(F.desc("source"), F.desc("record_id"))
    # A price goes with its currency.
    price = F.when(F.col("price").isNotNull(), F.struct("price", "currency"))
    known = {"paid": F.last(price, ignorenulls=True).over(so_far), "stock": F.last("stock", ignorenulls=True).over(so_far)}
    state, before = F.struct(*_TOLD), F.lag(F.struct(*_TOLD)).over(in_time)
    return (
        offers.where(F.col("known_at") < as_of_instant(as_of))
        .withColumns({**known, "place": F.row_number().over(of_moment)})
        .where("place = 1")
        .withColumns({"price": F.col("paid.price"), "currency": F.col("paid.currency")})
        .withColumn("is_new", before.isNull() | ~before.eqNullSafe(state))
        .where("is_new")
        .withColumns({"valid_from": F.col("known_at"), "valid_to": F.lead("known_at").over(in_time), "as_of": F.lit(as_of)})
        .select(*OFFER_HISTORY.columns)
    )


def sold_out(history: DataFrame) -> DataFrame:
    """Products of which nothing is left anywhere; one column, `product_id`.

    Args:
        history: Rows of `gold.offer_history`. A product of which some shop tells no stock is not sold out.
    """
    left = F.when(F.col("stock").isNull(), 1).when(F.col("stock") > 0, F.col("stock")).otherwise(0)
    return _current(history).groupBy("product_id").agg(F.sum(left).alias("left")).where("left = 0").select("product_id")


def _current(history: DataFrame) -> DataFrame:
    return history.where(_is_open())


def _is_open() -> Column:
    return F.col("valid_to").isNull()
