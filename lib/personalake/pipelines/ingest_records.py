"""Records (customers, catalog, consent, campaign responses) to `bronze.record`."""

from personalake.pipelines.intake import ingest
from personalake.pipelines.job import JobContext, JobResult
from personalake.tables.bronze import RECORD


def run(context: JobContext) -> JobResult:
    """Take in the records that have landed since the last run."""
    return ingest(context, "ingest_records", "record", RECORD)
