"""Candidates with their features, and the small logistic model that turns features into a probability of purchase."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personalake.recommenders.interactions import Floats, History, Ints

# Candidates from which a handful of coefficients is learnt well; beyond, every second, third, ... person teaches.
_ENOUGH = 500_000


@dataclass(frozen=True)
class Candidates:
    """Items that come up for each person.

    Args:
        items: Places of the items, people × candidates; -1 for none.
        features: What speaks for each, people × candidates × features.
    """

    items: Ints
    features: Floats

    def labels(self, history: History, bought: Ints) -> NDArray[np.bool_]:
        """Whether each candidate was bought.

        Args:
            history: The history that the candidates come from.
            bought: Keys of pairs, ascending, see `History.keys`.
        """
        keys = np.arange(history.people)[:, None] * history.items + self.items
        place = np.minimum(np.searchsorted(bought, keys), max(len(bought) - 1, 0))
        return (self.items >= 0) & (bought[place] == keys) if len(bought) else np.zeros(keys.shape, bool)


@dataclass(frozen=True)
class LogisticRanker:
    """The log-odds of a purchase as a weighted sum of features.

    Args:
        coefficients: One per feature.
        intercept: The log-odds where all features are 0.
    """

    coefficients: tuple[float, ...]
    intercept: float

    def scores(self, candidates: Candidates) -> Floats:
        """The probability of a purchase, 0..1, for each candidate."""
        log_odds = candidates.features @ np.array(self.coefficients) + self.intercept
        return np.asarray(1 / (1 + np.exp(-log_odds)))


def fit_logistic(candidates: Candidates, bought: NDArray[np.bool_]) -> LogisticRanker:
    """The all but unpenalised maximum-likelihood fit, by Newton's method: few features, very many rows."""
    from sklearn.linear_model import LogisticRegression

    every = max(1, round(candidates.items.size / _ENOUGH))
    real = candidates.items[::every] >= 0
    features, labels = candidates.features[::every][real], bought[::every][real]
    if labels.all() or not labels.any():
        # Nothing to tell apart: every candidate gets the same, and the order falls back to the ids.
        return LogisticRanker((0.0,) * features.shape[1], 10.0 if labels.any() else -10.0)
    model = LogisticRegression(C=1e6, solver="newton-cholesky", max_iter=100).fit(features, labels)
    return LogisticRanker(tuple(float(value) for value in model.coef_[0]), float(model.intercept_[0]))
