"""A small shop whose truth is known: some people buy every few days, others stop at some day for good."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

from personalake.lake import Lake
from personalake.tables.silver import ORDER_LINE, PERSON_LINK
from tests.pipelines.consents import grant

OPENED = date(2017, 1, 1)


def fill(lake: Lake, people: int, days: int, seed: int = 3) -> None:
    """Write order lines, person links and consents of a shop that opened on 2017-01-01."""
    rng = np.random.default_rng(seed)
    lines = []
    for number in range(people):
        # A fortnight of silence is normal for every second person and tells that the others have left.
        pace, stops = (2.0, 25.0)[number % 2], rng.uniform(30, 2 * days)
        day = rng.exponential(pace)
        while day < min(days, stops):
            lines.append(line(f"c{number}", OPENED + timedelta(days=int(day)), f"{number}-{len(lines)}"))
            day += max(1.0, rng.exponential(pace))
    names = sorted({str(row["customer_id"]) for row in lines})
    links = [{"namespace": "customer_id", "value": name, "person_id": f"p_{name}", "sources": ["shop"]} for name in names]
    lake.ledger.append(ORDER_LINE, lines)
    lake.ledger.append(PERSON_LINK, links)
    grant(lake, [f"p_{name}" for name in names])


def line(
    customer: str | None, day: date, order: str, known: date | None = None, is_return: bool = False
) -> dict[str, object]:
    """One order line at noon; known at once unless a later day is given."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return {
        "event_id": f"e-{order}",
        "order_id": order,
        "namespace": "customer_id",
        "customer_id": customer,
        "product_id": "milk",
        "quantity": Decimal("1.000"),
        "amount": Decimal("1.00"),
        "is_return": is_return,
        "occurred_at": noon,
        "known_at": noon if known is None else datetime(known.year, known.month, known.day, 12, tzinfo=UTC),
    }


def features_of(lake: Lake) -> pd.DataFrame:
    """`gold.customer_feature`, sorted by its key, read without Spark."""
    from personalake.tables.gold import CUSTOMER_FEATURE

    return pd.DataFrame(lake.ledger.read(CUSTOMER_FEATURE)).sort_values(["person_id", "as_of"]).reset_index(drop=True)
