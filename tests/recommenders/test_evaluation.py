from math import log2

import numpy as np
import pytest

from personalake.recommenders.evaluation import difference, judge, measured, new_only
from personalake.recommenders.interactions import bought_between, history
from personalake.recommenders.ranking import Ranked
from tests.recommenders.recipes import recipe

RECIPE = recipe()


@pytest.fixture
def shop(bought, table_of):
    """Two people with a history of a..d; p1 then buys b (new), d (owned) and z, which nobody had before; p3 is new."""
    rows = bought(
        ("p1", "a", 1, 1.0), ("p1", "d", 1, 1.0), ("p2", "b", 2, 2.0), ("p2", "c", 2, 2.0), ("p2", "d", 2, 2.0),
        ("p1", "b", 3, 11.0), ("p1", "d", 3, 11.0), ("p1", "z", 3, 11.0), ("p3", "a", 4, 12.0),
    )  # fmt: skip
    past = history(rows, 10.0, RECIPE)
    return past, table_of(past, rows.product_ids, RECIPE), bought_between(rows, 10.0, 20.0, 20.0)


def test_metrics_equal_the_formulae_for_a_list_made_by_hand(shop):
    past, items, after = shop
    b, d, a = 1, 3, 0
    lists = Ranked(np.array([[b, a, d], [a, b, d], [a, b, d]]), np.zeros((3, 3)))

    judged = judge(lists, after, past, items)

    assert judged.people.tolist() == [0]  # p2 bought nothing, p3 had no history
    found = {name: float(values[0]) for name, values in judged.metrics.items()}
    assert found == pytest.approx(
        {
            "ndcg_at_3": (1 + 1 / log2(4)) / (1 + 1 / log2(3) + 1 / log2(4)),
            "recall_at_3": 2 / 3,  # z counts, though nobody could have listed it
            "precision_at_3": 2 / 3,
            "map_at_3": (1 + 2 / 3) / 3,
            "hit_rate_at_3": 1.0,
        }
    )
    assert judged.coverage == 3 / 4
    assert judged.mean_people == pytest.approx((1 + 1 + 2) / 3)


def test_new_items_are_those_that_the_person_never_bought(shop):
    past, items, after = shop
    lists = Ranked(np.array([[3, 1], [0, 0], [0, 0]]), np.zeros((3, 2)))

    judged = judge(lists, new_only(after, past), past, items)

    assert judged.metrics["recall_at_2"].tolist() == [0.5]  # b and z are new to p1, the owned d no longer counts
    assert judged.main.tolist() == pytest.approx([1 / log2(3) / (1 + 1 / log2(3))])


def test_intervals_hold_the_mean_and_are_the_same_every_time(shop):
    past, items, after = shop
    judged = judge(Ranked(np.array([[1, 0], [0, 0], [0, 0]]), np.zeros((3, 2))), after, past, items)
    many = type(judged)(np.arange(50), {"ndcg_at_2": np.arange(50) / 50}, 0.1, 3.0)

    once, again = measured(many, 200, 1), measured(many, 200, 1)

    assert once == again
    assert once[0].low < once[0].value < once[0].high
    assert 0.03 < (once[0].high - once[0].low) / 3.92 < 0.05  # the standard error of 50 values over 0..1 is 0.041


def test_a_difference_is_paired():
    noisy = np.random.default_rng(0).normal(0, 10, 100)

    found = difference(noisy + 0.1, noisy, 100, 1)

    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
