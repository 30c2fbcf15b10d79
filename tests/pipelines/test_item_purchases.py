from collections import defaultdict
from datetime import UTC, date, datetime

import numpy as np
import pytest

from personalake.pipelines.consenting import consenting
from personalake.pipelines.item_purchases import purchases_on_driver, read_purchases, read_purchases_of_everyone, taken
from personalake.recommenders.interactions import Interactions
from tests.pipelines.consents import withdraw
from tests.pipelines.weekly_shop import fill, order_line, weekly_lines

AS_OF = date(2017, 11, 1)
NOON, AFTER = datetime(2017, 10, 31, 12, tzinfo=UTC), datetime(2017, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("everyone", [False, True])
@pytest.mark.parametrize("catalogue", [False, True])
def test_purchases_read_without_spark_are_those_that_spark_reads(lake, context_of, everyone, catalogue):
    late = [
        order_line("l1", "1", "i01", NOON, AFTER),
        order_line("l2", "2", "i02", AFTER),
        order_line("x", "77", "i03", NOON),
    ]
    fill(lake, [*weekly_lines(4), *late], catalogue)
    withdraw(lake, ["5"])

    allowed = consenting(context_of(), ["personalisation"])
    by_spark = taken((read_purchases_of_everyone if everyone else read_purchases)(lake, AS_OF, allowed))
    without = purchases_on_driver(lake, AS_OF, "UTC", allowed, everyone)

    assert len(without.person) > 300
    assert "p05" not in without.person_ids
    np.testing.assert_array_equal(without.person_ids, by_spark.person_ids)
    np.testing.assert_array_equal(without.product_ids, by_spark.product_ids)
    assert orders_of(without) == orders_of(by_spark)


def orders_of(rows: Interactions) -> list[list[tuple[int, int, float, float]]]:
    """The lines of each order, whatever its number."""
    orders = defaultdict(list)
    for order, *line in zip(rows.order, rows.person, rows.item, rows.day, rows.known_day, strict=True):
        orders[order].append(tuple(line))
    return sorted(sorted(lines) for lines in orders.values())


def test_an_order_keeps_its_place_among_the_others_whatever_the_order_of_the_rows(lake, context_of):
    lines = [order_line(order, "1", "i01", NOON) for order in ("b", "a", "c")]
    fill(lake, lines)
    allowed = consenting(context_of(), ["personalisation"])
    first = purchases_on_driver(lake, AS_OF, "UTC", allowed).order.tolist()
    fill(lake, lines[::-1])

    assert purchases_on_driver(lake, AS_OF, "UTC", allowed).order.tolist() == first == [0, 1, 2]
