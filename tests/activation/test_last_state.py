"""What the last row of a delivery's log is; whoever asks, asks in the same words."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from personalake.activation.delivery import State
from personalake.activation.last_state import KEY, PLACES, last_states

LIBRARY = Path(__file__).parents[2] / "lib" / "personalake"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        ([(0, "accepted"), (1, "rejected")], "rejected"),
        ([(1, "in_flight"), (0, "confirmed")], "in_flight"),
        ([(0, "rejected"), (0, "accepted"), (0, "in_flight")], "accepted"),
        ([(0, "cancelled"), (0, "unknown")], "cancelled"),
    ],
)
def test_the_latest_row_is_the_state_and_of_one_instant_what_comes_later_in_a_life(
    rows: list[tuple[int, str]], last: str
) -> None:
    told = [{"delivery_id": "d", "state": state, "logged_at": AT + timedelta(microseconds=late)} for late, state in rows]
    with duckdb.connect() as opened:
        opened.register("log", pa.Table.from_pylist(told))

        found = opened.sql(last_states("log", f"count({KEY}) AS rows")).fetchall()

    assert found == [("d", last, len(rows))]


def test_every_state_has_its_place_and_nobody_else_says_which_row_is_the_last() -> None:
    assert sorted(PLACES) == sorted(state.value for state in State)
    says = re.compile(r"arg_max\((\w+\.)?state\b")
    saying = [path.name for path in sorted(LIBRARY.rglob("*.py")) if says.search(path.read_text(encoding="utf-8"))]
    assert saying == ["last_state.py"]
