"""Lists for everyone by Spark, in batches of people, for when the purchases do not fit the driver."""

from datetime import date

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, IntegerType, StringType, StructField, StructType

from personalake.recommenders.interactions import day_number, history, interactions
from personalake.recommenders.items import COUNTS, ItemTable, assortment
from personalake.recommenders.listing import COLUMNS, listing
from personalake.recommenders.purchases import PURCHASE
from personalake.recommenders.ranking import Recommender
from personalake.recommenders.recipe import Recipe

_TYPES = {"rank": IntegerType(), "score": DoubleType()}
LISTED = StructType([StructField(name, _TYPES.get(name, StringType())) for name in COLUMNS])


def in_batches(
    rows: DataFrame, recommender: Recommender, items: ItemTable, as_of: date, recipe: Recipe, batches: int
) -> DataFrame:
    """Lists made by Spark's workers: each batch holds all purchases of its people.

    Only the recommender and the item table must fit one worker, not the purchases.

    Args:
        rows: Purchases, and a row without a product for each person.
        recommender: Ranks.
        items: The items as they stood on the day.
        as_of: The day on which the lists are made.
        recipe: How.
        batches: Number of batches.
    """
    cut = day_number(as_of)

    def ranked(batch: pd.DataFrame) -> pd.DataFrame:
        bought = interactions(batch, items.product_ids)
        return listing(recommender, history(bought, cut, recipe), items, bought.person_ids, recipe)

    batch = F.pmod(F.xxhash64("person_id"), F.lit(batches)).alias("batch")
    return rows.select(*PURCHASE).groupBy(batch).applyInPandas(ranked, LISTED)


def items_of(counts: pd.DataFrame, catalogue: pd.DataFrame) -> ItemTable:
    """The item table from counts that Spark made, see `purchases.item_counts`."""
    frame = counts.sort_values("product_id").reset_index(drop=True)
    described = assortment(frame["product_id"].to_numpy(dtype=object), catalogue)
    return ItemTable.from_frame(described.assign(**{name: frame[name].to_numpy(dtype=np.float64) for name in COUNTS}))
