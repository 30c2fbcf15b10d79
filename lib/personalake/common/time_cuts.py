"""Time as an argument: what was known before an as-of, and the as-ofs of a training cut."""

from datetime import date, datetime, timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation


def as_of_instant(as_of: date) -> Column:
    """Midnight at the start of `as_of`, the first instant that is no longer known; the session's zone is the business's."""
    return F.lit(as_of.isoformat()).cast("timestamp")


def known_before(as_of: date) -> Transformation:
    """Keep rows that had happened, and that we could have known of, before `as_of`.

    Args:
        as_of: The exclusive day; rows need the columns `occurred_at` and `known_at`.
    """
    cut = as_of_instant(as_of)
    return lambda rows: rows.where((F.col("occurred_at") < cut) & (F.col("known_at") < cut))


def instant(moment: datetime) -> Column:
    """A moment as a column, whatever the session's zone.

    Args:
        moment: With its zone.
    """
    return F.lit(moment.isoformat()).cast("timestamp")


def known_by(moment: datetime) -> Transformation:
    """Keep rows that have happened, and that we know of, at a moment; for what holds today, whatever the as-of.

    Args:
        moment: With its zone; rows need the columns `occurred_at` and `known_at`.
    """
    now = instant(moment)
    return lambda rows: rows.where((F.col("occurred_at") <= now) & (F.col("known_at") <= now))


def month_starts(first: date, last: date) -> tuple[date, ...]:
    """Every first day of a month within `first`..`last`, both inclusive.

    >>> month_starts(date(2017, 4, 2), date(2017, 6, 1))
    (datetime.date(2017, 5, 1), datetime.date(2017, 6, 1))
    """
    months = []
    year, month = first.year, first.month
    while date(year, month, 1) <= last:
        if date(year, month, 1) >= first:
            months.append(date(year, month, 1))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return tuple(months)


def days_before(day: date, days: int) -> date:
    """The day that lies `days` days before `day`."""
    return day - timedelta(days=days)
