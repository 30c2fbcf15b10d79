from datetime import UTC, date, datetime, timedelta

import pytest

from personalake.config.quality import Consistency, Freshness, Volume
from personalake.quality.verdicts import completeness, freshness, known_elsewhere, volume

AS_OF = date(2017, 6, 1)
MIDNIGHT = datetime(2017, 6, 1, tzinfo=UTC)
WANTED = Freshness(warn_days=2, fail_days=7)
KNOWN = Consistency(kind="foreign_key", left="silver.order_line.product_id", right="silver.catalog_item.product_id",
                    tolerance=0.01, fail_beyond=0.1)  # fmt: skip


@pytest.mark.parametrize(
    ("days", "verdict"), [(0.5, "pass"), (2.0, "pass"), (2.1, "warn"), (7.0, "warn"), (7.1, "fail"), (-3.0, "pass")]
)
def test_a_table_is_fresh_up_to_its_limits(days: float, verdict: str) -> None:
    found = freshness("t", MIDNIGHT - timedelta(days=days), MIDNIGHT, WANTED)

    assert (found.verdict, found.value) == (verdict, pytest.approx(max(days, 0)))


def per_day(*counts: int) -> dict[date, int]:
    """Counts of the days before the as-of, the earliest first."""
    return {AS_OF - timedelta(days=len(counts) - place): count for place, count in enumerate(counts)}


@pytest.mark.parametrize(
    ("newest", "verdict"),
    # Median 100, median absolute deviation 10: spreads of 14.8; warnings from 52 rows away, failures from 104.
    [(100, "pass"), (151, "pass"), (49, "pass"), (152, "warn"), (47, "warn"), (203, "warn"), (204, "fail"), (0, "warn")],
)
def test_the_newest_day_is_compared_with_the_days_before_it(newest: int, verdict: str) -> None:
    usual = [90, 110, 100, 80, 120, 90, 110, 100, 90, 110]

    found = volume("t", per_day(*usual, newest), AS_OF, Volume(history_days=10))

    assert found.verdict == verdict
    assert (found.low, found.high) == (pytest.approx(100 - 3.5 * 14.82602), pytest.approx(100 + 3.5 * 14.82602))


def test_a_feed_that_stopped_is_seen_and_one_outlier_in_the_past_hides_nothing() -> None:
    usual = [100] * 20 + [5_000]

    assert volume("t", per_day(*usual, 0), AS_OF, Volume()).verdict == "fail"
    assert volume("t", per_day(*usual, 110), AS_OF, Volume()).verdict == "pass"


def test_without_enough_history_there_is_no_verdict() -> None:
    assert volume("t", per_day(*[100] * 6, 0), AS_OF, Volume()).verdict == "unknown"
    assert volume("t", {}, AS_OF, Volume()).verdict == "unknown"
    assert freshness("t", None, MIDNIGHT, WANTED).verdict == "unknown"
    assert completeness("t", "c", 0, 0, 1.0, 0.9).verdict == "unknown"
    assert known_elsewhere("t", "n", 0, 0, KNOWN).verdict == "unknown"


@pytest.mark.parametrize(("missing", "verdict"), [(10, "pass"), (11, "warn"), (19, "warn"), (20, "fail")])
def test_a_column_is_complete_down_to_its_limits(missing: int, verdict: str) -> None:
    assert completeness("t", "c", 100, missing, 0.9, 0.9).verdict == verdict


@pytest.mark.parametrize(("unknown", "verdict"), [(0, "pass"), (1, "pass"), (2, "warn"), (10, "warn"), (11, "fail")])
def test_values_are_known_elsewhere_up_to_the_limits(unknown: int, verdict: str) -> None:
    assert known_elsewhere("t", "n", 100, unknown, KNOWN).verdict == verdict
