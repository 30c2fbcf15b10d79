"""What both recommender jobs read: purchases, the catalogue, and who there is."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.time_cuts import as_of_instant
from personalake.lake import Lake
from personalake.pipelines.consenting import Consenting
from personalake.recommenders.interactions import Interactions, interactions
from personalake.recommenders.items import LEVELS
from personalake.recommenders.purchases import PURCHASE, of_catalogue, purchases, with_everyone
from personalake.tables.silver import CATALOG_ITEM, ORDER_LINE, PERSON_LINK

_CUSTOMER = ["namespace", "customer_id"]
_CLOCKS = ("occurred_at", "known_at")


def read_purchases(lake: Lake, as_of: date, allowed: Consenting) -> DataFrame:
    """Purchases known before `as_of` of those who allow it; only of products in the catalogue, if there is a catalogue."""
    rows = purchases(lake.read(ORDER_LINE), allowed.links(lake), as_of)
    return rows.transform(of_catalogue(lake.read(CATALOG_ITEM))) if lake.ledger.rows(CATALOG_ITEM) else rows


def read_purchases_of_everyone(lake: Lake, as_of: date, allowed: Consenting) -> DataFrame:
    """The same, and a row without a product for each person who allows it."""
    return read_purchases(lake, as_of, allowed).transform(with_everyone(allowed.links(lake), as_of))


def read_catalogue(lake: Lake, as_of: date) -> pd.DataFrame:
    """What the products are, every version known before `as_of`; a catalogue fits the driver."""
    known = lake.read(CATALOG_ITEM).where(F.col("known_at") < as_of_instant(as_of))
    return known.select("product_id", "name", *LEVELS, "known_at", "record_id").toPandas()


def purchases_on_driver(
    lake: Lake, as_of: date, time_zone: str, allowed: Consenting, everyone: bool = False
) -> Interactions:
    """The same purchases, read to the driver without Spark: six columns of a million lines take a second.

    Args:
        lake: The lake.
        as_of: The exclusive day.
        time_zone: The business's, in which days begin.
        allowed: Whose purchases are looked at.
        everyone: Whether people without a purchase are there, too.
    """
    midnight = datetime.combine(as_of, time(), ZoneInfo(time_zone))
    visible = [("is_return", "=", False), ("customer_id", "!=", None), *((clock, "<", midnight) for clock in _CLOCKS)]
    lines = lake.ledger.arrow(ORDER_LINE, (*_CUSTOMER, "product_id", "order_id", *_CLOCKS), visible)
    if lake.ledger.rows(CATALOG_ITEM):
        offered = lake.ledger.arrow(CATALOG_ITEM, ("product_id",))["product_id"]
        lines = lines.filter(pc.is_in(lines["product_id"], value_set=offered.combine_chunks()))
    links = allowed.among(lake.ledger.arrow(PERSON_LINK, ("namespace", "value", "person_id", "first_known_at")))
    people = links.filter(pc.less(links["first_known_at"], pa.scalar(midnight, pa.timestamp("us", "UTC"))))
    bought = lines.join(links.drop_columns("first_known_at"), _CUSTOMER, ["namespace", "value"], "inner")
    bought = bought.append_column("order_key", _numbered(bought["order_id"]))
    for clock in _CLOCKS:
        place = bought.schema.get_field_index(clock)
        bought = bought.set_column(place, clock, pc.cast(bought[clock], pa.timestamp("us", time_zone)))
    bought = bought.select(PURCHASE)
    if everyone:
        alone = people.select(["person_id"]).append_column("order_key", pa.nulls(len(people), pa.int64()).fill_null(0))
        bought = pa.concat_tables([bought, alone], promote_options="default")
    return _as_interactions(bought)


def _numbered(ids: pa.ChunkedArray) -> pa.Array:
    """A number for each id, in the order of the ids, so that it does not depend on the order of the rows."""
    encoded = ids.combine_chunks().dictionary_encode()
    rank = np.empty(len(encoded.dictionary), dtype=np.int64)
    rank[pc.sort_indices(encoded.dictionary).to_numpy()] = np.arange(len(rank))
    return pa.array(rank[encoded.indices.to_numpy()])


def taken(rows: DataFrame) -> Interactions:
    """Purchases brought to the driver by Arrow."""
    return _as_interactions(rows.select(*PURCHASE).toArrow())


def _as_interactions(table: pa.Table) -> Interactions:
    """Ids travel as dictionaries, not as a string per row."""
    for name in ("person_id", "product_id"):
        column = table.column(name).combine_chunks().dictionary_encode()
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return interactions(table.to_pandas())
