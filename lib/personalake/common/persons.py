"""Attaching the person: events carry identifiers, pipelines attach the person when they read."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation


def with_person(links: DataFrame, how: str = "inner") -> Transformation:
    """Add `person_id` to rows that have `namespace` and `customer_id`.

    Args:
        links: Rows of `silver.person_link`.
        how: `inner` leaves out rows without a person, `left` keeps them with a null.
    """
    keyed = links.select("namespace", F.col("value").alias("customer_id"), "person_id")
    return lambda rows: rows.join(F.broadcast(keyed), ["namespace", "customer_id"], how)
