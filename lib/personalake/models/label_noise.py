"""Labels that are probably wrong: what is known of somebody contradicts what is said of them."""

import numpy as np
import numpy.typing as npt

from personalake.models.portable import Floats


def suspects(labels: Floats, probability: Floats) -> npt.NDArray[np.int64]:
    """Which labels contradict the probabilities, the most doubtful first.

    Confident learning (Northcutt, Jiang and Chuang, Confident learning: estimating uncertainty in dataset labels, 2021), by
    cleanlab: a label is doubted where the other class is likelier than it is, as a rule, for those who are labelled so.
    People whom nothing foretells are among them, too: it is a list to look at, and no share of wrong labels.

    Args:
        labels: 1 or 0.
        probability: Of 1, by a model that has not seen these labels.

    Returns:
        Positions.
    """
    from cleanlab.filter import find_label_issues

    if len(set(labels.tolist())) < 2:
        return np.zeros(0, np.int64)
    both = np.column_stack([1 - probability, probability])
    found = find_label_issues(labels.astype(np.int64), both, return_indices_ranked_by="self_confidence", n_jobs=1)
    return np.asarray(found, np.int64)
