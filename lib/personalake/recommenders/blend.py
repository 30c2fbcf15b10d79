"""The blend: a person's own items and new ones on one scale, the probability of a purchase in the weeks to come."""

from dataclasses import dataclass

import numpy as np

from personalake.recommenders.candidates import LogisticRanker, fit_logistic
from personalake.recommenders.interactions import History, Ints
from personalake.recommenders.items import ItemTable
from personalake.recommenders.new_items import Background, fit_background, new_items
from personalake.recommenders.own_items import own_items
from personalake.recommenders.ranking import Lists, top
from personalake.recommenders.recipe import Recipe


@dataclass(frozen=True)
class Blend:
    """Two logistic rankers, one for own items and one for new ones.

    Both give a probability of purchase in the same window, so that their lists can be merged as they are.

    Args:
        own: Ranks items that the person bought before.
        new: Ranks items that the person never bought.
        background: What everyone's purchases say.
        recipe: How candidates and features are made.
    """

    own: LogisticRanker
    new: LogisticRanker
    background: Background
    recipe: Recipe
    name: str = "blend"

    def rank(self, history: History, items: ItemTable) -> Lists:
        """Lists by the probability of a purchase; ties by id."""
        length = self.recipe.list_length
        fresh = new_items(history, items, self.background, self.recipe)
        new = top(fresh.items, self.new.scores(fresh), length)
        mine = own_items(history, items, self.recipe)
        old = top(mine.items, self.own.scores(mine), length)
        return Lists(top(np.hstack([old.items, new.items]), np.hstack([old.scores, new.scores]), length), new)


def fit_blend(history: History, items: ItemTable, bought: Ints, recipe: Recipe) -> Blend:
    """Learn the blend from one cut: features before it, purchases after it.

    Args:
        history: What was known at the cut.
        items: The items at the cut.
        bought: What was bought in the window after the cut, see `bought_between`.
        recipe: How candidates and features are made.
    """
    background = fit_background(history, items, recipe)
    mine = own_items(history, items, recipe)
    own = fit_logistic(mine, mine.labels(history, bought))
    fresh = new_items(history, items, background, recipe)
    new = fit_logistic(fresh, fresh.labels(history, bought))
    return Blend(own, new, background, recipe)


def with_background(blend: Blend, history: History, items: ItemTable) -> Blend:
    """The same rankers with the background learnt anew, from a later cut."""
    return Blend(blend.own, blend.new, fit_background(history, items, blend.recipe), blend.recipe)
