from personalake.recommenders.blend import Blend
from personalake.recommenders.candidates import LogisticRanker
from personalake.recommenders.interactions import history
from personalake.recommenders.listing import listing
from personalake.recommenders.new_items import FEATURES, fit_background
from personalake.recommenders.own_items import FEATURES as OWN
from tests.recommenders.recipes import recipe

RECIPE = recipe(list_length=2, neighbour_strength=1)
CATALOGUE = [("bun", "Buns", "c", "t", "d", 0, 0), ("ham", "Ham, sliced", "c", "t", "d", 0, 0)]


def shop(bought):
    return bought(
        ("p1", "ham", 1, 90.0), ("p1", "ham", 2, 97.5), ("p2", "ham", 3, 99.0), ("p2", "bun", 3, 99.0),
        ("p3", "ham", 4, 99.0), ("p3", "bun", 4, 99.0), ("p4", "tea", 5, 99.0), ("p5", None, 0, None),
    )  # fmt: skip


def test_every_item_says_why_it_is_there_and_nobody_is_left_out(bought, table_of):
    rows = shop(bought)
    past = history(rows, 100.0, RECIPE)
    items = table_of(past, rows.product_ids, RECIPE, CATALOGUE)
    new = LogisticRanker((0.1, 1.0, *(0.0 for _ in FEATURES[2:])), 0.0)
    blend = Blend(LogisticRanker((0.0,) * len(OWN), 5.0), new, fit_background(past, items, RECIPE), RECIPE)

    lists = listing(blend, past, items, rows.person_ids, RECIPE).set_index(["person_id", "slot", "rank"])

    def told(*key):
        return tuple(lists.loc[key, ["product_id", "reason", "model"]])

    assert told("p1", "all_items", 1) == ("ham", "bought 2 times, last 3 days ago", "blend")
    assert told("p1", "all_items", 2) == ("bun", "often bought with Ham, sliced", "blend")
    assert told("p1", "new_items", 1) == ("bun", "often bought with Ham, sliced", "blend")
    assert told("p1", "new_items", 2) == ("tea", "popular in the last 8 weeks", "blend")
    assert told("p2", "all_items", 1) == ("bun", "bought once, 1 day ago", "blend")
    assert told("p5", "all_items", 1) == ("ham", "popular in the last 8 weeks", "popularity")
    assert told("p5", "new_items", 2) == ("bun", "popular in the last 8 weeks", "popularity")
    assert lists.loc[("p5", "all_items", 1), "score"] == 3


def test_a_product_is_not_said_to_be_bought_with_one_of_its_own_name(bought, table_of):
    rows = shop(bought)
    past = history(rows, 100.0, RECIPE)
    items = table_of(past, rows.product_ids, RECIPE, [("bun", "Ham, sliced", *CATALOGUE[0][2:]), CATALOGUE[1]])
    new = LogisticRanker((0.1, 1.0, *(0.0 for _ in FEATURES[2:])), 0.0)
    blend = Blend(LogisticRanker((0.0,) * len(OWN), 5.0), new, fit_background(past, items, RECIPE), RECIPE)

    lists = listing(blend, past, items, rows.person_ids, RECIPE).set_index(["person_id", "slot", "rank"])

    assert lists.loc[("p1", "all_items", 2), "reason"] == "often bought with another kind of Ham, sliced"
