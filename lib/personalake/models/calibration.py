"""Probabilities that mean what they say: Platt's sigmoid on the log-odds, and the threshold that follows from it."""

import numpy as np

from personalake.models.portable import Floats, sigmoid


def fit_platt(log_odds: Floats, labels: Floats) -> tuple[float, float]:
    """Slope and offset of `sigmoid(slope * log_odds + offset)` by maximum likelihood.

    Fitted on predictions for people the model has not learnt from. Assumes that the order of scores is right and that
    their distortion is sigmoid, which holds for class-weighted fits.

    Source: Platt (1999), Probabilistic outputs for support vector machines; without his target smoothing, which matters
    for dozens of rows and not for thousands.
    """
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(log_odds.reshape(-1, 1), labels)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def best_threshold(probability: Floats, labels: Floats) -> float:
    """The probability threshold with the greatest F1; the lowest of equals.

    >>> best_threshold(np.array([0.1, 0.6, 0.8]), np.array([0.0, 1.0, 1.0]))
    0.6
    """
    order = np.argsort(-probability, kind="stable")
    hits = np.cumsum(labels[order])
    f1 = 2 * hits / (np.arange(1, len(labels) + 1) + labels.sum())
    # Rows of one probability are taken together: only the last of them is a possible cut.
    is_last = np.append(np.diff(probability[order]) != 0, True)
    f1 = np.where(is_last, f1, -1.0)
    best = len(f1) - 1 - int(np.argmax(f1[::-1]))
    return float(probability[order][best])


def apply_platt(log_odds: Floats, slope: float, offset: float) -> Floats:
    """Calibrated probabilities."""
    return sigmoid(slope * log_odds + offset)
