"""What a model does for each group of a protected attribute, which it never saw."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import count

import numpy as np
import numpy.typing as npt

from personalake.models.evaluation import Measured, evaluate, measured, resamples
from personalake.models.portable import Floats

_OF_ALL = ("_decile_",)
GAPS = ("flagged_share", "recall", "false_positive_rate")
DIFFERENCE, RATIO = "_difference", "_ratio"


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
        rates = _rates(told, score >= threshold, weights)
        shown = {rate: measured(values) for rate, values in rates.items() if not np.isnan(values[0])}
        found[name] = {"people": Measured(float(people)), **of_group, **shown}
    return found


def gaps(
    labels: Floats,
    probability: Floats,
    threshold: float,
    groups: Mapping[str, npt.NDArray[np.bool_]],
    fewest: int,
    bootstraps: int,
    seed: int,
) -> dict[str, dict[str, Measured]]:
    """How far the groups of each attribute lie apart: the highest rate less the lowest, and the lowest by the highest.

    Differences and ratios of `flagged_share` are those of demographic parity; the larger of the differences of `recall` and
    `false_positive_rate` is that of equalised odds. The two groups are those that lie furthest apart, and each is resampled
    by itself: an interval of a difference without 0, or of a ratio without 1, is a gap beyond chance. Of many groups some
    two lie apart by chance more often than the interval says.

    Args:
        labels: 1 for churned, 0 for stayed.
        probability: Calibrated probability of churn.
        threshold: From which probability on a person counts as leaving.
        groups: Whether each person belongs to it, by `attribute=value`.
        fewest: People below which a group is not compared.
        bootstraps: Resamples of the intervals.
        seed: Seed of the resamples.

    Returns:
        Attribute, then `<rate>_difference` and `<rate>_ratio`; none of an attribute with fewer than two groups of that size.
    """
    rates: dict[str, list[Mapping[str, Floats]]] = defaultdict(list)
    seeds = count(seed)
    for name, members in sorted(groups.items()):
        if (people := int(members.sum())) >= fewest:
            weights = resamples(people, bootstraps, next(seeds))
            rates[name.partition("=")[0]].append(_rates(labels[members], probability[members] >= threshold, weights))
    return {attribute: _apart(of_groups) for attribute, of_groups in rates.items() if len(of_groups) > 1}


def _apart(rates: list[Mapping[str, Floats]]) -> dict[str, Measured]:
    found = {}
    for name in GAPS:
        low, *_, high = sorted((of_group[name] for of_group in rates), key=lambda values: float(values[0]))
        if np.isnan([low[0], high[0]]).any():
            continue
        found[name + DIFFERENCE] = measured(high - low)
        if high[0] > 0:
            found[name + RATIO] = measured(np.divide(low, high, out=np.full(len(low), np.nan), where=high > 0))
    return found


def _rates(labels: Floats, flagged: npt.NDArray[np.bool_], weights: Floats) -> dict[str, Floats]:
    """What groups are compared by, for all resamples; not a number where nobody left, or nobody stayed."""

    def rate(of: Floats) -> Floats:
        whole = weights @ of
        none = np.full(len(weights), np.nan)
        return np.asarray(np.divide(weights @ (of * flagged), whole, out=none, where=whole > 0))

    return {"flagged_share": rate(np.ones_like(labels)), "recall": rate(labels), "false_positive_rate": rate(1 - labels)}
