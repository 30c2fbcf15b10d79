from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from pyspark.sql import functions as F

from personalake.lake import Lake
from personalake.pipelines import build_context
from personalake.pipelines.job import JobContext
from personalake.tables.context import OFFER_HISTORY, PRODUCT_OFFER, VISIT_CONTEXT, WEATHER

AS_OF = date(2025, 3, 9)
NOON = datetime(2025, 3, 5, 12, tzinfo=UTC)


def test_prices_and_weather_that_nobody_tells_any_more_are_gone(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    seen = {"source": "shop", "record_id": "r", "known_at": NOON, "occurred_at": NOON}
    lake.ledger.append(PRODUCT_OFFER, [{**seen, "product_id": "tea", "price": Decimal("3.00"), "currency": "EUR"}])
    lake.ledger.append(WEATHER, [{**seen, "region": "north", "sky": "rain"}])
    build_context.run(context_of(as_of=AS_OF))
    before = [lake.ledger.rows(table) for table in (OFFER_HISTORY, VISIT_CONTEXT)]
    for table in (PRODUCT_OFFER, WEATHER):
        lake.delete(table, F.col("record_id") == "r")

    result = build_context.run(context_of(as_of=AS_OF))

    assert before == [1, 1]
    assert [lake.ledger.rows(table) for table in (OFFER_HISTORY, VISIT_CONTEXT)] == [0, 0]
    assert result.message == "0 spans of prices and stock, 0 hours of a region and a kind of device"
    assert build_context.run(context_of(as_of=AS_OF)).skipped
