from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from personalake.config import Settings
from personalake.lake import Ledger, Locations
from personalake.pipelines.report_data import gather
from personalake.reports.blocks import Cards, Grid, Note, Section, Table
from personalake.reports.linkage import who_is_who
from personalake.reports.page import draw
from personalake.tables.identity import IDENTITY_GUARD, MATCH_EDGE, MATCH_MODEL, PERSON, PERSON_CHANGE
from tests.identity.test_explanation import hand_made_model
from tests.reports.gold_rows import AS_OF, fill


def no_session() -> NoReturn:
    raise AssertionError("the report reads without a Spark session")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    found = Ledger(Locations(tmp_path), no_session)
    fill(found)
    found.append(PERSON, [{"person_id": "p", "records": 3, "weakest_link": 4.5}, {"person_id": "q", "records": 1}])
    guards = [
        ("hub", "device_id", "d1", 9), ("hub", "device_id", "d2", 3), ("contradiction_birth_date", "pair", "a b", 1),
        ("override_unknown", "override", "crm:77", 0),
    ]  # fmt: skip
    names = ("guard", "namespace", "value", "links")
    found.append(IDENTITY_GUARD, [{**dict(zip(names, row, strict=True)), "persons": row[3]} for row in guards])
    found.append(PERSON_CHANGE, [{"change_id": "1", "kind": "merged", "identifiers": 2}])
    found.append(MATCH_EDGE, [{"left_key": "a", "right_key": "b", "match_weight": 4.5}])
    model = {"model_version": "1", "model": hand_made_model().to_json(), "trained_at": datetime(2025, 1, 1, tzinfo=UTC)}
    found.append(MATCH_MODEL, [model])
    return found


def tables(section: Section | None) -> dict[str, Table]:
    assert section is not None
    return {block.title: block for block in section.blocks if isinstance(block, Table)}


def test_sizes_bridges_guards_hubs_weights_and_thresholds_are_shown_and_no_identifier(
    ledger: Ledger, tmp_path: Path
) -> None:
    data = gather(Settings(root=tmp_path), ledger, AS_OF)

    section = who_is_who(data)

    assert section is not None
    cards = next(block for block in section.blocks if isinstance(block, Cards)).cards
    assert [card.value for card in cards] == ["4", "1", "1", "1"]
    titles = [chart.title for block in section.blocks if isinstance(block, Grid) for chart in block.charts]
    assert titles[:2] == ["Persons by number of records", "The weakest bridge of each person"]
    assert "household: weight of each level" in titles
    found = tables(section)
    assert [list(row[:3]) for row in found["Guards that fired"].rows] == [
        ["contradiction_birth_date", "1", "links refused"],
        ["hub", "12", "persons at shared values, at each value anew"],
        ["override_unknown", "1", "decisions"],
    ]
    assert next(iter(value for title, value in found.items() if title.startswith("Hubs"))).rows == [
        ["device_id", "2", "9", "12"]
    ]
    assert ["0.0 (in use)", "1", "95.77 %", "100.00 %"] in [list(row) for row in found["Where to cut"].rows]
    assert "d1" not in draw(data).split("<script>", 1)[0]


def test_a_resolution_without_refusals_says_so_and_one_without_persons_says_nothing(ledger: Ledger, tmp_path: Path) -> None:
    data = gather(Settings(root=tmp_path), ledger, AS_OF)
    assert data.linkage is not None

    quiet = who_is_who(replace(data, linkage=replace(data.linkage, guards=[])))

    assert quiet is not None
    assert any(isinstance(block, Note) and block.text == "No guard had to refuse anything." for block in quiet.blocks)
    assert who_is_who(replace(data, linkage=None)) is None
