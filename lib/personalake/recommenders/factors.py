"""Ranking by item factors: a person's own factors follow from the items they bought, and need not be kept."""

from dataclasses import dataclass

import numpy as np

from personalake.recommenders.interactions import Floats, History
from personalake.recommenders.items import ItemTable
from personalake.recommenders.ranking import Lists, Ranked, owned, top

# People whose scores of all items are held at once.
_CHUNK = 500


@dataclass(frozen=True)
class ItemFactors:
    """Item factors of an implicit factorisation.

    A person's factors are the last half-step of ALS, so they equal MLlib's own: x = (YᵀY + α Σyyᵀ + n·λI)⁻¹ (1 + α) Σy,
    with the sums over the n items they bought. The model thereby holds nothing about any person.

    Args:
        product_ids: Ids of the items, sorted.
        factors: Items × rank.
        alpha: Confidence gained by a purchase.
        regularisation: λ.
        length: Items in a list.
    """

    product_ids: tuple[str, ...]
    factors: Floats
    alpha: float
    regularisation: float
    length: int
    name: str = "als"

    def rank(self, history: History, items: ItemTable) -> Lists:
        """Lists by the product of factors; ties by id."""
        place, there = items.places_of(np.array(self.product_ids, dtype=object))
        factors = self.factors[there]
        have = owned(history, place)
        every, new = [], []
        for start in range(0, history.people, _CHUNK):
            mine = have[start : start + _CHUNK]
            scores = self.people_factors(mine.astype(np.float64), factors) @ factors.T
            every.append(_best(place, scores, self.length))
            new.append(_best(place, np.where(mine, -np.inf, scores), self.length))
        return Lists(_stacked(every), _stacked(new))

    def people_factors(self, baskets: Floats, factors: Floats) -> Floats:
        """Factors of people who own the items marked 1, people × rank; zero for people who own none."""
        rank = factors.shape[1]
        outer = (factors[:, :, None] * factors[:, None, :]).reshape(len(factors), rank * rank)
        gram = factors.T @ factors + self.alpha * (baskets @ outer).reshape(-1, rank, rank)
        gram += self.regularisation * np.maximum(baskets.sum(axis=1), 1)[:, None, None] * np.eye(rank)
        return np.asarray(np.linalg.solve(gram, (1 + self.alpha) * (baskets @ factors)[:, :, None])[:, :, 0], np.float64)


def _best(place: "np.ndarray[tuple[int], np.dtype[np.int64]]", scores: Floats, length: int) -> Ranked:
    """The best few of many: first cut by score, then ranked with ties broken by id."""
    short = min(4 * length, scores.shape[1])
    found = np.argpartition(-scores, short - 1, axis=1)[:, :short] if short else np.empty((len(scores), 0), dtype=np.int64)
    values = np.take_along_axis(scores, found, 1)
    return top(np.where(np.isfinite(values), place[found], -1), values, length)


def _stacked(parts: list[Ranked]) -> Ranked:
    return Ranked(np.vstack([part.items for part in parts]), np.vstack([part.scores for part in parts]))
