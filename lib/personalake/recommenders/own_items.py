"""A person's own items: which of them come up for ranking, and what speaks for each."""

import numpy as np

from personalake.recommenders.candidates import Candidates
from personalake.recommenders.interactions import Floats, History, Ints
from personalake.recommenders.items import ItemTable
from personalake.recommenders.recipe import Recipe

FEATURES = ("decayed_orders", "late_orders", "orders", "overdue", "only_once", "trend", "repeat_odds")
# Keeps the logarithm of a purchase that has all but decayed finite.
_FLOOR = 0.02
# Days added to a wait and to a rhythm, so that two orders on one day are no infinite hurry.
_SOFT_DAYS = 3


def own_items(history: History, items: ItemTable, recipe: Recipe) -> Candidates:
    """The items that a person bought most lately, with features on a log scale.

    `overdue` compares the wait since the last order with the person's usual wait for the item:
    ln((last + 3) / (mean gap + 3)), 0 for items bought once.
    """
    entry, place = _most_bought(history, recipe.own_candidates)
    listed = np.full((history.people, recipe.own_candidates), -1, dtype=np.int64)
    features = np.zeros((*listed.shape, len(FEATURES)))
    listed[history.person[entry], place] = history.item[entry]
    features[history.person[entry], place] = _features(history, items, entry)
    return Candidates(listed, features)


def _most_bought(history: History, count: int) -> tuple[Ints, Ints]:
    """Entries of the history that come up, and their place among the person's."""
    best = np.lexsort((history.item, -history.decayed, history.person))
    person = history.person[best]
    place = np.arange(len(best)) - np.searchsorted(person, person, side="left")
    return best[place < count], place[place < count]


def _features(history: History, items: ItemTable, entry: Ints) -> Floats:
    orders, last = history.orders[entry], history.last_days[entry]
    gap = (history.first_days[entry] - last) / np.maximum(orders - 1, 1)
    item = history.item[entry]
    return np.column_stack(
        [
            np.log(history.decayed[entry] + _FLOOR),
            np.log(history.lately[entry] + _FLOOR),
            np.log(orders),
            np.where(orders > 1, np.log((last + _SOFT_DAYS) / (gap + _SOFT_DAYS)), 0.0),
            orders == 1,
            np.log1p(items.trend_people[item]),
            items.repeat_odds[item],
        ]
    )
