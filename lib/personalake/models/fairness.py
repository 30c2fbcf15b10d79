"""What a model does for each group of a protected attribute, which it never saw."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from personalake.models.evaluation import Measured, evaluate, measured, resamples
from personalake.models.portable import Floats

_OF_ALL = ("_decile_",)


def by_group(
    labels: Floats,
    probability: Floats,
    threshold: float,
    groups: Mapping[str, npt.NDArray[np.bool_]],
    fewest: int,
    bootstraps: int,
    seed: int,
) -> dict[str, dict[str, Measured]]:
    """The metrics of `evaluate` for each group that is large enough, and what groups are judged by beside each other.

    `flagged_share` alike is demographic parity; `recall` and `false_positive_rate` alike are equalised odds (Hardt, Price
    and Srebro, Equality of opportunity in supervised learning, 2016). They differ with `base_rate`, and cannot all be alike
    where that differs; two groups differ beyond noise where their intervals are apart.

    Args:
        labels: 1 for churned, 0 for stayed.
        probability: Calibrated probability of churn.
        threshold: From which probability on a person counts as leaving.
        groups: Whether each person belongs to it, by name.
        fewest: People below which a group is not measured.
        bootstraps: Resamples of the intervals.
        seed: Seed of the resamples.

    Returns:
        Group, then metric.
    """
    found = {}
    for name, members in sorted(groups.items()):
        people = int(members.sum())
        if people < fewest:
            continue
        told, score, weights = labels[members], probability[members], resamples(people, bootstraps, seed)
        metrics = evaluate(told, score, threshold, weights)
        of_group = {metric: value for metric, value in metrics.items() if not any(part in metric for part in _OF_ALL)}
        found[name] = {"people": Measured(float(people)), **of_group, **_flagged(told, score >= threshold, weights)}
    return found


def _flagged(labels: Floats, flagged: npt.NDArray[np.bool_], weights: Floats) -> dict[str, Measured]:
    stayed = weights @ (1 - labels)
    wrongly = np.divide(weights @ ((1 - labels) * flagged), stayed, out=np.full(len(weights), np.nan), where=stayed > 0)
    rates = {"flagged_share": weights @ flagged.astype(np.float64) / weights.sum(axis=1), "false_positive_rate": wrongly}
    return {name: measured(values) for name, values in rates.items() if not np.isnan(values[0])}
