"""Days on which a sync is planned."""

import re
from datetime import date, timedelta

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ON_DEMAND = "on demand"
_SCHEDULE = rf"(daily|weekly on ({'|'.join(_DAYS)})|monthly on ([1-9]|1\d|2[0-8])|{ON_DEMAND})"


def is_schedule(words: str) -> bool:
    """Whether words say when a sync is planned.

    >>> is_schedule("weekly on monday"), is_schedule("weekly")
    (True, False)
    """
    return re.fullmatch(_SCHEDULE, words) is not None


def is_due(schedule: str, as_of: date, planned: date | None) -> bool:
    """Whether a sync is to be planned; a day that was missed is made up for, and the same day again is the same plan.

    Args:
        schedule: As `Sync.schedule`.
        as_of: Exclusive day.
        planned: As-of of its latest plan.

    >>> is_due("weekly on monday", date(2026, 11, 25), date(2026, 11, 16))
    True
    """
    if schedule == ON_DEMAND:
        return False
    if schedule == "daily":
        latest = as_of
    elif schedule.startswith("weekly"):
        latest = as_of - timedelta((as_of.weekday() - _DAYS.index(schedule.split()[-1])) % 7)
    else:
        day = int(schedule.split()[-1])
        month = as_of if as_of.day >= day else as_of.replace(day=1) - timedelta(1)
        latest = month.replace(day=day)
    return planned is None or planned < latest or planned == as_of
