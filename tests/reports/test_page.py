import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NoReturn

import pytest

from personalake.config import Settings
from personalake.lake import Ledger, Locations
from personalake.pipelines.report_data import gather
from personalake.reports.blocks import Section, Table
from personalake.reports.data import ReportData
from personalake.reports.page import draw, sections
from tests.reports.gold_rows import AS_OF, fill, person


def no_session() -> NoReturn:
    raise AssertionError("the report reads without a Spark session")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    root = tmp_path_factory.mktemp("lake")
    ledger = Ledger(Locations(root), no_session)
    fill(ledger)
    return gather(Settings(root=root), ledger, AS_OF)


@pytest.fixture(scope="module")
def page(data: ReportData) -> str:
    return draw(data)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    root = tmp_path_factory.mktemp("empty")
    return gather(Settings(root=root), Ledger(Locations(root), no_session), AS_OF)


def body(page: str) -> str:
    return page.split("<script>", 1)[0]


def test_the_page_opens_without_a_network(page: str) -> None:
    fetched = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"'](?!data:)", page.split("<script>")[0])

    assert fetched == []
    assert page.count('Plotly.newPlot("chart-"') == 1
    assert page.count("plotly.js v") == 1


def test_every_picture_has_a_place_and_a_sentence_for_those_who_cannot_see_it(page: str) -> None:
    places = re.findall(r'id="chart-(\d+)"[^>]*aria-label="([^"]+)"', page)

    assert [int(place) for place, _ in places] == list(range(len(places)))
    assert len(places) >= 12


def test_neither_payloads_nor_raw_customer_ids_are_shown_but_person_ids_are(page: str) -> None:
    assert "secret" not in page
    assert person(1) in page
    assert "•••" in page


def test_the_equation_is_shown_and_adds_up(page: str) -> None:
    assert '<td class="plain number">1,004</td><td class="plain number">1,000</td><td class="plain number">3</td>' in page
    assert "do not add up" not in page


def test_an_equation_that_does_not_add_up_is_an_alarm_on_top(data: ReportData) -> None:
    health = [{**row, "rows_in": 1005, "balanced": False} for row in data.arrivals.health]

    drawn = body(draw(replace(data, arrivals=replace(data.arrivals, health=health))))

    assert "NO, 1,004 accounted for" in drawn
    assert drawn.index("do not add up") < drawn.index("What came in")


def test_planted_lines_that_were_not_found_are_red(data: ReportData) -> None:
    planted = [{"source": "orders", "kind": "late", "expected": "late", "planted": 5, "found": 3}]

    drawn = body(draw(replace(data, arrivals=replace(data.arrivals, planted=planted))))

    assert '<td class="alarm">off by -2</td>' in drawn
    assert 'class="note alarm"' in drawn


def test_without_a_planted_truth_there_is_no_such_section(data: ReportData) -> None:
    assert "planted" not in [section.key for section in sections(data)]


def test_a_source_that_assumes_consent_is_named_in_red(data: ReportData) -> None:
    drawn = body(draw(replace(data, arrivals=replace(data.arrivals, assumed_consent=["newsletter"]))))

    assert re.search(r'class="note alarm"[^>]*>(<a[^>]*>)?Source newsletter is set to consent: assume_granted', drawn)


def test_what_was_not_written_is_told_by_reason_whether_refused_before_or_taken_back_later(page: str) -> None:
    told = "".join(f"<td[^>]*>{cell}</td>" for cell in ("cdp", "refused", "no consent to personalisation", "4"))
    taken_back = "".join(f"<td[^>]*>{cell}</td>" for cell in ("cdp", "cancelled", "consent was withdrawn meanwhile", "1"))

    assert re.search(told, page)
    assert re.search(taken_back, page)


def test_answers_that_the_demo_made_up_are_labelled_so(page: str) -> None:
    assert "made up for the demonstration (origin synthetic-demo)" in page


def table(data: ReportData, title: str) -> Table:
    blocks = (block for section in sections(data) for block in section.blocks)
    return next(block for block in blocks if isinstance(block, Table) and block.title == title)


def test_products_of_one_name_are_told_apart_and_their_reason_is_the_first_persons(data: ReportData) -> None:
    same = {product: {**known, "name": "Milk", "size": "1 l"} for product, known in data.products.items()}
    shuffled = data.recommendations.sample(frac=1, random_state=1)
    shuffled["reason"] = "reason of " + shuffled["person_id"] + shuffled["rank"].astype(str)

    shown = table(replace(data, products=same, recommendations=shuffled), "Items recommended most, all items")

    assert len({row[1] for row in shown.rows}) == len(shown.rows) > 5
    assert all(row[1] == f"Milk, 1 l ({row[0]})" for row in shown.rows)
    listed = shuffled[shuffled["slot"] == "all_items"]
    assert [row[5] for row in shown.rows] == [min(listed[listed["product_id"] == row[0]]["reason"]) for row in shown.rows]


def test_of_people_as_likely_to_leave_whoever_is_away_for_longest_comes_first(data: ReportData) -> None:
    scores = data.predictions.assign(probability=0.9).sample(frac=1, random_state=1)

    rows = table(replace(data, predictions=scores), "Most likely to leave").rows

    away = [(-int(str(row[2])), row[0]) for row in rows]
    assert away == sorted(away)
    assert len({days for days, _ in away}) > 5


def test_the_order_in_which_rows_are_read_does_not_show(data: ReportData, page: str) -> None:
    frames = ("decisions", "predictions", "recommendations", "segments", "consents")
    turned = replace(data, **{frame: getattr(data, frame).iloc[::-1] for frame in frames})

    assert body(draw(turned)) == body(page)


def test_every_table_says_that_it_scrolls_if_it_does_and_wide_ones_are_set_closely(page: str, data: ReportData) -> None:
    tables = [block for section in sections(data) for block in section.blocks if isinstance(block, Table)]
    wide = Table("Wide", [f"column {place}" for place in range(11)], [["x"] * 10 + ["0.866 [0.848, 0.884]"]], ["column 10"])

    hints = re.findall(r'<p class="small sideways">[^<]*</p>\n<div class="scroll"', body(page))

    assert len(hints) == len(tables)
    assert 'class="dense"' not in body(page)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("personalake.reports.page.sections", lambda _: [Section("wide", "Wide", "A wide table.", [wide])])
        drawn = body(draw(data))
    assert 'class="dense"' in drawn
    assert '<td class="plain number wraps">0.866' in drawn


def test_money_has_its_currency_and_numbers_their_separators(page: str) -> None:
    assert re.search(r"\d,\d{3}\.\d\d USD", page)


def test_every_section_of_an_empty_lake_says_why_it_is_empty(empty: ReportData) -> None:
    drawn = body(draw(empty))

    assert drawn.count("Nothing to show yet.") >= 9
    assert "build_profiles has not made a profile so far" in drawn


def test_the_same_rows_give_the_same_page(data: ReportData, page: str) -> None:
    assert draw(data) == page


def test_only_the_as_of_asked_for_is_drawn(data: ReportData, tmp_path: Path) -> None:
    ledger = Ledger(Locations(tmp_path), no_session)
    fill(ledger)

    other = gather(Settings(root=tmp_path), ledger, date(2017, 11, 1))

    assert len(data.decisions) == 12
    assert other.decisions.empty
