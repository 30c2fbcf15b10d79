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


def test_parts_that_are_claimed_begin_nothing() -> None:
    found = seconds(
        row("a", "in_flight", 0, "p1"), row("b", "in_flight", 0, "p1"),
        row("a", "in_flight", 40, "p1.0x"), row("b", "in_flight", 40, "p1.1y"), row("b", "in_flight", 45, "p1.1y.0z"),
        row("a", "accepted", 52, "p1"), row("b", "accepted", 52, "p1", 12),
        row("e", "in_flight", 100, "p2"), row("e", "in_flight", 107, "p2.0x"), row("e", "unknown", 109, "p2.0x", 3),
    )  # fmt: skip

    assert found == {("first", "there"): 52.0, ("second", "there"): 9.0}


def test_a_part_that_a_later_run_sends_counts_from_that_run() -> None:
    found = seconds(
        row("a", "in_flight", 0, "p1"), row("b", "in_flight", 0, "p1"), row("b", "in_flight", 1, "p1.1y"),
        row("a", "in_flight", 1, "p1.0x"), row("a", "accepted", 4, "p1", 5), row("b", "unknown", 4, "p1.1y"),
        row("b", "in_flight", 1_000, "p1.1y"), row("b", "in_flight", 1_002, "p1.1y.0z"),
        row("b", "unknown", 1_003, "p1.1y.0z", 2),
        # Halves are not claimed: what is told of one first is that it is in doubt.
        row("e", "in_flight", 2_000, "p2"), row("e", "unknown", 2_005, "p2.1", 3),
        row("e", "in_flight", 9_000, "p2.1"), row("e", "accepted", 9_002, "p2.1", 1),
    )  # fmt: skip

    assert found == {("first", "there"): 7.0, ("second", "there"): 7.0}
