"""What a person sees at the end of the demo, on gold that has gaps."""

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from rich.console import Console

from personalake.config import Settings
from personalake.lake import Ledger, Locations
from personalake.pipelines.tour import tour
from personalake.tables import gold, silver

DAY, LATER = date(2017, 12, 1), date(2017, 12, 5)


@pytest.fixture
def ledger(tmp_path: Any) -> Ledger:
    return Ledger(Locations(tmp_path), lambda: pytest.fail("the tour needs no session"))


def shown(ledger: Ledger) -> str:
    console = Console(file=io.StringIO(), width=140)
    for part in tour(ledger, Settings(root=ledger.locations.root)):
        console.print(part)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_people_without_an_order_have_a_dash_for_their_last_one(ledger: Ledger) -> None:
    row = {"scheme": "rfm", "segment": "No orders yet", "as_of": DAY, "people": 6, "mean_orders": 0.0, "mean_spend": 0.0}
    ledger.append(gold.SEGMENT_SUMMARY, [row])

    (line,) = [line for line in shown(ledger).splitlines() if "No orders yet" in line]
    assert line.replace("│", " ").split() == ["rfm", "No", "orders", "yet", "6", "–", "0", "0"]


def test_only_what_the_latest_plan_would_send_is_counted_each_item_once(ledger: Ledger) -> None:
    ledger.append(
        gold.ACTIVATION_OUTBOX, [{"delivery_id": name, "as_of": day} for name, day in (("old", DAY), ("new", LATER))]
    )
    ledger.append(
        gold.ACTIVATION_LOG,
        [
            {"delivery_id": name, "destination": "braze", "state": "accepted", "file": file, "logged_at": at}
            for name, file, at in (
                ("old", "braze-1.json", datetime(2017, 12, 1, tzinfo=UTC)),
                ("new", "braze-1.json", datetime(2017, 12, 5, 8, tzinfo=UTC)),
                ("new", "braze-2.json", datetime(2017, 12, 5, 9, tzinfo=UTC)),
            )
        ],
    )

    sent = [line.replace("│", " ").split() for line in shown(ledger).splitlines() if "braze" in line]
    assert sent == [["braze", "accepted", "1", "1", "braze-2.json"]]


def test_products_of_one_name_are_told_apart(ledger: Ledger) -> None:
    known_at = datetime(2017, 1, 1, tzinfo=UTC)
    ledger.append(
        silver.CATALOG_ITEM,
        [
            {"product_id": product, "record_id": product, "name": "Milk", "package_size": size, "known_at": known_at}
            for product, size in (("1", "1 l"), ("2", "2 l"))
        ],
    )
    ledger.append(
        gold.RECOMMENDATION,
        [{"person_id": "p", "slot": "all_items", "as_of": DAY, "product_id": product} for product in ("1", "2", "3")],
    )

    liked = [line.replace("│", " ").split() for line in shown(ledger).splitlines() if "all items" in line]
    assert [" ".join(words[2:-1]) for words in liked] == ["Milk, 1 l", "Milk, 2 l", "3"]


def test_an_empty_lake_has_a_tour_too(ledger: Ledger) -> None:
    assert "What came in" in shown(ledger)
