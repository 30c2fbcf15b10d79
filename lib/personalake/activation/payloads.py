"""What the payloads of all destinations share."""

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.config.activation import DECISION_PROPERTIES


def instant(as_of: date) -> str:
    """Midnight of the as-of, ISO 8601 in UTC.

    >>> instant(date(2017, 12, 1))
    '2017-12-01T00:00:00.000Z'
    """
    return f"{as_of.isoformat()}T00:00:00.000Z"


def properties() -> Column:
    """What leaves of a decision; what is null is left out."""
    return F.struct(*DECISION_PROPERTIES, F.col("as_of").cast("string").alias("as_of"))
