"""How good a model is: metrics with bootstrap intervals, computed for all resamples at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from personalake.models.portable import Floats

BINS = 10
_LOWEST = 1e-12


@dataclass(frozen=True)
class Measured:
    """A metric with its 95 % interval."""

    value: float
    low: float | None = None
    high: float | None = None


def resamples(people: int, count: int, seed: int) -> Floats:
    """How often each person is in each bootstrap resample; a row per resample, the first one is everyone once."""
    drawn = np.random.default_rng(seed).multinomial(people, np.full(people, 1 / people), size=count)
    return np.vstack([np.ones(people), drawn]).astype(np.float64)


def evaluate(labels: Floats, probability: Floats, threshold: float, weights: Floats) -> dict[str, Measured]:
    """Every metric by name.

    Args:
        labels: 1 for churned, 0 for stayed.
        probability: Calibrated probability of churn.
        threshold: From which probability on a person counts as leaving.
        weights: Rows of `resamples`, or only its first one for values without intervals.

    Returns:
        roc_auc, pr_auc, log_loss, brier, calibration_error, precision, recall, f1, base_rate, and lift and gain by decile;
        without those that are not defined here, as the areas are where all churned or all stayed.
    """
    by_metric = {
        "roc_auc": roc_auc(labels, probability, weights),
        "pr_auc": pr_auc(labels, probability, weights),
        "log_loss": _mean(-np.log(np.clip(np.where(labels == 1, probability, 1 - probability), _LOWEST, 1)), weights),
        "brier": _mean((probability - labels) ** 2, weights),
        "calibration_error": calibration_error(labels, probability, weights),
        "base_rate": _mean(labels, weights),
        **_at_threshold(labels, probability >= threshold, weights),
        **_deciles(labels, probability, weights),
    }
    return {name: measured(values) for name, values in by_metric.items() if not np.isnan(values[0])}


def measured(values: Floats) -> Measured:
    """The first value, with the interval of the others (percentile bootstrap); resamples without a value do not count."""
    drawn = values[1:][~np.isnan(values[1:])]
    if not len(drawn):
        return Measured(float(values[0]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Measured(float(values[0]), float(low), float(high))


def roc_auc(labels: Floats, score: Floats, weights: Floats) -> Floats:
    """Probability that a churned person scores higher than a staying one, ties half; one value per row of weights.

    Not a number where all churned or all stayed.

    >>> float(roc_auc(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.9]), np.ones((1, 3)))[0])
    0.75
    """
    churned, stayed = _by_score(labels, score, weights)
    below = np.cumsum(stayed, axis=1) - stayed
    return _ratio((churned * (below + stayed / 2)).sum(axis=1), churned.sum(axis=1) * stayed.sum(axis=1))


def pr_auc(labels: Floats, score: Floats, weights: Floats) -> Floats:
    """Average precision: the mean precision over the churned, each at the score that just includes it."""
    churned, stayed = (part[:, ::-1] for part in _by_score(labels, score, weights))
    hits = np.cumsum(churned, axis=1)
    precision = _ratio(hits, hits + np.cumsum(stayed, axis=1))
    # Above the first person of a resample nothing has been found or missed: no precision, and no weight either.
    return _ratio(np.nansum(churned * precision, axis=1), hits[:, -1])


def calibration_error(labels: Floats, probability: Floats, weights: Floats) -> Floats:
    """Expected calibration error: mean distance of churned share and mean probability over ten equally large bins."""
    total = np.zeros(len(weights))
    for rows in np.array_split(np.argsort(probability, kind="stable"), BINS):
        part = weights[:, rows]
        total += np.abs(part @ (labels[rows] - probability[rows]))
    return np.asarray(total / weights.sum(axis=1))


def curves(labels: Floats, probability: Floats) -> Mapping[str, Floats]:
    """Points of the calibration, ROC and precision-recall curves."""
    bins = [rows for rows in np.array_split(np.argsort(probability, kind="stable"), BINS) if rows.size]
    order = np.argsort(-probability, kind="stable")
    hits, misses = np.cumsum(labels[order]), np.cumsum(1 - labels[order])
    return {
        "predicted": np.array([probability[rows].mean() for rows in bins]),
        "observed": np.array([labels[rows].mean() for rows in bins]),
        "recall": hits / hits[-1],
        "false_positive_rate": misses / misses[-1],
        "precision": hits / (hits + misses),
    }


def _by_score(labels: Floats, score: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of churned and staying people at each distinct score, ascending."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(score[order]) != 0))
    ordered, is_churned = weights[:, order], labels[order]
    return np.add.reduceat(ordered * is_churned, starts, axis=1), np.add.reduceat(ordered * (1 - is_churned), starts, axis=1)


def _at_threshold(labels: Floats, chosen: npt.NDArray[np.bool_], weights: Floats) -> dict[str, Floats]:
    hits, picked, churned = weights @ (labels * chosen), weights @ chosen.astype(np.float64), weights @ labels
    return {"precision": _ratio(hits, picked), "recall": _ratio(hits, churned), "f1": _ratio(2 * hits, picked + churned)}


def _deciles(labels: Floats, probability: Floats, weights: Floats) -> dict[str, Floats]:
    """Lift of each tenth of people by falling probability, and the share of the churned found up to there."""
    found: dict[str, Floats] = {}
    base, churned, so_far = _mean(labels, weights), weights @ labels, np.zeros(len(weights))
    for number, rows in enumerate(np.array_split(np.argsort(-probability, kind="stable"), BINS), start=1):
        hits = weights[:, rows] @ labels[rows]
        so_far = so_far + hits
        found[f"lift_decile_{number}"] = _ratio(hits, weights[:, rows].sum(axis=1) * base)
        found[f"gain_decile_{number}"] = _ratio(so_far, churned)
    return found


def _mean(values: Floats, weights: Floats) -> Floats:
    return np.asarray(weights @ values / weights.sum(axis=1))


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Not a number where the whole is nothing."""
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole != 0))
