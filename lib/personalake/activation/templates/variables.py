"""What templates may say of items: those that are recommended to a person, and the name of the one that is offered."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.catalog import newest_products

ITEMS = 5
SLOT = "all_items"


def listed_items(recommendations: DataFrame, catalog: DataFrame) -> DataFrame:
    """The first items of each person, the best first: `person_id`, and `items` with product_id, name and reason.

    Of items of one name, sizes of one milk say, the best stands alone: a reader would take the list for a mistake.

    Args:
        recommendations: Rows of `gold.recommendation` of one as-of.
        catalog: Rows of `silver.catalog_item`, for names; the id stands for a name that is not known.
    """
    first = recommendations.where((F.col("slot") == SLOT) & (F.col("rank") <= ITEMS))
    entry = F.struct("rank", "product_id", F.coalesce("name", "product_id").alias("name"), "reason")
    listed = first.join(F.broadcast(newest_products(catalog, "name")), "product_id", "left").groupBy("person_id")
    names = F.transform("items", lambda item: item["name"])
    return (
        listed.agg(F.sort_array(F.collect_list(entry)).alias("items"))
        .withColumn("items", F.filter("items", lambda item, place: F.array_position(names, item["name"]) == place + 1))
        .withColumn("items", F.transform("items", lambda item: item.dropFields("rank")))
    )
