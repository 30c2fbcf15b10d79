import numpy as np
import pandas as pd

from personalake.recommenders.interactions import bought_between, history, interactions
from tests.recommenders.recipes import recipe

RECIPE = recipe(half_life_days=10, short_half_life_days=5)


def test_two_lines_of_one_order_are_one_purchase_and_each_purchase_decays(bought):
    rows = bought(("p1", "milk", 1, 90.0), ("p1", "milk", 1, 90.0), ("p1", "milk", 2, 80.0), ("p2", "tea", 3, 100.0))

    past = history(rows, 100.5, RECIPE)

    assert list(zip(past.person, past.item, past.orders, strict=True)) == [(0, 0, 2.0), (1, 1, 1.0)]
    np.testing.assert_allclose(past.last_days, [10.5, 0.5])
    np.testing.assert_allclose(past.first_days, [20.5, 0.5])
    np.testing.assert_allclose(past.decayed, [0.5**1.05 + 0.5**2.05, 0.5**0.05])
    np.testing.assert_allclose(past.lately, [0.5**2.1 + 0.5**4.1, 0.5**0.1])


def test_a_purchase_after_the_cut_or_known_after_the_cut_changes_nothing(bought):
    early = (("p1", "milk", 1, 90.0), ("p2", "tea", 2, 95.0))

    without = history(bought(*early), 100.0, RECIPE)
    beyond = history(bought(*early, ("p1", "milk", 3, 100.0), ("p1", "tea", 4, 99.0, 100.0)), 100.0, RECIPE)

    for name in ("person", "item", "orders", "last_days", "first_days", "decayed", "lately"):
        np.testing.assert_array_equal(getattr(without, name), getattr(beyond, name), err_msg=name)


def test_what_was_bought_in_a_window_leaves_out_what_became_known_too_late(bought):
    rows = bought(("p1", "milk", 1, 99.9), ("p1", "tea", 2, 100.0), ("p2", "milk", 3, 127.0, 128.0), ("p2", "tea", 4, 128.0))

    assert bought_between(rows, 100.0, 128.0, known_by=128.0).tolist() == [1]
    assert bought_between(rows, 100.0, 128.0, known_by=129.0).tolist() == [1, 2]


def test_a_person_without_purchases_is_there_without_a_history(bought):
    rows = bought(("p2", "milk", 1, 90.0), ("p1", None, 0, None))

    past = history(rows, 100.0, RECIPE)

    assert rows.person_ids.tolist() == ["p1", "p2"]
    assert past.active.tolist() == [1]


def test_the_order_of_rows_and_of_categories_changes_nothing():
    frame = pd.DataFrame(
        [("b", "y", 1, 5.0), ("a", "x", 2, 6.0), ("a", "y", 3, 7.0)],
        columns=["person_id", "product_id", "order_key", "occurred_at"],
    ).assign(known_at=5.0)
    coded = frame[::-1].assign(
        person_id=pd.Categorical(frame["person_id"][::-1], categories=["b", "a"]),
        product_id=pd.Categorical(frame["product_id"][::-1], categories=["y", "x"]),
    )

    plain, shuffled = interactions(frame), interactions(coded)

    assert plain.person_ids.tolist() == shuffled.person_ids.tolist() == ["a", "b"]
    assert plain.item.tolist() == shuffled.item.tolist() == [0, 1, 1]
    assert plain.day.tolist() == shuffled.day.tolist() == [6.0, 7.0, 5.0]


def test_products_that_are_not_asked_for_are_left_out():
    frame = pd.DataFrame({"person_id": ["a", "a"], "product_id": ["x", "z"], "order_key": [1, 2]})
    rows = interactions(frame.assign(occurred_at=1.0, known_at=1.0), np.array(["y", "z"], dtype=object))

    assert rows.item.tolist() == [1]


def test_days_of_times_with_a_zone_begin_at_its_midnight():
    moment = pd.Series(pd.to_datetime(["2017-01-31 04:59"]).tz_localize("UTC").tz_convert("America/New_York"))
    rows = pd.DataFrame(
        {"person_id": ["p"], "product_id": ["milk"], "order_key": [1], "occurred_at": moment, "known_at": moment}
    )

    arrays = interactions(rows)

    assert int(arrays.day[0]) == (pd.Timestamp("2017-01-30") - pd.Timestamp("1970-01-01")).days
