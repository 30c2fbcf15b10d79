"""Items new to a person: the popular ones, and how well each goes with what the person bought."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personalake.recommenders.candidates import Candidates
from personalake.recommenders.interactions import Floats, History, Ints
from personalake.recommenders.item_item import fit_item_item
from personalake.recommenders.items import LEVELS, ItemTable, Level
from personalake.recommenders.ranking import owned, weights
from personalake.recommenders.recipe import Recipe

FEATURES = ("popularity", "goes_with", *(f"affinity_{level}" for level in LEVELS))
# Below this the item-item model says nothing: such scores are noise around zero.
_FLOOR = 0.01
# The least share of a category; of one that nobody bought nothing can be said.
_RARE = 1e-9


@dataclass(frozen=True)
class Background:
    """What everyone's purchases say, against which one person's are seen; it holds nothing about any person.

    Args:
        product_ids: Ids of the items whose relations are known, sorted.
        weights: Owning the row's item speaks for the column's.
        shares: The average person's share of each category, per level of the assortment.
    """

    product_ids: tuple[str, ...]
    weights: NDArray[np.float32]
    shares: dict[str, dict[str, float]]

    def places(self, items: ItemTable) -> tuple[Ints, NDArray[np.float32]]:
        """The items' places in a table, and the weights of those that it has."""
        places, there = items.places_of(np.array(self.product_ids, dtype=object))
        return places, self.weights[np.ix_(there, there)]


def fit_background(history: History, items: ItemTable, recipe: Recipe) -> Background:
    """Learn which of the most popular items go together, and what the average person buys."""
    shelf = np.sort(items.most_popular(recipe.neighbour_items))
    baskets = owned(history, shelf).astype(np.float64)
    learnt: NDArray[np.float32] = fit_item_item(baskets, recipe.neighbour_strength).astype(np.float32)
    shares = {key: _usual_shares(history, level) for key, level in items.levels.items()}
    return Background(tuple(items.product_ids[shelf]), learnt, shares)


def _usual_shares(history: History, level: Level) -> dict[str, float]:
    spent = _spent(history, level)
    active = spent[spent.sum(axis=1) > 0]
    usual = (active / active.sum(axis=1, keepdims=True)).mean(axis=0) if len(active) else np.zeros(len(level.names))
    return {name: float(share) for name, share in zip(level.names, usual, strict=True)}


def _spent(history: History, level: Level) -> Floats:
    """Decayed orders by category, people × categories."""
    width = len(level.names)
    cells = history.person * width + level.codes[history.item]
    spent = np.bincount(cells, history.decayed, history.people * width)
    return np.asarray(spent.reshape(history.people, width), dtype=np.float64)


def freshness(history: History, recipe: Recipe) -> Floats:
    """What a bought item is worth as evidence: a half per half-life since its last purchase."""
    return np.asarray(np.exp2(-history.last_days / recipe.half_life_days))


def new_items(history: History, items: ItemTable, background: Background, recipe: Recipe) -> Candidates:
    """The most popular items that a person never bought, with features on a log scale."""
    places, learnt = background.places(items)
    shelf = np.sort(items.most_popular(recipe.new_candidates))
    evidence = weights(history, places, freshness(history, recipe))
    column = np.searchsorted(places, shelf)
    known = np.isin(shelf, places)
    goes_with = np.zeros((history.people, len(shelf)))
    # In double precision, so that a batch of people and everyone at once give the same to the last shown decimal.
    goes_with[:, known] = evidence @ learnt[:, column[known]].astype(np.float64)
    popularity = np.broadcast_to(np.log1p(items.popular_people[shelf]), goes_with.shape)
    features = [popularity, np.log(np.maximum(goes_with, 0) + _FLOOR)]
    for key, level in items.levels.items():
        features.append(_affinity(history, level, background.shares[key], recipe.affinity_strength)[:, level.codes[shelf]])
    listed = np.where(owned(history, shelf), -1, shelf)
    return Candidates(listed, np.stack(features, axis=2))


def _affinity(history: History, level: Level, shares: Mapping[str, float], strength: float) -> Floats:
    """Log of a person's share of each category over the average person's, shrunk towards no difference."""
    spent = _spent(history, level)
    total = spent.sum(axis=1, keepdims=True)
    usual = np.array([max(shares.get(name, 0.0), _RARE) for name in level.names])
    return np.asarray(np.log((spent + strength * usual) / (total + strength) / usual))
