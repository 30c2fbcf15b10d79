import numpy as np
import pytest

from personalake.recommenders.blend import fit_blend
from personalake.recommenders.candidates import Candidates, fit_logistic
from personalake.recommenders.interactions import bought_between, history
from personalake.recommenders.new_items import FEATURES as NEW
from personalake.recommenders.new_items import fit_background, new_items
from personalake.recommenders.own_items import FEATURES as OWN
from personalake.recommenders.own_items import own_items
from tests.recommenders.recipes import recipe

RECIPE = recipe(list_length=3, neighbour_strength=1, new_candidates=10)
CATALOGUE = [(i, i.upper(), c, c, c, 0, 0) for i, c in (("cola", "drinks"), ("tea", "drinks"), ("soap", "house"))]


def test_features_of_own_items_are_those_of_the_formulae(bought, table_of):
    rows = bought(("p1", "tea", 1, 70.0), ("p1", "tea", 2, 80.0), ("p1", "tea", 3, 90.0), ("p2", "tea", 4, 10.0))
    past = history(rows, 100.0, RECIPE)

    found = own_items(past, table_of(past, rows.product_ids, RECIPE), RECIPE)

    decayed, late = (sum(0.5 ** (age / half) for age in (10, 20, 30)) for half in (84, 28))
    expected = {
        "decayed_orders": np.log(decayed + 0.02),
        "late_orders": np.log(late + 0.02),
        "orders": np.log(3),
        "overdue": np.log((10 + 3) / (10 + 3)),
        "only_once": 0.0,
        "trend": np.log1p(1),  # p2 bought it too long ago
        "repeat_odds": np.log((1 + 1) / (2 + 4) / (1 - (1 + 1) / (2 + 4))),
    }
    assert dict(zip(OWN, found.features[0, 0], strict=True)) == pytest.approx(expected)
    assert found.items[:, :2].tolist() == [[0, -1], [0, -1]]


def test_a_new_item_of_a_favourite_category_has_affinity_and_owned_ones_do_not_come_up(bought, table_of):
    rows = bought(("p1", "cola", 1, 99.0), ("p2", "soap", 2, 99.0), ("p3", "cola", 3, 99.0), ("p3", "tea", 3, 99.0))
    past = history(rows, 100.0, RECIPE)
    items = table_of(past, rows.product_ids, RECIPE, CATALOGUE)

    found = new_items(past, items, fit_background(past, items, RECIPE), RECIPE)

    cola, soap, tea = range(3)
    values = dict(zip(NEW, np.moveaxis(found.features, 2, 0), strict=True))
    assert found.items.tolist() == [[-1, soap, tea], [cola, -1, tea], [-1, soap, -1]]
    weight = 0.5 ** (1 / 84)
    usual = 2 / 3
    assert values["affinity_category"][0, tea] == pytest.approx(np.log((weight + 5 * usual) / (weight + 5) / usual))
    assert values["goes_with"][0, tea] > values["goes_with"][1, tea]


def test_the_affinity_of_a_person_does_not_depend_on_who_else_is_ranked(bought, table_of):
    everyone = (("p1", "cola", 1, 99.0), ("p2", "soap", 2, 99.0), ("p2", "tea", 3, 99.0))
    rows, alone = bought(*everyone), bought(*everyone[:1], ("p9", "soap", 9, 100.0), ("p9", "tea", 9, 100.0))
    past = history(rows, 100.0, RECIPE)
    items = table_of(past, rows.product_ids, RECIPE, CATALOGUE)
    background = fit_background(past, items, RECIPE)

    together = new_items(past, items, background, RECIPE)
    single = new_items(history(alone, 100.0, RECIPE), items, background, RECIPE)

    np.testing.assert_array_equal(together.features[0], single.features[0])


def test_the_blend_learns_that_what_is_bought_often_is_bought_again(bought, table_of):
    weekly = [(f"p{p:02d}", f"fav{p % 5}", 100 * p + w, 7.0 * w + p % 3) for p in range(30) for w in range(20)]
    once = [(f"p{p:02d}", f"odd{p % 7}", 9000 + p, 95.0 + p % 3) for p in range(30)]
    rows = bought(*weekly, *once)
    past = history(rows, 100.0, RECIPE)
    items = table_of(past, rows.product_ids, RECIPE)
    blend = fit_blend(past, items, bought_between(rows, 100.0, 128.0, 140.0), RECIPE)

    lists = blend.rank(past, items)

    assert items.product_ids[lists.all_items.items[:, 0]].tolist() == [f"fav{p % 5}" for p in range(30)]
    new = np.arange(30)[:, None] * past.items + lists.new_items.items
    assert not np.isin(new, past.keys).any()


def test_the_logistic_ranker_finds_the_odds_that_made_the_data():
    chance = np.random.default_rng(0)
    features = chance.normal(size=(200, 100, 2))
    odds = 0.8 * features[..., 0] - 0.3 * features[..., 1] - 1
    labels = chance.random(odds.shape) < 1 / (1 + np.exp(-odds))

    learnt = fit_logistic(Candidates(np.ones(odds.shape, dtype=np.int64), features), labels)

    assert (*learnt.coefficients, learnt.intercept) == pytest.approx((0.8, -0.3, -1.0), abs=0.06)
