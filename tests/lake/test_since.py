"""What came into a table and what left it, file by file, since a state of it."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from personalake.lake import Ledger, Locations
from personalake.lake.scan import Scan
from personalake.lake.since import Since, since
from personalake.tables.silver import CONSENT, EVENT


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    def no_session() -> Any:
        raise AssertionError("no session is needed")

    return Ledger(Locations(tmp_path), no_session)


def ids(scans: Any) -> list[str]:
    found: list[str] = []
    for scan in scans:
        assert isinstance(scan, Scan)
        found += scan.reader(["event_id"]).read_all()["event_id"].to_pylist()
    return sorted(found)


def told(files: Since) -> tuple[list[str], list[str], bool]:
    return ids(files.come), ids(files.left), files.is_whole


def without(ledger: Ledger, event: str) -> DeltaTable:
    table = DeltaTable(ledger.locations.table(EVENT))
    table.delete(f"event_id = '{event}'")
    return table


def test_only_files_that_came_or_left_are_told(ledger: Ledger) -> None:
    ledger.append(EVENT, [{"event_id": "a"}, {"event_id": "b"}])
    first = since(ledger, EVENT, None)
    ledger.append(EVENT, [{"event_id": "c"}])
    ledger.append(EVENT, [{"event_id": "d"}])

    more = since(ledger, EVENT, first.state)
    without(ledger, "a")
    less = since(ledger, EVENT, more.state)

    assert told(first) == (["a", "b"], [], True)
    assert told(more) == (["c", "d"], [], False)
    assert told(less) == (["b"], ["a", "b"], False)
    assert told(since(ledger, EVENT, less.state)) == ([], [], False)


def test_files_that_were_made_one_are_as_if_they_left_and_came_again(ledger: Ledger) -> None:
    for event in ("a", "b"):
        ledger.append(EVENT, [{"event_id": event}])
    before = since(ledger, EVENT, None).state
    DeltaTable(ledger.locations.table(EVENT)).optimize.compact()

    assert told(since(ledger, EVENT, before)) == (["a", "b"], ["a", "b"], False)


def test_a_table_is_read_whole_where_its_past_is_gone_or_is_another_tables(ledger: Ledger) -> None:
    ledger.append(EVENT, [{"event_id": "a"}, {"event_id": "b"}])
    state = since(ledger, EVENT, None).state
    table = without(ledger, "a")
    whole = (["b"], [], True)

    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert told(since(ledger, EVENT, state)) == whole
    for stranger in ("another:0", f"{table.metadata().id}:9", None):
        assert told(since(ledger, EVENT, stranger)) == whole


def test_a_table_that_is_not_there_has_no_files_and_no_past(ledger: Ledger) -> None:
    files = since(ledger, CONSENT, None)

    rows: pa.Table = files.come[0].reader(["record_id"]).read_all()
    assert (rows.num_rows, files.state, files.is_whole) == (0, None, True)
