from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from personalake.recommenders.interactions import day_number, history, interactions
from personalake.recommenders.items import COUNTS, counted
from personalake.recommenders.purchases import PURCHASE, item_counts, of_catalogue, of_sample, purchases, with_everyone
from personalake.tables.silver import ORDER_LINE, PERSON_LINK
from tests.recommenders.recipes import recipe

AS_OF = date(2017, 11, 1)


def at(month, day, hour=12):
    return datetime(2017, month, day, hour, tzinfo=UTC)


@pytest.fixture
def order_lines(spark):
    def make(*rows):
        filled = []
        for order, customer, product, occurred, *rest in rows:
            known = rest[0] if rest else occurred
            is_return = len(rest) > 1
            amount = Decimal("1.00")
            filled.append(
                (f"{order}-{product}", order, "customer_id", customer, product, Decimal(1), amount, amount, "USD", is_return,
                 None, occurred, "orders", known, [], "b")
            )  # fmt: skip
        return spark.createDataFrame(filled, ORDER_LINE.schema)

    return make


@pytest.fixture
def links(spark):
    rows = [("customer_id", str(n), f"p{n}", ["orders"], at(10 if n < 3 else 11, 1)) for n in (1, 2, 3)]
    return spark.createDataFrame(rows, PERSON_LINK.schema)


def test_returns_strangers_and_what_is_not_known_yet_are_no_purchases(order_lines, links):
    lines = order_lines(
        ("o1", "1", "a", at(10, 2)),
        ("o2", "1", "b", at(10, 3), at(10, 3), "return"),
        ("o3", "9", "a", at(10, 4)),
        ("o4", "2", "a", at(10, 5), at(11, 1, 0)),
        ("o5", "2", "a", at(11, 1, 0)),
    )

    found = purchases(lines, links, AS_OF).collect()

    assert [(row.person_id, row.product_id, row.occurred_at.day) for row in found] == [("p1", "a", 2)]


def test_everyone_known_by_then_is_there_once_and_unknown_products_are_not(order_lines, links, spark):
    lines = order_lines(("o1", "1", "a", at(10, 2)), ("o2", "1", "x", at(10, 2)))
    catalogue = spark.createDataFrame([("a",), ("a",), ("b",)], "product_id string")

    rows = purchases(lines, links, AS_OF).transform(of_catalogue(catalogue)).transform(with_everyone(links, AS_OF))

    found = sorted((row.person_id, row.product_id or "") for row in rows.collect())
    assert found == [("p1", ""), ("p1", "a"), ("p2", "")]


def test_a_sample_keeps_whole_people_and_the_same_ones_every_time(spark):
    rows = spark.createDataFrame([(f"p{n}", order) for n in range(200) for order in (1, 2)], "person_id string, order int")

    kept = [row.person_id for row in rows.transform(of_sample(0.5)).collect()]

    assert 140 < len(kept) < 260
    assert all(kept.count(person) == 2 for person in set(kept))
    assert [row.person_id for row in rows.transform(of_sample(0.5)).collect()] == kept
    assert rows.transform(of_sample(7)).count() == 400


def test_counts_by_spark_equal_those_on_the_driver(order_lines, links):
    lines = order_lines(
        ("o1", "1", "a", at(8, 2)), ("o2", "1", "a", at(10, 30)), ("o3", "2", "a", at(9, 20)),
        ("o4", "2", "b", at(8, 1)), ("o4", "1", "b", at(8, 1)), ("o5", "2", "c", at(10, 4, 0)),
    )  # fmt: skip
    rows = purchases(lines, links, AS_OF).transform(with_everyone(links, AS_OF))
    rules = recipe()

    counts = item_counts(rows, AS_OF, rules.popular_days, rules.trend_days).toPandas().sort_values("product_id")

    taken = interactions(rows.select(*PURCHASE).toPandas())
    expected = counted(history(taken, day_number(AS_OF), rules), rules)
    assert taken.product_ids.tolist() == counts["product_id"].tolist() == ["a", "b", "c"]
    assert {name: counts[name].tolist() for name in COUNTS} == {name: expected[name].tolist() for name in COUNTS}
    assert counts[list(COUNTS)].to_numpy().tolist() == [[2, 2, 1, 1], [2, 0, 0, 0], [1, 1, 0, 0]]
