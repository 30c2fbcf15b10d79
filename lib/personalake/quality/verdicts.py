"""Verdicts on whole tables, apart from single rows: is it fresh, as many as ever, complete, and at one with others?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Literal

from personalake.config.near_duplicates import NearDuplicates
from personalake.config.quality import Consistency, Freshness, RefusedRows, Volume
from personalake.quality.outliers import MAD_SCALE

Result = Literal["pass", "warn", "fail", "unknown"]
_DAY = timedelta(days=1)
_FEWEST_DAYS = 7


@dataclass(frozen=True)
class Verdict:
    """What one check of one table came to, in the columns of `gold.dataset_verdict`."""

    table: str
    check: str
    kind: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    verdict: Result
    reason: str


def freshness(table: str, newest: datetime | None, midnight: datetime, wanted: Freshness) -> Verdict:
    """Whether the newest row is young enough at the as-of.

    Args:
        table: Name of the table.
        newest: Time of its newest row; None without rows.
        midnight: The as-of's.
        wanted: Days beyond which it is a warning, and a failure.
    """
    if newest is None:
        return Verdict(table, "freshness", "freshness", None, "days", None, wanted.warn_days, "unknown", "it has no rows")
    age = max((midnight - newest) / _DAY, 0.0)
    verdict = _beyond(age, wanted.warn_days, wanted.fail_days)
    reason = f"the newest row is {age:.1f} days old, {wanted.warn_days:g} are fine"
    return Verdict(table, "freshness", "freshness", age, "days", None, wanted.warn_days, verdict, reason)


def volume(table: str, per_day: Mapping[date, int], as_of: date, wanted: Volume) -> Verdict:
    """Whether the last day before the as-of brought about as many rows as the days before it.

    Robust z-score (Iglewicz and Hoaglin, 1993): (rows - median) / (1.4826 · median absolute deviation). The spread is taken
    as no less than the square root of the median, a count's own (Poisson), so that a feed that never varied may vary.

    >>> days = {date(2017, 1, day): 100 for day in range(1, 15)}
    >>> volume("t", days | {date(2017, 1, 15): 40}, date(2017, 1, 16), Volume()).verdict
    'warn'
    """
    newest = as_of - _DAY
    days = [newest - _DAY * back for back in range(1, wanted.history_days + 1)]
    first = min(per_day, default=newest)
    counts = [per_day.get(day, 0) for day in days if day >= first]
    rows = float(per_day.get(newest, 0))
    if len(counts) < _FEWEST_DAYS or not any(counts):
        reason = f"fewer than {_FEWEST_DAYS} earlier days to compare with"
        return Verdict(table, "volume", "volume", rows, "rows", None, None, "unknown", reason)
    middle = float(median(counts))
    spread = max(MAD_SCALE * median(abs(count - middle) for count in counts), math.sqrt(middle), 1.0)
    z = (rows - middle) / spread
    verdict = _beyond(abs(z), wanted.warn_z, wanted.fail_z)
    low, high = middle - wanted.warn_z * spread, middle + wanted.warn_z * spread
    side = "below" if z < 0 else "above"
    reason = f"{rows:,.0f} rows on {newest}, {middle:,.0f} on a usual day: {abs(z):.1f} spreads {side}"
    return Verdict(table, "volume", "volume", rows, "rows", max(low, 0.0), high, verdict, reason)


def completeness(table: str, column: str, rows: int, missing: int, wanted: float, fail_below: float) -> Verdict:
    """Whether enough rows have a value.

    Args:
        table: Name of the table.
        column: The column.
        rows: Rows of the table.
        missing: Rows without a value.
        wanted: Least share of rows with one.
        fail_below: Part of that share below which it is a failure.
    """
    check = f"completeness of {column}"
    if not rows:
        return Verdict(table, check, "completeness", None, "share", wanted, None, "unknown", "it has no rows")
    share = 1 - missing / rows
    verdict: Result = "pass" if share >= wanted else "warn" if share >= wanted * fail_below else "fail"
    reason = f"{missing:,} of {rows:,} rows lack it, {100 * (1 - wanted):.2f} % may"
    return Verdict(table, check, "completeness", share, "share", wanted, None, verdict, reason)


def known_elsewhere(table: str, name: str, rows: int, unknown: int, wanted: Consistency) -> Verdict:
    """Whether the values of one table are known to another.

    Args:
        table: Name of the table.
        name: Name of the check.
        rows: Rows with a value.
        unknown: Of these, rows whose value the other table does not know.
        wanted: Share that may be unknown, and beyond which it is a failure.
    """
    if not rows:
        return Verdict(table, name, "consistency", None, "share", None, wanted.tolerance, "unknown", "it has no rows")
    share = unknown / rows
    reason = f"{unknown:,} of {rows:,} rows have a value that {wanted.right} does not know"
    verdict = _beyond(share, wanted.tolerance, max(wanted.tolerance, wanted.fail_beyond))
    return Verdict(table, name, "consistency", share, "share", None, wanted.tolerance, verdict, reason)


def few_near_duplicates(
    table: str, rows: int, repeated: int, wanted: NearDuplicates, left_out: tuple[int, int] = (0, 0)
) -> Verdict:
    """Whether few enough rows are nearly the same as an earlier one; never a pass if too many were not compared.

    Args:
        table: Name of the table.
        rows: Rows of the table.
        repeated: Rows that are nearly the same as an earlier one.
        wanted: Share that may be, and beyond which it is a failure.
        left_out: Blocks that were too large to be compared, and the rows in them.
    """
    check = f"near duplicates by {', '.join(wanted.columns)}"
    if not rows:
        return Verdict(table, check, "near_duplicates", None, "share", None, wanted.tolerance, "unknown", "it has no rows")
    share = repeated / rows
    reason = f"{repeated:,} of {rows:,} rows are at most {wanted.most_edits} edits from an earlier one"
    verdict = _beyond(share, wanted.tolerance, max(wanted.tolerance, wanted.fail_beyond))
    blocks, unseen = left_out
    if blocks:
        reason += f"; {unseen:,} rows were not compared, in {blocks:,} blocks of more than {wanted.largest_block:,}"
    if verdict == "pass" and unseen / rows > wanted.tolerance:
        verdict = "warn"
    return Verdict(table, check, "near_duplicates", share, "share", None, wanted.tolerance, verdict, reason)


def few_refused(table: str, source: str, waiting: int, arrived: int, refused: int, wanted: RefusedRows) -> Verdict:
    """Whether nothing of a source waits in quarantine that must not be lost.

    Args:
        table: Name of the table that the source fills.
        source: Name of the source.
        waiting: Rows in quarantine that nobody has cured.
        arrived: Rows that came in the newest days.
        refused: Of these, rows that were refused.
        wanted: Share of arrivals beyond which it is a failure.

    >>> few_refused("silver.consent", "forms", 3, 100, 3, RefusedRows()).verdict
    'fail'
    """
    check, share = f"refused rows of {source}", refused / arrived if waiting and arrived else 0.0
    reason = f"{waiting:,} rows are in quarantine; of {arrived:,} that came in {wanted.days} days {refused:,} were refused"
    verdict: Result = "pass" if not waiting else "fail" if share > wanted.fail_share else "warn"
    return Verdict(table, check, "refused", share, "share", None, wanted.fail_share, verdict, reason)


def equal(table: str, name: str, left: float | None, right: float | None, wanted: Consistency) -> Verdict:
    """Whether two measures agree: their difference by the greater of them.

    >>> wanted = Consistency(kind="equal", left="rows(silver.event)", right="rows(silver.order_line)", tolerance=0.01)
    >>> equal("t", "n", 99, 100, wanted).verdict, equal("t", "n", 90, 100, wanted).verdict
    ('pass', 'fail')
    """
    if left is None or right is None:
        return Verdict(table, name, "consistency", None, "share", None, wanted.tolerance, "unknown", "a table has no rows")
    greater = max(abs(left), abs(right))
    apart = abs(left - right) / greater if greater else 0.0
    verdict = _beyond(apart, wanted.tolerance, max(wanted.tolerance, wanted.fail_beyond))
    reason = f"{wanted.left} is {left:,.2f}, {wanted.right} is {right:,.2f}"
    return Verdict(table, name, "consistency", apart, "share", None, wanted.tolerance, verdict, reason)


def _beyond(value: float, warn: float, fail: float) -> Result:
    return "fail" if value > fail else "warn" if value > warn else "pass"
