"""Receipts that somebody changed, copied, made up or deleted."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from personalake.privacy.receipt_check import Failure, unconfirmed, verified
from personalake.privacy.receipts import MAC, mac_of
from personalake.tables import Table
from personalake.tables.erasure import ERASURE_RECEIPT, ERASURE_REQUEST, RETENTION_RECEIPT

KEY, NOON = "key", datetime(2026, 11, 26, 12, tzinfo=UTC)
Row = dict[str, Any]
Rows = dict[Table, Sequence[Row]]


def signed(table: Table, /, **told: Any) -> Row:
    row = dict.fromkeys(table.columns) | told
    return {**row, MAC: mac_of(KEY, row)}


STATES = [
    signed(ERASURE_REQUEST, request_id="r", state=state, receipts=count, changed_at=NOON)
    for state, count in (("received", None), ("done", 2))
]
RECEIPTS = [
    signed(ERASURE_RECEIPT, receipt_id=place, request_id="r", place=place, rows_erased=1, recorded_at=NOON)
    for place in ("silver.event", "every file")
]
RETENTION = [
    signed(RETENTION_RECEIPT, table="silver.event", run_id="run", rows=3, rows_removed=removed, sources={"b": 2, "a": 1},
           recorded_at=NOON.replace(minute=removed or 0))
    for removed in (None, 3)
]  # fmt: skip


def told(states: Sequence[Row] = STATES, receipts: Sequence[Row] = RECEIPTS, retention: Sequence[Row] = RETENTION) -> Rows:
    return {ERASURE_REQUEST: states, ERASURE_RECEIPT: receipts, RETENTION_RECEIPT: retention}


def failures(rows: Rows) -> list[tuple[str, str, str]]:
    return [(each.table, each.name, each.what) for each in verified(KEY, rows).failures]


def test_receipts_as_they_were_written_verify_in_whatever_order_tables_give_them_back() -> None:
    # Delta gives a map back as pairs.
    again = [{**row, "sources": [("a", 1), ("b", 2)]} for row in reversed(RETENTION)]

    found = verified(KEY, told(STATES[::-1], RECEIPTS[::-1], again))

    assert found.failures == ()
    assert found.rows == {"gold.erasure_request": 2, "gold.erasure_receipt": 2, "gold.retention_receipt": 2}
    assert unconfirmed(again) == []


def test_a_row_that_was_changed_is_named_and_does_not_count() -> None:
    changed = {**RECEIPTS[0], "rows_erased": 99}

    found = verified(KEY, told(receipts=[changed, RECEIPTS[1]]))

    assert found.failures == (Failure("gold.erasure_receipt", "r silver.event", "is not as it was written"),)
    assert found.rows["gold.erasure_receipt"] == 1
    assert not found.is_of_another_key


def test_a_copy_which_verifies_as_well_is_found() -> None:
    copied = told(receipts=[*RECEIPTS, RECEIPTS[0]])

    assert failures(copied) == [("gold.erasure_receipt", "r silver.event", "stands there more than once")]


def test_rows_that_were_deleted_are_missed_where_others_tell_of_them() -> None:
    assert failures(told(receipts=RECEIPTS[:1])) == [("gold.erasure_receipt", "r", "1 of its 2 receipts are missing")]
    assert failures(told(states=[])) == [("gold.erasure_request", "r", "its states are gone, its receipts are there")]
    assert failures(told(states=STATES[1:])) == [("gold.erasure_request", "r", "the state with which it began is missing")]
    assert failures(told(retention=RETENTION[1:])) == [
        ("gold.retention_receipt", "silver.event run", "what was told before the rows went is gone")
    ]


def test_answers_of_destinations_that_come_after_the_last_state_are_no_failure() -> None:
    later = signed(ERASURE_RECEIPT, receipt_id="later", request_id="r", place="braze", recorded_at=NOON.replace(hour=13))

    assert failures(told(receipts=[*RECEIPTS, later])) == []
    # Nor do they stand in for a receipt that was deleted.
    assert failures(told(receipts=[RECEIPTS[0], later])) == [
        ("gold.erasure_receipt", "r", "1 of its 2 receipts are missing")
    ]


def test_a_run_that_died_leaves_one_to_be_confirmed_and_that_is_no_failure() -> None:
    assert unconfirmed(RETENTION[:1]) == RETENTION[:1]
    assert failures(told(retention=RETENTION[:1])) == []


def test_another_key_verifies_nothing() -> None:
    assert verified("other", told()).is_of_another_key
    assert not verified("other", told([], [], [])).is_of_another_key
