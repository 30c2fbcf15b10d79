"""Who refuses by an address refuses for the address: whoever else it is written to is not reached there either.

Of an address that several people share one is the owner, whose answers by it are: a grant is the owner's alone. A refusal
counts for all whose e-mail or phone it is, until the address itself grants again, or one of them does for themselves later.
"""

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from personalake.common.standardise import standard_value

ADDRESSES: Sequence[str] = ("email", "phone")


def addressees(people: DataFrame) -> DataFrame:
    """Who is written to where.

    Args:
        people: Rows of `silver.person`.

    Returns:
        `namespace`, `value`, `person_id`, as `silver.person_link` has them; several people may have one address.
    """
    each = [F.struct(F.lit(kind).alias("namespace"), F.col(kind).alias("value")) for kind in ADDRESSES]
    told = people.select("person_id", F.explode(F.array(*each)).alias("held"))
    return told.select("held.namespace", "held.value", "person_id").where("value IS NOT NULL")


def refused_addresses(answers: DataFrame, people: DataFrame, calling_code: str, now: datetime) -> DataFrame:
    """The newest answers by addresses, where they refuse, as answers of all who are written to there.

    Args:
        answers: All rows of `silver.consent`; signals as answers about purposes.
        people: Rows of `silver.person`.
        calling_code: Of phone numbers that are written without one.
        now: The moment, with its zone; a grant waits for its day.

    Returns:
        The rows with `person_id`.
    """
    is_granted = F.coalesce(F.col("status") == "granted", F.lit(False))
    waits = is_granted & F.coalesce(F.col("occurred_at") > F.lit(now.isoformat()).cast("timestamp"), F.lit(False))
    spelled = standard_value(F.col("namespace"), F.col("customer_id"), calling_code)
    newest = Window.partitionBy("namespace", "value", "purpose").orderBy(
        F.desc("occurred_at"), is_granted, F.desc("known_at"), F.asc("record_id")
    )
    # Of a phone in its one spelling the country is not told once more: each address counts as it is, too.
    either = F.explode(F.array_distinct(F.array("customer_id", spelled)))
    told = answers.where(F.col("namespace").isin(*ADDRESSES) & ~waits).withColumn("value", either)
    last = told.withColumn("place", F.row_number().over(newest)).where((F.col("place") == 1) & ~is_granted)
    return last.drop("place").join(addressees(people), ["namespace", "value"]).drop("value")
