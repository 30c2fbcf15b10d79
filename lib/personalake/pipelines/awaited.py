"""What jobs wait for, a destination or the time: then they have work to do although no table has changed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from personalake.config import Settings
from personalake.lake import Lake
from personalake.tables import Table
from personalake.tables.gold import RUN
from personalake.tables.privacy import PREFERENCE
from personalake.tables.silver import CONSENT


def awaits_results(settings: Settings, lake: Lake) -> bool:
    """Whether a destination may have results of a request that an earlier run left accepted."""
    # What opens databases is loaded only where a run asks.
    from personalake.pipelines.results_later import is_waiting

    return is_waiting(settings, lake.ledger, datetime.now(UTC))


def awaits_deletions(settings: Settings, lake: Lake) -> bool:
    """Whether a destination was asked to forget somebody, and has not said so far that it did."""
    from personalake.pipelines.erasure_later import awaited

    return bool(awaited(settings, lake.ledger, datetime.now(UTC)))


_ANSWERED: Mapping[Table, Sequence[str]] = {
    CONSENT: ("expires_at", "occurred_at", "known_at"),
    PREFERENCE: ("occurred_at", "known_at"),
}


def awaits_consents(job: str) -> Callable[[Settings, Lake], bool]:
    """Whether a consent has ended, or the day of an answer or a wish has come, since the job last ran."""

    def is_other(_: Settings, lake: Lake) -> bool:
        runs = lake.ledger.read(RUN, ("status", "started_at"), [("job", "=", job)])
        looked_at = max((run["started_at"] for run in runs if run["status"] != "failed"), default=None)
        if looked_at is None:
            return False
        now = datetime.now(UTC)
        clocks = ((table, clock) for table, clocks in _ANSWERED.items() for clock in clocks)
        return any(lake.ledger.count(table, [(clock, ">", looked_at), (clock, "<=", now)]) for table, clock in clocks)

    return is_other
