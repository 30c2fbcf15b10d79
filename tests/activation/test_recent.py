"""What left a short while ago, as the log tells it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from personalake.activation.recent import left_recently

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Log:
    """Rows of the log: delivery, state, how many seconds ago."""

    def __init__(self, *rows: tuple[str, str, float]) -> None:
        self._rows = [
            {"delivery_id": name, "state": state, "logged_at": NOW - timedelta(seconds=ago)} for name, state, ago in rows
        ]

    def reader(self, columns: Sequence[str]) -> pa.RecordBatchReader:
        schema = pa.schema(
            [("delivery_id", pa.string()), ("state", pa.string()), ("logged_at", pa.timestamp("us", tz="UTC"))]
        )
        return pa.Table.from_pylist(self._rows, schema).select(list(columns)).to_reader()


def test_claims_that_may_have_left_count_at_the_time_of_the_claim_and_what_stayed_here_does_not() -> None:
    log = Log(
        ("a", "in_flight", 60), ("a", "accepted", 58),
        ("b", "in_flight", 60), ("b", "unknown", 30),
        ("c", "in_flight", 60), ("c", "pending", 55),
        ("d", "in_flight", 60), ("d", "cancelled", 55),
        ("e", "in_flight", 20),
        ("f", "confirmed", 10),
        ("g", "in_flight", 90), ("g", "pending", 80), ("g", "in_flight", 20), ("g", "accepted", 19),
    )  # fmt: skip

    assert left_recently(log, NOW) == ((60.0, 2), (20.0, 2))


def test_nothing_left_where_nothing_was_claimed_and_a_clock_that_is_behind_makes_no_future() -> None:
    assert left_recently(Log(("a", "cancelled", 5)), NOW) == ()
    assert left_recently(Log(("a", "in_flight", -5)), NOW) == ((0.0, 1),)
