"""Events from files or Kafka to `bronze.event`."""

from personalake.pipelines.intake import ingest
from personalake.pipelines.job import JobContext, JobResult
from personalake.tables.bronze import EVENT


def run(context: JobContext) -> JobResult:
    """Take in the events that have landed since the last run."""
    return ingest(context, "ingest_events", "event", EVENT)
