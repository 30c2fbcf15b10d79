"""Labels that are probably wrong: what is known of somebody contradicts what is said of them."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from personalake.models.portable import Floats

_FOLDS = 5


def suspects(labels: Floats, probability: Floats) -> npt.NDArray[np.int64]:
    """Which labels contradict the probabilities, the most doubtful first.

    Confident learning (Northcutt, Jiang and Chuang, Confident learning: estimating uncertainty in dataset labels, 2021), by
    cleanlab: a label is doubted where the other class is likelier than it is, as a rule, for those who are labelled so.
    People whom nothing foretells are among them, too: it is a list to look at, and no share of wrong labels.

    Args:
        labels: 1 or 0.
        probability: Of 1, by a model that has not seen these labels; see `out_of_fold`.

    Returns:
        Positions.
    """
    from cleanlab.filter import find_label_issues

    if len(set(labels.tolist())) < 2:
        return np.zeros(0, np.int64)
    both = np.column_stack([1 - probability, probability])
    found = find_label_issues(labels.astype(np.int64), both, return_indices_ranked_by="self_confidence", n_jobs=1)
    return np.asarray(found, np.int64)


def out_of_fold(features: pd.DataFrame, labels: Floats, seed: int) -> Floats:
    """The probability of 1 of each row by a model that has learnt from the other rows only.

    Args:
        features: Numbers, one row per person; missing ones may be null.
        labels: 1 or 0.
        seed: Of the folds, and of the model.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    model = HistGradientBoostingClassifier(max_iter=50, max_depth=3, random_state=seed)
    with threadpool_limits(1):  # several threads wait for each other longer than one takes, where Spark has the cores
        found: Floats = cross_val_predict(model, features.to_numpy(np.float64), labels, cv=folds, method="predict_proba")
    return found[:, 1]
