"""A fitted classifier as plain numbers: scores a pandas row with numpy alone, and says the same as the one it came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
MODEL_FILE = "model.json"
# Scores of exactly 0 or 1 have no log-odds; trees give them where a leaf holds one class only.
_CLIP = 1e-5


@dataclass(frozen=True)
class Tree:
    """One decision tree as arrays over its nodes, the root first; a leaf has children -1.

    Args:
        left: Child where the feature is at or below the threshold.
        right: The other child.
        feature: Index of the feature.
        threshold: Threshold.
        value: What the tree says at the node.
        weight: Training weight that came through the node.
    """

    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: Floats
    value: Floats
    weight: Floats

    def predict(self, inputs: Floats) -> Floats:
        """The value of each row's leaf."""
        node = np.zeros(len(inputs), dtype=np.int64)
        rows = np.arange(len(inputs))
        while (inner := self.left[node] >= 0).any():
            goes_left = inputs[rows, np.maximum(self.feature[node], 0)] <= self.threshold[node]
            node = np.where(inner, np.where(goes_left, self.left[node], self.right[node]), node)
        return np.asarray(self.value[node], dtype=np.float64)


@dataclass(frozen=True)
class PortableModel:
    """A classifier on log1p of its features, with its calibration.

    Args:
        kind: `linear` (log-odds), `forest` (mean of probabilities) or `boosted` (sum of half log-odds).
        features: Names of the input columns, in order.
        trees: The trees of a forest or of boosting, already weighted.
        coefficients: Of a linear model.
        intercept: Of a linear model.
        means: Mean of each input over the training rows.
        slope: Platt calibration: calibrated log-odds = slope * log-odds + offset.
        offset: See `slope`.
        threshold: Calibrated probability from which a person counts as leaving.
    """

    kind: str
    features: tuple[str, ...]
    trees: tuple[Tree, ...] = ()
    coefficients: tuple[float, ...] = ()
    intercept: float = 0.0
    means: tuple[float, ...] = ()
    slope: float = 1.0
    offset: float = 0.0
    threshold: float = 0.5

    def inputs(self, rows: pd.DataFrame) -> Floats:
        """What the model sees of the rows."""
        return np.asarray(np.log1p(rows[list(self.features)].to_numpy(dtype=np.float64)))

    def raw(self, inputs: Floats) -> Floats:
        """The model's own output: log-odds (linear), probability (forest), half log-odds (boosted)."""
        if self.kind == "linear":
            return np.asarray(inputs @ np.array(self.coefficients) + self.intercept)
        total = np.zeros(len(inputs))
        for tree in self.trees:
            total += tree.predict(inputs)
        return total

    def log_odds(self, raw: Floats) -> Floats:
        """Uncalibrated log-odds of the model's own output."""
        if self.kind == "forest":
            return logit(raw)
        return raw if self.kind == "linear" else 2 * raw

    def calibrated(self, raw: Floats) -> Floats:
        """Calibrated probability of the model's own output."""
        return sigmoid(self.slope * self.log_odds(raw) + self.offset)

    def predict(self, rows: pd.DataFrame) -> Floats:
        """Calibrated probability for each row."""
        return self.calibrated(self.raw(self.inputs(rows)))

    def uncalibrated(self, rows: pd.DataFrame) -> Floats:
        """The probability as the fitted model gives it, before calibration."""
        return sigmoid(self.log_odds(self.raw(self.inputs(rows))))

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        plain = {name: value for name, value in vars(self).items() if name != "trees"}
        trees = [{name: array.tolist() for name, array in vars(tree).items()} for tree in self.trees]
        return {**plain, "features": list(self.features), "trees": trees}


def from_json(content: Mapping[str, Any]) -> PortableModel:
    """The model that `as_json` wrote."""
    tuples = {name: tuple(content[name]) for name in ("features", "coefficients", "means")}
    trees = tuple(_tree(tree) for tree in content["trees"])
    return PortableModel(**{**content, **tuples, "trees": trees})


def load(folder: Path) -> PortableModel:
    """The model in a folder of logged files."""
    return from_json(json.loads((folder / MODEL_FILE).read_text(encoding="utf-8")))


def opener(folder: Path) -> Any:
    """How a server opens the model: rows of features to calibrated probabilities."""
    return load(folder).predict


def logit(probability: Floats) -> Floats:
    """Log-odds of a probability, clipped away from 0 and 1."""
    clipped = np.clip(probability, _CLIP, 1 - _CLIP)
    return np.asarray(np.log(clipped / (1 - clipped)))


def sigmoid(log_odds: Floats) -> Floats:
    """Probability of log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -700, 700))))


def _tree(content: Mapping[str, Any]) -> Tree:
    types = {"left": np.int32, "right": np.int32, "feature": np.int32}
    arrays: dict[str, Any] = {name: np.array(values, dtype=types.get(name, np.float64)) for name, values in content.items()}
    return Tree(**arrays)
