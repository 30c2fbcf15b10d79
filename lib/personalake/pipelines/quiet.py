"""Keeping every other job away: what deletes old versions must not run beside what reads them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from personalake.lake.lease import lease
from personalake.pipelines.job import JobContext
from personalake.pipelines.registry import JOBS
from personalake.pipelines.sending_lease import sending_lease


@contextmanager
def alone(context: JobContext, job: str) -> Iterator[None]:
    """Hold the lease of every other job, and of every destination, for as long as the block runs; a dry run holds none.

    What is settled or approved at the console holds destinations without a job.

    Raises:
        LeaseHeldError: If any of them is at work.
    """
    beat, stale = context.settings.lease.heartbeat_seconds, context.settings.lease.stale_after_seconds
    with ExitStack() as held:
        for spec in JOBS if not context.dry_run else ():
            if spec.name != job:
                path = context.lake.locations.lease(spec.name)
                held.enter_context(lease(path, context.run_id, beat, stale, job))
        for destination in sorted(context.settings.connections) if not context.dry_run else ():
            held.enter_context(sending_lease(context.settings, context.lake, destination, context.run_id, job))
        yield
