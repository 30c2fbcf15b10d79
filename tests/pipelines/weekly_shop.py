"""A small shop, the same every time: people who buy their favourites weekly, and something else beside."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from personalake.lake import Lake
from personalake.tables import Table
from personalake.tables.silver import CATALOG_ITEM, CONSENT_CURRENT, ORDER_LINE, PERSON_LINK
from tests.pipelines.consents import grant
from tests.pipelines.placed import place

START = datetime(2017, 6, 1, 10, tzinfo=UTC)
PEOPLE = 40


def order_line(order: str, customer: str, product: str, at: datetime, known_at: datetime | None = None) -> tuple:
    """One row of `silver.order_line`."""
    one = Decimal("1.00")
    return (
        f"{order}-{product}", order, "customer_id", customer, product, Decimal(1), one, one, "USD", False, "s", at,
        "orders", known_at or at, [], "b",
    )  # fmt: skip


def weekly_lines(weeks: int = 26) -> list[tuple]:
    """Order lines from 2017-06-01: two favourites and one other product, each person, each week."""
    chance = Random(11)
    return [
        order_line(f"o{person}-{week}", str(person), f"i{product:02d}", START + timedelta(days=7 * week + person % 7))
        for person in range(PEOPLE)
        for week in range(weeks)
        for product in sorted({person % 8, 8 + person % 5, 13 + chance.randrange(12)})
    ]


def fill(lake: Lake, lines: list[tuple], catalogue: bool = True) -> None:
    """Write silver: lines, links and consent of the people and of a stranger who never bought, a catalogue without `i24`."""
    place(lake, ORDER_LINE, _named(ORDER_LINE, lines))
    links = [("customer_id", str(n), f"p{n:02d}", ["orders"], START) for n in (*range(PEOPLE), 99)]
    place(lake, PERSON_LINK, _named(PERSON_LINK, links))
    if not lake.exists(CONSENT_CURRENT):
        grant(lake, [link[2] for link in links])
    if catalogue:
        items = [
            (
                f"r{n}",
                f"i{n:02d}",
                f"Item {n}",
                f"d{n % 2}",
                f"c{n % 4}",
                f"t{n % 3}",
                "b",
                "m",
                "1",
                None,
                "catalog",
                START,
                [],
                "b",
            )
            for n in range(24)
        ]
        place(lake, CATALOG_ITEM, _named(CATALOG_ITEM, items))


def _named(table: Table, rows: list[tuple]) -> Iterator[dict[str, Any]]:
    return (dict(zip(table.columns, row, strict=True)) for row in rows)
