from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from personalake.recommenders.contest import beats, best_of, fit_blend_between, judged_at, snapshot, splits_before
from personalake.recommenders.evaluation import Judged
from personalake.recommenders.interactions import day_number
from personalake.recommenders.items import assortment
from personalake.recommenders.popularity import OwnFrequency, Popularity
from tests.recommenders.recipes import recipe

RECIPE = recipe(list_length=3, neighbour_strength=1)
CUT = date(2017, 12, 1)


@pytest.mark.parametrize(
    ("training_cut", "test_cut"),
    [
        (date(2017, 12, 1), date(2017, 11, 1)),
        (date(2017, 11, 28), date(2017, 10, 1)),
        (date(2017, 11, 29), date(2017, 11, 1)),
        (date(2017, 3, 1), date(2017, 2, 1)),
    ],
)
def test_the_test_begins_at_the_latest_month_whose_weeks_end_by_the_cut(training_cut, test_cut):
    splits = splits_before(training_cut, 28)

    assert splits.test.cut == test_cut
    assert splits.selection.cut == splits.test.fit_cut == test_cut - timedelta(days=28)
    assert splits.selection.end == splits.selection.known_by == test_cut


@pytest.fixture
def lines():
    start, chance = day_number(date(2017, 6, 1)), np.random.default_rng(7)
    return [
        (f"p{person:02d}", f"i{item}", 1000 * person + week, start + 7 * week + person % 7)
        for person in range(20)
        for week in range(26)
        for item in {person % 4, 4 + int(chance.integers(0, 6))}
    ]


def described(rows):
    columns = ["product_id", "name", "category", "product_type", "department", "known_at", "record_id"]
    return assortment(rows.product_ids, pd.DataFrame([], columns=columns))


def test_what_happens_or_becomes_known_after_the_cut_changes_no_recommender(bought, lines):
    cut, fit_cut = date(2017, 11, 1), date(2017, 10, 4)
    late = [(p, "i9", -1, day_number(cut) - 3, day_number(cut) + 1) for p in ("p00", "p01")]
    after = [("p00", f"i{n}", -2, day_number(cut) + n) for n in range(10)]
    before = [row for row in lines if row[3] < day_number(cut)]

    honest, tempted = bought(*before), bought(*lines, *late, *after)

    def fitted(rows):
        early, late = (snapshot(rows, described(rows), day, RECIPE) for day in (fit_cut, cut))
        return fit_blend_between(rows, early, late, fit_cut, cut, RECIPE)

    one, other = fitted(honest), fitted(tempted)
    assert (one.own, one.new, one.background.shares) == (other.own, other.new, other.background.shares)
    np.testing.assert_array_equal(one.background.weights, other.background.weights)


def test_own_favourites_beat_popularity_and_own_frequency_is_silent_on_new_items(bought, lines):
    rows, split = bought(*lines), splits_before(CUT, 28).test
    seen = snapshot(rows, described(rows), split.cut, RECIPE)

    verdicts = judged_at(rows, seen, split, {"popularity": Popularity(3), "own_frequency": OwnFrequency(3)})

    assert best_of(verdicts) == "own_frequency"
    assert beats(verdicts["own_frequency"]["all_items"], verdicts["popularity"]["all_items"], 100, 1)
    assert "new_items" not in verdicts["own_frequency"]


def test_equals_are_chosen_by_name_and_do_not_beat_each_other():
    judged = Judged(np.arange(3), {"ndcg_at_10": np.array([0.1, 0.5, 0.3])}, 0.1, 1.0)

    assert best_of({"b": {"all_items": judged}, "a": {"all_items": judged}}) == "a"
    assert not beats(judged, judged, 100, 1)
