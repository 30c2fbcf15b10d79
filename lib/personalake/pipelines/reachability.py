"""Suppression as it stands when a job runs."""

from personalake.common.transformation import Transformation
from personalake.pipelines.job import JobContext
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.reach import suppressed_persons, without_suppressed
from personalake.tables.identity import PERSON
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import PERSON_LINK


def reachable(context: JobContext) -> Transformation:
    """Take away consents of those who must not be reached now; nothing is read if nobody is suppressed.

    Args:
        context: What the job is given.

    Returns:
        A transformation of rows of `silver.consent_current`.
    """
    lake, settings = context.lake, context.settings
    if not lake.ledger.rows(SUPPRESSION):
        return lambda consents: consents
    persons = suppressed_persons(
        lake.read(SUPPRESSION),
        lake.read(PERSON_LINK),
        erasure_key(settings, lake.locations),
        settings.identity.calling_code,
        context.run_started_at,
        lake.read(PERSON),
    )
    return without_suppressed(persons, settings.receipts.purposes)
