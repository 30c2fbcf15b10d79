"""Keeping every other job away: what deletes old versions must not run beside what reads them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from personalake.lake.lease import lease
from personalake.pipelines.job import JobContext
from personalake.pipelines.registry import JOBS


@contextmanager
def alone(context: JobContext, job: str) -> Iterator[None]:
    """Hold the lease of every other job for as long as the block runs; a dry run holds none.

    Raises:
        LeaseHeldError: If any of them is at work.
    """
    patience = context.settings.lease
    with ExitStack() as held:
        for spec in JOBS if not context.dry_run else ():
            if spec.name != job:
                path = context.lake.locations.lease(spec.name)
                held.enter_context(lease(path, context.run_id, patience.heartbeat_seconds, patience.stale_after_seconds))
        yield
