"""What both recommender jobs read: purchases, the catalogue, and who there is."""

from datetime import date

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.time_cuts import as_of_instant
from personalake.lake import Lake
from personalake.recommenders.interactions import Interactions, interactions
from personalake.recommenders.items import LEVELS
from personalake.recommenders.purchases import PURCHASE, of_catalogue, purchases, with_everyone
from personalake.tables.silver import CATALOG_ITEM, ORDER_LINE, PERSON_LINK


def read_purchases(lake: Lake, as_of: date) -> DataFrame:
    """Purchases known before `as_of`; only of products in the catalogue, if there is a catalogue."""
    rows = purchases(lake.read(ORDER_LINE), lake.read(PERSON_LINK), as_of)
    return rows.transform(of_catalogue(lake.read(CATALOG_ITEM))) if lake.ledger.rows(CATALOG_ITEM) else rows


def read_purchases_of_everyone(lake: Lake, as_of: date) -> DataFrame:
    """The same, and a row without a product for each person."""
    return read_purchases(lake, as_of).transform(with_everyone(lake.read(PERSON_LINK), as_of))


def read_catalogue(lake: Lake, as_of: date) -> pd.DataFrame:
    """What the products are, every version known before `as_of`; a catalogue fits the driver."""
    known = lake.read(CATALOG_ITEM).where(F.col("known_at") < as_of_instant(as_of))
    return known.select("product_id", "name", *LEVELS, "known_at", "record_id").toPandas()


def taken(rows: DataFrame) -> Interactions:
    """Purchases brought to the driver by Arrow; ids travel on as dictionaries, not as a string per row."""
    table = rows.select(*PURCHASE).toArrow()
    for name in ("person_id", "product_id"):
        column = table.column(name).combine_chunks().dictionary_encode()
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return interactions(table.to_pandas())
