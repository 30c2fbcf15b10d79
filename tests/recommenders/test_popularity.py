from personalake.recommenders.interactions import history
from personalake.recommenders.popularity import OwnFrequency, Popularity
from tests.recommenders.recipes import recipe

RECIPE = recipe(popular_days=10)


def test_popularity_counts_people_of_the_last_days_and_breaks_ties_by_id(bought, table_of):
    rows = bought(
        ("p1", "old", 1, 1.0), ("p2", "old", 2, 1.0), ("p3", "old", 3, 1.0),
        ("p1", "b", 4, 95.0), ("p1", "b", 5, 96.0), ("p2", "a", 6, 95.0), ("p2", "c", 6, 95.0), ("p3", "c", 7, 95.0),
    )  # fmt: skip
    past = history(rows, 100.0, RECIPE)
    items = table_of(past, rows.product_ids, RECIPE)

    lists = Popularity(3).rank(past, items)

    assert items.product_ids[lists.all_items.items].tolist() == [["c", "a", "b"]] * 3
    assert items.product_ids[lists.new_items.items[0][:2]].tolist() == ["c", "a"]
    assert lists.new_items.items[0][2] == -1  # p1 owns all the rest
    assert lists.all_items.scores[0].tolist() == [2, 1, 1]


def test_own_frequency_counts_orders_and_breaks_ties_by_people_then_id(bought, table_of):
    rows = bought(
        ("p1", "a", 1, 1.0), ("p1", "b", 1, 1.0), ("p1", "c", 1, 1.0), ("p1", "d", 1, 1.0), ("p1", "d", 2, 2.0),
        ("p2", "c", 3, 3.0),
    )  # fmt: skip
    past = history(rows, 100.0, RECIPE)
    items = table_of(past, rows.product_ids, RECIPE)

    lists = OwnFrequency(3).rank(past, items)

    assert items.product_ids[lists.all_items.items[0]].tolist() == ["d", "c", "a"]
    assert (lists.new_items.items == -1).all()
