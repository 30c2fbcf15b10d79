"""A small shop, the same every time: people who buy their favourites weekly, and something else beside."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from personalake.lake import Lake
from personalake.tables.silver import CATALOG_ITEM, CONSENT_CURRENT, ORDER_LINE, PERSON_LINK
from tests.pipelines.consents import grant

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
    lake.overwrite(lake.spark.createDataFrame(lines, ORDER_LINE.schema), ORDER_LINE)
    links = [("customer_id", str(n), f"p{n:02d}", ["orders"], START) for n in (*range(PEOPLE), 99)]
    lake.overwrite(lake.spark.createDataFrame(links, PERSON_LINK.schema), PERSON_LINK)
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
        lake.overwrite(lake.spark.createDataFrame(items, CATALOG_ITEM.schema), CATALOG_ITEM)
