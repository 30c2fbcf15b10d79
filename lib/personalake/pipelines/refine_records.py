"""`bronze.record` to the silver tables of records; what fails goes to `silver.quarantine`."""

from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.refinery import refine
from personalake.tables.bronze import RECORD


def run(context: JobContext) -> JobResult:
    """Refine the records that have arrived since the last run."""
    return refine(context, "refine_records", "record", RECORD)
