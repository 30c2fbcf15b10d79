"""Whom not to reach over a channel: suppressed addresses and persons."""

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation

ALL_CHANNELS = "all"


def suppressed_persons(suppressions: DataFrame, at: datetime) -> DataFrame:
    """Persons who must not be reached at a moment.

    Args:
        suppressions: Rows of `silver.suppression`; those that name no person are of addresses that nobody is known to have.
        at: The moment.

    Returns:
        `person_id` and `scope`, each pair once.
    """
    moment = F.lit(at.isoformat()).cast("timestamp")
    holds = (F.col("since") <= moment) & F.coalesce(F.col("until") > moment, F.lit(True))
    return suppressions.where(holds & F.col("person_id").isNotNull()).select("person_id", "scope").distinct()


def without_suppressed(suppressions: DataFrame, at: datetime) -> Transformation:
    """Take out rows whose person is suppressed for their channel, or for all.

    Args:
        suppressions: Rows of `silver.suppression`, few enough to broadcast.
        at: The moment.

    Returns:
        A transformation of rows with `person_id` and `channel`; a row without a channel is only held back from all.
    """
    known = F.broadcast(suppressed_persons(suppressions, at).withColumnRenamed("person_id", "suppressed_id"))
    is_same = F.col("person_id") == F.col("suppressed_id")
    is_meant = (F.col("scope") == ALL_CHANNELS) | F.coalesce(F.col("scope") == F.col("channel"), F.lit(False))
    return lambda rows: rows.join(known, is_same & is_meant, "left_anti")
