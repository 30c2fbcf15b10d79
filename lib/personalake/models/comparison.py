"""Champion, challengers and yardstick side by side on the same people and the same resamples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from personalake.models.evaluation import Measured, evaluate, measured, resamples, roc_auc
from personalake.models.portable import Floats, PortableModel
from personalake.models.training import populations


@dataclass(frozen=True)
class Comparison:
    """What several models reach on one test as-of.

    Args:
        metrics: Population, then model, then metric.
        auc_gain: Population, then rival: ROC-AUC of the first model minus the rival's, on the same resamples; none
            where all churned or all stayed.
    """

    metrics: Mapping[str, Mapping[str, Mapping[str, Measured]]]
    auc_gain: Mapping[str, Mapping[str, Measured]]

    def beats(self, rival: str, population: str) -> bool:
        """Whether the first model beats a rival beyond noise: the interval of the difference lies above zero."""
        gain = self.auc_gain[population].get(rival)
        return gain is not None and gain.low is not None and gain.low > 0

    def rows(self, first: str) -> Iterator[tuple[str, str, str, Measured]]:
        """Population, model, metric and value of everything."""
        for population, by_model in self.metrics.items():
            for name, by_metric in by_model.items():
                for metric, value in by_metric.items():
                    yield population, name, metric, value
            for rival, value in self.auc_gain[population].items():
                yield population, first, f"roc_auc_gain_over_{rival}", value


def compare(
    test: pd.DataFrame, models: Mapping[str, PortableModel], active_days: int, bootstraps: int, seed: int
) -> Comparison:
    """Measure models on the test as-of.

    Args:
        test: Features and `label` at the test as-of.
        models: The models; the first is compared with each of the others.
        active_days: Who counts as active.
        bootstraps: Resamples of the intervals.
        seed: Seed of the resamples.
    """
    labels = test["label"].to_numpy(dtype=np.float64)
    predicted = {name: model.predict(test) for name, model in models.items()}
    metrics: dict[str, Any] = {}
    gains: dict[str, Any] = {}
    for population, members in populations(test, active_days).items():
        weights = resamples(int(members.sum()), bootstraps, seed)
        metrics[population] = {
            name: evaluate(labels[members], predicted[name][members], model.threshold, weights)
            for name, model in models.items()
        }
        aucs: dict[str, Floats] = {name: roc_auc(labels[members], predicted[name][members], weights) for name in models}
        first, *rivals = models
        differences = {rival: aucs[first] - aucs[rival] for rival in rivals}
        gains[population] = {rival: measured(gain) for rival, gain in differences.items() if not np.isnan(gain[0])}
    return Comparison(metrics, gains)
