"""What jobs wait for, a destination or the time: then they have work to do although no table has changed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

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
        looked_at = _looked_at(lake, job)
        if looked_at is None:
            return False
        now = datetime.now(UTC)
        clocks = ((table, clock) for table, clocks in _ANSWERED.items() for clock in clocks)
        return any(lake.ledger.count(table, [(clock, ">", looked_at), (clock, "<=", now)]) for table, clock in clocks)

    return is_other


def awaits_licences(job: str, table: Table) -> Callable[[Settings, Lake], bool]:
    """Whether since the job last ran a licence has ended, or rows of a table have become too old for theirs."""

    def has_ended(settings: Settings, lake: Lake) -> bool:
        looked_at, licences = _looked_at(lake, job), settings.profiles.licences
        if looked_at is None or not licences:
            return False
        zone = ZoneInfo(settings.business_timezone)
        before, today = looked_at.astimezone(zone).date(), datetime.now(zone).date()
        if any(licence.until is not None and before <= licence.until < today for licence in licences.values()):
            return True
        aging = {name: licence.days for name, licence in licences.items() if licence.days is not None}
        if before == today or not aging or not lake.ledger.rows(table):
            return False
        return any(
            lake.ledger.count(
                table,
                [("licence", "=", name), ("occurred_at", ">=", _oldest(before, days, zone)),
                 ("occurred_at", "<", _oldest(today, days, zone))],
            )
            for name, days in aging.items()
        )  # fmt: skip

    return has_ended


def any_of(*waits: Callable[[Settings, Lake], bool]) -> Callable[[Settings, Lake], bool]:
    """Whether one of several things is awaited."""
    return lambda settings, lake: any(is_awaited(settings, lake) for is_awaited in waits)


def _looked_at(lake: Lake, job: str) -> datetime | None:
    """When the job last began to look at what there was; None if it never did."""
    runs = lake.ledger.read(RUN, ("status", "started_at"), [("job", "=", job)])
    return max((run["started_at"] for run in runs if run["status"] != "failed"), default=None)


def _oldest(day: date, days: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone) - timedelta(days=days)
