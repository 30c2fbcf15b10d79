from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from personalake.config import Settings
from personalake.lake import Ledger, Locations
from personalake.pipelines.report_data import gather
from personalake.reports.blocks import Cards, Cell, Grid, Note, Table
from personalake.reports.data import ReportData
from personalake.reports.journeys import how_they_buy
from personalake.reports.page import draw
from personalake.reports.soundness import are_they_sound
from personalake.tables.health import DATASET_VERDICT
from personalake.tables.journeys import JOURNEY_PATH
from tests.reports.gold_rows import AS_OF, fill

PATHS = [
    ("web view", 1, 60, 40, 10, 6, 4, 35, 7200.0),
    ("web view > web cart", 2, 40, 0, 25, 15, 0, 25, 3600.0),
    ("email click", 1, 20, 0, 5, 15, 0, 5, 172800.0),
    ("straight to purchase", 0, 20, 0, 20, 0, 0, 20, 0.0),
]


def no_session() -> NoReturn:
    raise AssertionError("the report reads without a Spark session")


@pytest.fixture
def data(tmp_path: Path) -> ReportData:
    ledger = Ledger(Locations(tmp_path), no_session)
    fill(ledger)
    names = ("path", "steps", "journeys", "went_on", "bought", "dropped", "open", "purchases", "median_seconds_to_purchase")
    paths = [dict(zip(names, path, strict=True)) for path in PATHS]
    ledger.append(JOURNEY_PATH, [
        {**path, "as_of": AS_OF, "persons": 1, "conversion": path["purchases"] / path["journeys"]} for path in paths
    ])  # fmt: skip
    verdicts = [("freshness", "fail", "the newest row is 9.0 days old", "old", 1), ("volume", "fail", "few", "new", 2),
                ("freshness", "pass", "the newest row is 0.5 days old", "new", 2)]  # fmt: skip
    ledger.append(DATASET_VERDICT, [
        {"table": "silver.order_line", "check": check, "verdict": verdict, "reason": reason, "as_of": AS_OF, "run_id": run,
         "checked_at": datetime(2017, 12, 1, hour, tzinfo=UTC)}
        for check, verdict, reason, run, hour in verdicts
    ])  # fmt: skip
    return gather(Settings(root=tmp_path), ledger, AS_OF)


def test_journeys_are_counted_by_how_they_begin_and_where_they_end(data: ReportData) -> None:
    section = how_they_buy(data)

    assert section is not None
    cards = next(block for block in section.blocks if isinstance(block, Cards)).cards
    assert [card.value for card in cards] == ["100", "60.0 %", "20"]
    outcomes, drop_offs = next(block for block in section.blocks if isinstance(block, Grid)).charts
    assert {trace["name"]: trace["x"] for trace in outcomes.spec["data"]} == {
        "ended in a purchase": [35, 5], "no purchase so far": [25, 15],
    }  # fmt: skip
    assert drop_offs.summary.endswith("email click: 15; web view > web cart: 15; web view: 6")
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert list(table.rows[0]) == ["web view", "60", "40", "10", "6", "4", "58.3 %", "2.0 h"]
    assert [row[-1] for row in table.rows] == ["2.0 h", "1.0 h", "2.0 days", "0 min"]


def test_the_newest_verdicts_are_shown_and_a_failure_is_an_alarm_on_top(data: ReportData) -> None:
    section = are_they_sound(data)

    assert section is not None
    assert [block.text for block in section.blocks if isinstance(block, Note)] == ["silver.order_line, volume: few."]
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert [row[1:3] for row in table.rows] == [["volume", Cell("fail", "alarm")], ["freshness", Cell("pass", "good")]]
    page = draw(data).split("<script>", 1)[0]
    assert page.index("silver.order_line, volume: few.") < page.index("Are the tables sound?")
    assert "How do they come to buy?" in page


def test_without_paths_and_verdicts_there_is_no_section(data: ReportData) -> None:
    nothing = replace(data, paths=data.paths.head(0), verdicts=())

    assert (how_they_buy(nothing), are_they_sound(nothing)) == (None, None)
