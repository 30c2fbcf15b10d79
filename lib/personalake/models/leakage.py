"""Features that echo the answer: made of what was known only afterwards, whatever day they are dated to."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from personalake.models.evaluation import roc_auc


def echoes(rows: pd.DataFrame, names: Sequence[str], beyond: float) -> dict[str, float]:
    """Features that alone tell the label better than anything known beforehand could.

    The measure is each one's own ROC-AUC, in whichever direction it tells more: 0.5 tells nothing, 1 is the answer itself
    (Kaufman and others, Leakage in data mining, 2012). People without a value do not count; a feature that exists for one
    class alone has no area, and is left to `completeness`.

    Args:
        rows: People with `label` (1 or 0) and the features as numbers.
        names: The features.
        beyond: ROC-AUC from which a feature is an echo.

    Returns:
        The features that are, with their ROC-AUC, the greatest first.

    >>> rows = pd.DataFrame({"label": [0, 0, 1, 1], "days": [3, 9, 4, 8], "closed": [0, 0, 1, 1]})
    >>> echoes(rows, ["days", "closed"], 0.97)
    {'closed': 1.0}
    """
    found = {}
    for name in names:
        told = rows[["label", name]].dropna()
        labels, values = (told[column].to_numpy(np.float64) for column in ("label", name))
        area = float(roc_auc(labels, values, np.ones((1, len(told))))[0]) if len(told) else np.nan
        if not np.isnan(area) and max(area, 1 - area) >= beyond:
            found[name] = max(area, 1 - area)
    return dict(sorted(found.items(), key=lambda item: -item[1]))
