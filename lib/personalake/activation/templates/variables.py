"""What templates may read of each decision: the decision, its person, and what is recommended to them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.config.templates import VARIABLES

ITEMS = 5
SLOT = "all_items"
_OF_PERSON = ("first_name", "last_name", "city")


def template_variables(
    decisions: DataFrame, profiles: DataFrame, persons: DataFrame, recommendations: DataFrame, catalog: DataFrame
) -> DataFrame:
    """One row per decision, in the columns of `config.templates.VARIABLES`; what is not known is null.

    Args:
        decisions: Rows of `gold.decision`.
        profiles: Rows of `gold.customer_profile`.
        persons: Rows of `silver.person`, for names; empty where only one system knows people.
        recommendations: Rows of `gold.recommendation`, of any as-of.
        catalog: Rows of `silver.catalog_item`, for names of items.
    """
    named = _names(catalog)
    of_decision = [name for name in decisions.columns if name in VARIABLES]
    of_profile = [name for name in profiles.columns if name in VARIABLES and name not in of_decision]
    products = named.withColumnRenamed("name", "product_name")
    return (
        decisions.select(of_decision)
        .join(profiles.select("person_id", *of_profile), "person_id", "left")
        .join(persons.select("person_id", *_OF_PERSON), "person_id", "left")
        .join(_items(recommendations, named), ["person_id", "as_of"], "left")
        .join(F.broadcast(products), "product_id", "left")
        .withColumn("product_name", F.coalesce("product_name", "product_id"))
        .select(*VARIABLES)
    )


def _names(catalog: DataFrame) -> DataFrame:
    """The newest name of each product."""
    newest = F.max_by("name", F.struct("known_at", "source", "record_id"))
    return catalog.groupBy("product_id").agg(newest.alias("name"))


def _items(recommendations: DataFrame, named: DataFrame) -> DataFrame:
    """The first items of each person, the best first."""
    first = recommendations.where((F.col("slot") == SLOT) & (F.col("rank") <= ITEMS))
    entry = F.struct("rank", "product_id", F.coalesce("name", "product_id").alias("name"), "reason")
    listed = first.join(F.broadcast(named), "product_id", "left").groupBy("person_id", "as_of")
    return listed.agg(F.sort_array(F.collect_list(entry)).alias("items")).withColumn(
        "items", F.transform("items", lambda item: item.dropFields("rank"))
    )
