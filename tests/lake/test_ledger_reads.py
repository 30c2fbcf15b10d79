from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from personalake.lake import Ledger, Locations
from personalake.tables.silver import CONSENT, EVENT

NOON = datetime(2017, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2017, 1, 2, 1, tzinfo=UTC)


def no_session() -> NoReturn:
    raise AssertionError("folders are read without a Spark session")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(Locations(tmp_path), no_session)
    ledger.append(EVENT, [
        {"event_id": "a", "known_at": NOON, "warnings": ["w"]},
        {"event_id": "b", "known_at": NOON, "warnings": []},
        {"event_id": "c", "known_at": LATER, "warnings": []},
    ])  # fmt: skip
    return ledger


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (("event_id", "in", {"a", "c"}), ["a", "c"]),
        (("event_id", "not in", ["a"]), ["b", "c"]),
        (("event_id", "=", "b"), ["b"]),
        (("event_id", "in", []), []),
        (("known_at", ">", NOON), ["c"]),
        (("known_at", "<=", NOON), ["a", "b"]),
    ],
)
def test_only_rows_that_meet_the_condition_are_read(ledger: Ledger, condition: Any, expected: list[str]) -> None:
    assert sorted(row["event_id"] for row in ledger.read(EVENT, ["event_id"], [condition])) == expected


def test_all_conditions_must_hold_and_only_the_asked_columns_come(ledger: Ledger) -> None:
    rows = ledger.read(EVENT, ["event_id", "warnings"], [("known_at", "=", NOON), ("event_id", "!=", "b")])

    assert rows == [{"event_id": "a", "warnings": ["w"]}]


def test_rows_are_counted_by_day_in_order(ledger: Ledger) -> None:
    assert list(ledger.per_day(EVENT, "known_at").items()) == [(date(2017, 1, 1), 2), (date(2017, 1, 2), 1)]


def test_days_can_be_those_of_another_time_zone(ledger: Ledger) -> None:
    assert ledger.per_day(EVENT, "known_at", "America/New_York") == {date(2017, 1, 1): 3}


def test_rows_known_before_each_of_several_instants_are_counted_in_any_order_of_them(tmp_path: Path) -> None:
    ledger = Ledger(Locations(tmp_path), no_session)
    ledger.append(EVENT, [
        {"event_id": "a", "occurred_at": NOON, "known_at": NOON, "customer_id": "1"},
        {"event_id": "late", "occurred_at": NOON, "known_at": LATER, "customer_id": "1"},
        {"event_id": "nobody's", "occurred_at": NOON, "known_at": NOON},
    ])  # fmt: skip
    second = timedelta(seconds=1)

    counts = ledger.known_before(EVENT, [LATER + second, NOON, NOON + second, LATER], [("customer_id", "!=", None)])

    assert counts == [2, 0, 1, 1]


def test_a_table_that_is_not_there_has_the_declared_columns_and_no_rows(tmp_path: Path) -> None:
    missing = Ledger(Locations(tmp_path), no_session)

    assert missing.arrow(EVENT, ["event_id", "known_at"]).column_names == ["event_id", "known_at"]
    assert (missing.read(EVENT), missing.per_day(EVENT, "known_at"), missing.size(EVENT)) == ([], {}, 0)


def test_the_size_is_that_of_the_current_files(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.size(EVENT) == sum(path.stat().st_size for path in (tmp_path / "silver/event").glob("*.parquet"))


def test_a_scan_comes_file_by_file_with_the_rows_that_one_after_the_other_gives(ledger: Ledger) -> None:
    ledger.append(EVENT, [{"event_id": "d", "known_at": LATER}])

    parts = [part.reader(["event_id"]).read_all()["event_id"].to_pylist() for part in ledger.scan(EVENT).parts()]
    late = [part.reader(["event_id"]).read_all().num_rows for part in ledger.scan(EVENT, [("known_at", "=", LATER)]).parts()]

    assert sorted(parts) == [["a", "b", "c"], ["d"]]
    assert late == [1, 1]
    assert [part.reader(["record_id"]).read_all().num_rows for part in ledger.scan(CONSENT).parts()] == [0]
