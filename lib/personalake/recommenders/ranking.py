"""Ranked lists, with ties broken by id, and what each recommender can do."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from personalake.recommenders.interactions import Floats, History, Ints
from personalake.recommenders.items import ItemTable

# Beyond this many decimals scores differ by rounding, not by taste.
_DECIMALS = 9


@dataclass(frozen=True)
class Ranked:
    """One list per person, best first; the place -1 where there is nothing to say.

    Args:
        items: Places of the items, people × length.
        scores: Their scores, `-inf` where there is none.
    """

    items: Ints
    scores: Floats


@dataclass(frozen=True)
class Lists:
    """What a recommender says of each person: of all items, and of those the person never bought."""

    all_items: Ranked
    new_items: Ranked


class Recommender(Protocol):
    """Ranks items for people from their history."""

    @property
    def name(self) -> str:
        """Its name in tables and in the registry."""

    def rank(self, history: History, items: ItemTable) -> Lists:
        """Lists for each person of the history."""


def top(items: Ints, scores: Floats, length: int) -> Ranked:
    """The best of each row of candidates: by score, ties by place, that is by id.

    Args:
        items: Candidates, people × candidates; -1 for none.
        scores: Their scores.
        length: Items in a list.
    """
    scores = np.where(items < 0, -np.inf, np.round(scores, _DECIMALS))
    if scores.shape[1] < length:
        missing = ((0, 0), (0, length - scores.shape[1]))
        items, scores = np.pad(items, missing, constant_values=-1), np.pad(scores, missing, constant_values=-np.inf)
    order = np.lexsort((items, -scores), axis=1)[:, :length]
    chosen, best = np.take_along_axis(items, order, 1), np.take_along_axis(scores, order, 1)
    return Ranked(np.where(np.isfinite(best), chosen, -1), best)


def owned(history: History, items: Ints) -> NDArray[np.bool_]:
    """Whether each person (row) ever bought each of the given items (column)."""
    return weights(history, items, np.ones(len(history.item))) > 0


def weights(history: History, items: Ints, values: Floats) -> Floats:
    """A dense matrix, people × the given items, of one value per entry of the history."""
    column = np.full(history.items + 1, -1, dtype=np.int64)
    column[items] = np.arange(len(items))
    column = column[history.item]
    dense = np.zeros((history.people, len(items)))
    dense[history.person[column >= 0], column[column >= 0]] = values[column >= 0]
    return dense


def filled(lists: Ranked, spare: Ranked) -> Ranked:
    """Lists with their empty places taken by the spare ones' items that they lack, in order, at the score 0."""
    known = (spare.items[:, :, None] == lists.items[:, None, :]).any(axis=2) | (spare.items < 0)
    items = np.hstack([lists.items, np.where(known, -1, spare.items)])
    scores = np.hstack([lists.scores, np.zeros_like(spare.scores)])
    order = np.argsort(items < 0, axis=1, kind="stable")[:, : lists.items.shape[1]]
    items = np.take_along_axis(items, order, 1)
    return Ranked(items, np.where(items < 0, -np.inf, np.take_along_axis(scores, order, 1)))
