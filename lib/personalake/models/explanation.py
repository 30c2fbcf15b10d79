"""Why a person scores as they do: signed effects on the calibrated log-odds, told in words."""

from typing import Any

import numpy as np
import pandas as pd

from personalake.models.portable import Floats, PortableModel
from personalake.tables.features import REASONS, told

_SAME = 1e-9


def effects(model: PortableModel, rows: pd.DataFrame) -> Floats:
    """Effect of each feature on each person's calibrated log-odds, against the average person; rows sum to the whole.

    Linear models in closed form, coefficient * (value - mean). Trees by path-dependent TreeSHAP (Lundberg et al. 2020); a
    forest's effects are on its probability and are stretched, by one factor per person, to the log-odds.
    """
    inputs = model.inputs(rows)
    if model.kind == "linear":
        return np.asarray(model.slope * np.array(model.coefficients) * (inputs - np.array(model.means)))
    values, base = _tree_effects(model, inputs)
    if model.kind == "boosted":
        return 2 * model.slope * values
    raw = model.raw(inputs)
    whole = model.slope * (model.log_odds(raw) - model.log_odds(np.array([base])))
    distance = raw - base
    factor = np.divide(
        whole, distance, out=np.full_like(whole, model.slope / (base * (1 - base))), where=abs(distance) > _SAME
    )
    return values * factor[:, None]


def reasons(model: PortableModel, rows: pd.DataFrame, count: int) -> list[list[dict[str, Any]]]:
    """The strongest reasons of each person, strongest first.

    Features that say the same thing are told together: their effects are added, and the first of them names the reason.

    Args:
        model: The model.
        rows: Features, in natural units.
        count: Reasons per person.

    Returns:
        Per row a list of `feature`, `value`, `effect` (log-odds) and `words`.
    """
    by_feature = effects(model, rows)
    place = {name: index for index, name in enumerate(model.features)}
    groups = [(reason, [place[name] for name in reason.features if name in place]) for reason in REASONS]
    groups = [(reason, members) for reason, members in groups if members]
    by_reason = np.column_stack([by_feature[:, members].sum(axis=1) for _, members in groups])
    ranked = np.argsort(-np.abs(by_reason), axis=1, kind="stable")[:, :count]
    records: list[dict[str, float]] = rows[list(model.features)].to_dict("records")  # type: ignore[assignment]
    found: list[list[dict[str, Any]]] = []
    for number, values in enumerate(records):
        person = []
        for index in ranked[number]:
            reason, members = groups[index]
            name = model.features[members[0]]
            effect = float(by_reason[number, index])
            person.append({"feature": name, "value": float(values[name]), "effect": effect, "words": told(reason, values)})
        found.append(person)
    return found


def _tree_effects(model: PortableModel, inputs: Floats) -> tuple[Floats, float]:
    """SHAP values of the ensemble's own output, and its expected value."""
    import shap

    trees = [
        {
            "children_left": tree.left,
            "children_right": tree.right,
            "children_default": tree.right,
            "features": tree.feature,
            "thresholds": tree.threshold,
            "values": tree.value.reshape(-1, 1),
            "node_sample_weight": tree.weight,
        }
        for tree in model.trees
    ]
    explainer = shap.TreeExplainer({"trees": trees}, feature_perturbation="tree_path_dependent")
    values = np.asarray(explainer.shap_values(inputs, check_additivity=False), dtype=np.float64)
    return values.reshape(len(inputs), -1), float(np.ravel(explainer.expected_value)[0])
