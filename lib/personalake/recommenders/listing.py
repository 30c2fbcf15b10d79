"""Lists as rows: ranks, scores and reasons in words, with popularity where a recommender has nothing to say."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from personalake.recommenders.blend import Blend
from personalake.recommenders.interactions import Floats, History, Ints, Strings
from personalake.recommenders.items import ItemTable
from personalake.recommenders.new_items import freshness
from personalake.recommenders.popularity import Popularity
from personalake.recommenders.ranking import Lists, Ranked, Recommender, filled, weights
from personalake.recommenders.recipe import Recipe

SLOTS = ("all_items", "new_items")
COLUMNS = ("person_id", "slot", "rank", "product_id", "score", "reason", "model")
# An owned item that adds less than this to the score of another is no reason for it.
_WORTH_NAMING = 0.01


def listing(
    recommender: Recommender, history: History, items: ItemTable, person_ids: Strings, recipe: Recipe
) -> pd.DataFrame:
    """Lists of both slots, one row per person, slot and rank.

    People without a history get what is popular; so does whoever's list would be short, at its end.

    Returns:
        person_id, slot, rank (1 is best), product_id, score, reason, model (popularity for people without a history).
    """
    lists, spare = recommender.rank(history, items), Popularity(recipe.list_length).rank(history, items)
    active = np.zeros(history.people, bool)
    active[history.active] = True
    lists = Lists(*(_served(getattr(lists, slot), getattr(spare, slot), active) for slot in SLOTS))
    model = np.where(active, recommender.name, Popularity.name).astype(object)
    frames = []
    for slot in SLOTS:
        ranked: Ranked = getattr(lists, slot)
        person, rank = np.nonzero(ranked.items >= 0)
        item = ranked.items[person, rank]
        reason = reasons(recommender, history, items, ranked, recipe)[person, rank]
        columns = (person_ids[person], slot, (rank + 1).astype(np.int32), items.product_ids[item])
        values = (*columns, ranked.scores[person, rank], reason, model[person])
        frames.append(pd.DataFrame(dict(zip(COLUMNS, values, strict=True))))
    return pd.concat(frames, ignore_index=True)


def _served(lists: Ranked, spare: Ranked, active: NDArray[np.bool_]) -> Ranked:
    whole = filled(lists, spare)
    known = active[:, None]
    return Ranked(np.where(known, whole.items, spare.items), np.where(known, whole.scores, spare.scores))


def reasons(recommender: Recommender, history: History, items: ItemTable, ranked: Ranked, recipe: Recipe) -> Strings:
    """Why each item is in its list, in words; people × length."""
    words = np.full(ranked.items.shape, f"popular in the last {span(recipe.popular_days)}", dtype=object)
    keys = history.keys
    wanted = np.arange(history.people)[:, None] * history.items + ranked.items
    entry = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    bought = (ranked.items >= 0) & (keys[entry] == wanted) if len(keys) else np.zeros(wanted.shape, bool)
    if isinstance(recommender, Blend):
        partner = _partners(recommender, history, items, ranked.items)
        named = partner >= 0
        pairs = zip(items.names[partner[named]], items.names[ranked.items[named]], strict=True)
        words[named] = [f"often bought with {'another kind of ' if mine == its else ''}{mine}" for mine, its in pairs]
    mine = entry[bought]
    words[bought] = [bought_words(*pair) for pair in zip(history.orders[mine], history.last_days[mine], strict=True)]
    return words


def _partners(blend: Blend, history: History, items: ItemTable, listed: Ints) -> Ints:
    """The person's own item that speaks most for each listed one; -1 where none does."""
    places, learnt = blend.background.places(items)
    found = np.full(listed.shape, -1, dtype=np.int64)
    if not len(places):
        return found
    evidence: Floats = weights(history, places, freshness(history, blend.recipe)).astype(np.float32)
    column = np.full(history.items + 1, -1, dtype=np.int64)
    column[places] = np.arange(len(places))
    for rank in range(listed.shape[1]):
        wanted = column[listed[:, rank]]
        person = np.flatnonzero(wanted >= 0)
        support = evidence[person] * learnt.T[wanted[person]]
        best = support.argmax(axis=1)
        strong = support[np.arange(len(person)), best] >= _WORTH_NAMING
        found[person[strong], rank] = places[best[strong]]
    return found


def bought_words(orders: float, last_days: float) -> str:
    """A purchase history in words.

    >>> bought_words(14, 2.3)
    'bought 14 times, last 3 days ago'
    >>> bought_words(1, 0.5)
    'bought once, 1 day ago'
    """
    days = max(1, math.ceil(last_days))
    ago = f"{days} day{'s' if days != 1 else ''} ago"
    return f"bought once, {ago}" if orders < 2 else f"bought {int(orders)} times, last {ago}"


def span(days: int) -> str:
    """A length of time in words.

    >>> span(56), span(10)
    ('8 weeks', '10 days')
    """
    return f"{days // 7} weeks" if days % 7 == 0 and days > 7 else f"{days} days"
