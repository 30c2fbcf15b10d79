"""How long was really sent, as the log tells it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from personalake.activation.spells import seconds_of, spells_of_sending

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_SCHEMA = pa.schema([
    ("delivery_id", pa.string()), ("plan_id", pa.string()), ("destination", pa.string()), ("state", pa.string()),
    ("pack_id", pa.string()), ("requests", pa.int32()), ("logged_at", pa.timestamp("us", tz="UTC")),
])  # fmt: skip


class Rows:
    def __init__(self, *rows: dict[str, Any]) -> None:
        self._table = pa.Table.from_pylist([{"destination": "there", **row} for row in rows], _SCHEMA)

    def reader(self, columns: Sequence[str]) -> pa.RecordBatchReader:
        return self._table.select(list(columns)).to_reader()


def row(delivery: str, state: str, second: float, pack: str, requests: int | None = None) -> dict[str, Any]:
    return {"delivery_id": delivery, "state": state, "pack_id": pack, "requests": requests,
            "logged_at": NOON + timedelta(seconds=second)}  # fmt: skip


OUTBOX = Rows(*({"delivery_id": one, "plan_id": "first"} for one in "abcd"), {"delivery_id": "e", "plan_id": "second"})


def seconds(*rows: dict[str, Any]) -> dict[tuple[str, str], float]:
    return {where: seconds_of(spells) for where, spells in spells_of_sending(OUTBOX, Rows(*rows)).items()}


def test_the_time_between_runs_and_what_was_settled_later_do_not_count() -> None:
    found = seconds(
        row("a", "in_flight", 0, "p1"), row("a", "accepted", 10, "p1", 1),
        row("b", "in_flight", 1, "p2"), row("b", "pending", 20, "p2", 3),
        # Claimed by a run that died, and held by the next one.
        row("c", "in_flight", 25, "p3"), row("c", "unknown", 86_400, "p3"),
        row("b", "in_flight", 86_401, "p4"), row("b", "accepted", 86_406, "p4", 1),
        row("a", "confirmed", 90_000, "p1"),
    )  # fmt: skip

    assert found == {("first", "there"): 25.0}


def test_a_request_that_is_made_again_counts_from_its_last_claim() -> None:
    found = seconds(
        row("a", "in_flight", 0, "p1"), row("a", "in_flight", 1_000, "p1"), row("a", "accepted", 1_003, "p1", 1),
        row("e", "in_flight", 1_001, "p2"), row("e", "accepted", 1_004, "p2", 1),
    )  # fmt: skip

    assert found == {("first", "there"): 3.0, ("second", "there"): 3.0}


def test_a_half_in_doubt_is_part_of_the_request_that_was_claimed() -> None:
    found = seconds(
        row("a", "in_flight", 0, "p1"), row("b", "in_flight", 0, "p1"),
        row("a", "accepted", 4, "p1"), row("b", "unknown", 4, "p1.1", 5),
    )  # fmt: skip

    assert found == {("first", "there"): 4.0}
