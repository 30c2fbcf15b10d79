"""Rows that stay are copied, rows that come are put in the place of others: what an overwrite with both would give."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.lake import Lake, Locations
from personalake.lake.declared import arrow_schema
from personalake.lake.erasing import remove_rows, vacuum
from personalake.lake.renewal import Renewal
from personalake.lake.upkeep import compact
from personalake.tables.identity import PERSON
from personalake.tables.silver import PERSON_LINK

A_DAY = 86_400_000_000
LETTERS = st.lists(st.sampled_from("abcdef"), unique=True)


def person(name: str, records: int = 1) -> dict[str, Any]:
    given = {field.name: None for field in PERSON.fields} | {"person_id": name, "first_name": name.title()}
    known = {"first_known_at": records * A_DAY, "sources": ["crm", "web"], "provenance": {"first_name": f"crm:{name}"}}
    return {**given, **known, "records": records}


def people(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), arrow_schema(PERSON))


def going(*names: str) -> pa.Array:
    return pa.array(names, pa.string())


def lake_in(folder: Path | str) -> Lake:
    """A lake that has no session."""
    return Lake(Locations(Path(folder)), lambda: pytest.fail("no session is needed"))


@pytest.fixture
def crowd(tmp_path: Path) -> Lake:
    lake = lake_in(tmp_path)
    lake.put(people(person("ann"), person("bob"), person("cleo")), PERSON)
    return lake


def held(lake: Lake) -> dict[str, int]:
    return {row["person_id"]: row["records"] for row in lake.ledger.read(PERSON)}


def on_disk(lake: Lake) -> set[str]:
    return {path.name for path in Path(lake.locations.table(PERSON)).glob("*.parquet")}


def named(lake: Lake) -> set[str]:
    return {Path(file).name for file in DeltaTable(lake.locations.table(PERSON)).file_uris()}


@settings(max_examples=15)
@given(before=LETTERS, away=LETTERS, come=LETTERS)
def test_what_stays_and_what_comes_is_what_an_overwrite_with_both_would_leave(
    before: list[str], away: list[str], come: list[str]
) -> None:
    with TemporaryDirectory() as folder:
        lake = lake_in(folder)
        lake.put(people(*map(person, before)), PERSON)

        renewal = Renewal(lake, PERSON, "person_id", going(*away))
        aside = sorted(renewal.aside["person_id"].to_pylist())
        result = renewal.finish(people(*(person(name, 2) for name in come)))

        expected = dict.fromkeys(set(before) - set(away), 1) | dict.fromkeys(come, 2)
        assert held(lake) == expected
        assert aside == sorted(set(before) & set(away))
        assert (result.rows, lake.ledger.rows(PERSON)) == (len(expected), len(expected))
        assert lake.writes[-1] == result


def test_spark_and_delta_rs_read_every_value_and_upkeep_and_erasure_go_on(lake: Lake) -> None:
    lake.put(people(person("ann"), person("bob"), person("cleo")), PERSON)

    Renewal(lake, PERSON, "person_id", going("bob")).finish(people(person("dan", 3)))

    told = people(person("ann"), person("cleo"), person("dan", 3))
    by_spark = lake.spark.read.format("delta").load(lake.locations.table(PERSON)).orderBy("person_id")
    assert by_spark.toArrow().cast(told.schema) == lake.ledger.arrow(PERSON).sort_by("person_id") == told
    assert lake.read(PERSON).count() == 3
    assert compact(lake, PERSON) == (2, 1)
    remove_rows(lake, PERSON, pa.table({"person_id": ["cleo"]}))
    vacuum(lake, PERSON, timedelta(0))
    assert held(lake) == {"ann": 1, "dan": 3}
    assert on_disk(lake) == named(lake)


def test_no_version_names_what_was_copied_before_the_rows_come(crowd: Lake) -> None:
    before, named_before = crowd.ledger.version(PERSON), named(crowd)

    renewal = Renewal(crowd, PERSON, "person_id", going("bob"))
    copied = on_disk(crowd) - named_before
    renewal.discard()

    assert len(copied) == 1
    assert (crowd.ledger.version(PERSON), named(crowd), on_disk(crowd)) == (before, named_before, named_before)


@pytest.mark.parametrize("is_vacuumed", [False, True])
def test_a_row_that_somebody_erased_meanwhile_is_not_brought_back(crowd: Lake, is_vacuumed: bool) -> None:
    renewal = Renewal(crowd, PERSON, "person_id", going("bob"))
    remove_rows(crowd, PERSON, pa.table({"person_id": ["ann"]}))
    if is_vacuumed:
        vacuum(crowd, PERSON, timedelta(0))
    older = named(crowd) | {Path(file).name for file in DeltaTable(crowd.locations.table(PERSON), version=1).file_uris()}

    renewal.finish(people(person("bob", 2)))

    assert held(crowd) == {"bob": 2, "cleo": 1}
    assert on_disk(crowd) <= named(crowd) | older


def test_a_commit_that_is_overtaken_is_made_again_over_what_is_there_then(
    crowd: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewal, write, faster = Renewal(crowd, PERSON, "person_id", going("bob")), DeltaTable.create_write_transaction, ["dan"]

    def overtaken_once(table: DeltaTable, *given: Any, **more: Any) -> None:
        if faster:
            crowd.ledger.append(PERSON, [person(faster.pop())])
        write(table, *given, **more)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", overtaken_once)
    monkeypatch.setattr("personalake.lake.overtaken._PAUSE_SECONDS", 0)
    renewal.finish(people(person("bob", 2)))

    assert held(crowd) == {"ann": 1, "bob": 2, "cleo": 1, "dan": 1}


def test_many_rows_lie_in_several_files_whose_log_tells_their_number_and_no_value(
    crowd: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalake.lake.renewal._ROWS", 1)
    monkeypatch.setattr("personalake.lake.renewal._FILE_ROWS", 2)
    crowd.ledger.append(PERSON, [person("dan")])

    Renewal(crowd, PERSON, "person_id", going("ann")).finish(people())

    added = pa.table(DeltaTable(crowd.locations.table(PERSON)).get_add_actions(flatten=True))
    assert sorted(added["num_records"].to_pylist()) == [1, 2]
    assert not [name for name in added.column_names if name.startswith(("min.", "max."))]
    assert held(crowd) == {"bob": 1, "cleo": 1, "dan": 1}


def test_a_dry_run_counts_and_copies_nothing(crowd: Lake) -> None:
    dry, there = Lake(crowd.locations, crowd.start_session, dry_run=True), on_disk(crowd)

    renewal = Renewal(dry, PERSON, "person_id", going("bob"))
    planned = renewal.finish(people(person("dan"), person("eve")))

    assert renewal.aside["person_id"].to_pylist() == ["bob"]
    assert (planned.rows, planned.version) == (4, -1)
    assert (held(crowd), on_disk(crowd)) == ({"ann": 1, "bob": 1, "cleo": 1}, there)


def test_a_table_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    lake = lake_in(tmp_path)

    Renewal(lake, PERSON, "person_id", going("bob")).finish(people(person("dan")))

    assert held(lake) == {"dan": 1}


def test_where_a_person_has_several_rows_those_of_others_stay(tmp_path: Path) -> None:
    lake, schema = lake_in(tmp_path), arrow_schema(PERSON_LINK)
    links = [{"namespace": "crm", "value": number, "person_id": who} for number, who in (("1", "a"), ("2", "b"), ("3", "b"))]
    lake.put(pa.Table.from_pylist(links, schema), PERSON_LINK)

    renewal = Renewal(lake, PERSON_LINK, "person_id", going("a"))
    renewal.finish(pa.Table.from_pylist([{"namespace": "crm", "value": "1", "person_id": "b"}], schema))

    assert {row["value"]: row["person_id"] for row in lake.ledger.read(PERSON_LINK)} == {"1": "b", "2": "b", "3": "b"}
