"""Attaching the person: events carry identifiers, pipelines attach the person when they read."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common.standardise import standard_phone
from personalake.common.transformation import Transformation

# Whether a text is a phone number does not depend on the country.
_ANY_COUNTRY = "1"


def with_person(links: DataFrame, how: str = "inner") -> Transformation:
    """Add `person_id` to rows that have `namespace` and `customer_id`.

    Args:
        links: Rows of `silver.person_link`.
        how: `inner` leaves out rows without a person, `left` keeps them with a null.
    """
    keyed = links.select("namespace", F.col("value").alias("customer_id"), "person_id")
    return lambda rows: rows.join(F.broadcast(keyed), ["namespace", "customer_id"], how)


def by_other_identifiers(**others: Column) -> Transformation:
    """Rows without a customer go by the first other identifier that they hold.

    Args:
        others: Kind of identifier, to the identifier or null; the best one first.
    """
    is_named = F.col("customer_id").isNotNull()
    kind = F.coalesce(*(F.when(value.isNotNull(), F.lit(name)) for name, value in others.items()))
    return lambda rows: rows.withColumns(
        {
            "namespace": F.when(is_named, F.col("namespace")).otherwise(kind),
            "customer_id": F.coalesce("customer_id", *others.values()),
        }
    )


def by_caller(tickets: DataFrame) -> DataFrame:
    """Tickets of callers whom the help desk knows by nothing but their number go by that number, if it is one."""
    number = F.when(standard_phone(F.col("phone"), _ANY_COUNTRY).isNotNull(), F.col("phone"))
    return tickets.transform(by_other_identifiers(phone=number))
