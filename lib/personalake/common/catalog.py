"""What the catalog says of products now."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def newest_products(catalog: DataFrame, *names: str) -> DataFrame:
    """What was said last of each product, by whichever source: `product_id` and the named columns.

    Args:
        catalog: Rows of `silver.catalog_item`, cut at the as-of where there is one.
        names: The columns, e.g. `name`.
    """
    order = F.struct("known_at", "source", "record_id")
    return catalog.groupBy("product_id").agg(*(F.max_by(name, order).alias(name) for name in names))
