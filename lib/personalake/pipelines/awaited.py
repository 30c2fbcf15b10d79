"""What jobs wait for outside the lake: then they have work to do although no table has changed."""

from datetime import UTC, datetime

from personalake.config import Settings
from personalake.lake import Lake


def awaits_results(settings: Settings, lake: Lake) -> bool:
    """Whether a destination may have results of a request that an earlier run left accepted."""
    # What opens databases is loaded only where a run asks.
    from personalake.pipelines.results_later import is_waiting

    return is_waiting(settings, lake.ledger, datetime.now(UTC))


def awaits_deletions(settings: Settings, lake: Lake) -> bool:
    """Whether a destination was asked to forget somebody, and has not said so far that it did."""
    from personalake.pipelines.erasure_later import awaited

    return bool(awaited(settings, lake.ledger, datetime.now(UTC)))
