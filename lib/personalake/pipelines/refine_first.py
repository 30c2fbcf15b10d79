"""What waits in bronze is refined before anything goes: a stream would look for rows and files that are gone."""

from personalake.pipelines import refine_events, refine_records
from personalake.pipelines.job import JobContext
from personalake.pipelines.refinery import is_refined


def refine_waiting(context: JobContext) -> None:
    """Refine records and events that have not been refined yet; the leases of both jobs must be held."""
    for module in (refine_records, refine_events):
        if not is_refined(context, module.__name__.rpartition(".")[2]):
            module.run(context)
