"""`bronze.event` to `silver.event` and `silver.order_line`; what fails goes to `silver.quarantine`."""

from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.refinery import refine
from personalake.tables.bronze import EVENT


def run(context: JobContext) -> JobResult:
    """Refine the events that have arrived since the last run."""
    return refine(context, "refine_events", "event", EVENT)
