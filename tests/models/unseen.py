"""What a model foretells of rows that it has not learnt from."""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from personalake.models.portable import Floats

_FOLDS = 5


def out_of_fold(features: pd.DataFrame, labels: Floats, seed: int) -> Floats:
    """The probability of 1 of each row by a model that has learnt from the other rows only.

    Args:
        features: Numbers, one row per person; missing ones may be null.
        labels: 1 or 0.
        seed: Of the folds, and of the model.
    """
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(max_iter=50, max_depth=3, random_state=seed)
    with threadpool_limits(1):  # several threads wait for each other longer than one takes, where Spark has the cores
        found: Floats = cross_val_predict(model, features.to_numpy(np.float64), labels, cv=folds, method="predict_proba")
    return found[:, 1]
