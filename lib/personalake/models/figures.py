"""Pictures of a classifier: calibration, ROC, precision-recall, lift by decile."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from personalake.models.evaluation import BINS, Measured, curves
from personalake.models.portable import Floats

if TYPE_CHECKING:
    import plotly.graph_objects as go


def classifier_figures(
    labels: Floats, probabilities: Mapping[str, Floats], metrics: Mapping[str, Mapping[str, Measured]]
) -> "dict[str, go.Figure]":
    """Figures by name, each with one line per model.

    Args:
        labels: 1 for churned.
        probabilities: Calibrated probabilities by model.
        metrics: Metrics by model, for the lift.
    """
    points = {name: curves(labels, probability) for name, probability in probabilities.items()}
    deciles = np.arange(1, BINS + 1)
    none = Measured(np.nan)  # a tenth without anyone
    lifts = {name: [metrics[name].get(f"lift_decile_{each}", none).value for each in deciles] for name in probabilities}
    return {
        "calibration": _lines(
            "Calibration, ten equally large groups", "mean probability", "share that churned",
            {name: (point["predicted"], point["observed"]) for name, point in points.items()}, diagonal=True,
        ),
        "roc": _lines(
            "ROC curve", "share of staying people flagged", "share of churned people found",
            {name: (point["false_positive_rate"], point["recall"]) for name, point in points.items()}, diagonal=True,
        ),
        "precision_recall": _lines(
            "Precision and recall", "share of churned people found", "share of flagged people that churned",
            {name: (point["recall"], point["precision"]) for name, point in points.items()},
        ),
        "lift": _lines(
            "Lift by decile", "tenth of people by falling probability", "churned share by average share",
            {name: (deciles.astype(np.float64), np.array(lift)) for name, lift in lifts.items()},
        ),
    }  # fmt: skip


def _lines(title: str, x: str, y: str, lines: Mapping[str, tuple[Floats, Floats]], diagonal: bool = False) -> "go.Figure":
    import plotly.graph_objects as go

    figure = go.Figure(layout={"title": title, "xaxis_title": x, "yaxis_title": y, "template": "simple_white"})
    for name, (across, up) in lines.items():
        figure.add_scatter(x=across.tolist(), y=up.tolist(), name=name, mode="lines")
    if diagonal:
        figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dot", "color": "grey"}, showlegend=False)
    return figure
