"""Suppression as it stands when a job runs."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.pipelines.job import JobContext
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.reach import suppressed_persons, without_suppressed
from personalake.tables.identity import PERSON
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import PERSON_LINK


def reachable_on(context: JobContext, channel: str) -> Transformation:
    """Take all consents from those who must not be reached on a channel now, whatever purpose they are about.

    Args:
        context: What the job is given.
        channel: The channel on which something would reach them.

    Returns:
        A transformation of rows of `silver.consent_current`.
    """
    if not context.lake.ledger.count(SUPPRESSION, [("scope", "=", channel)]):
        return lambda consents: consents
    return without_suppressed(_suppressed(context).where(F.col("scope") == channel), {})


def reachable(context: JobContext) -> Transformation:
    """Take away consents of those who must not be reached now; nothing is read if nobody is suppressed.

    Args:
        context: What the job is given.

    Returns:
        A transformation of rows of `silver.consent_current`.
    """
    if not context.lake.ledger.rows(SUPPRESSION):
        return lambda consents: consents
    return without_suppressed(_suppressed(context), context.settings.receipts.purposes)


def _suppressed(context: JobContext) -> DataFrame:
    lake, settings = context.lake, context.settings
    return suppressed_persons(
        lake.read(SUPPRESSION),
        lake.read(PERSON_LINK),
        erasure_key(settings, lake.locations),
        settings.identity.calling_code,
        context.run_started_at,
        lake.read(PERSON),
    )
