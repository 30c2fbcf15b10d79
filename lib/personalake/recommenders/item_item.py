"""Which items go together: a linear item-item model with a closed form."""

import numpy as np

from personalake.recommenders.interactions import Floats


def fit_item_item(baskets: Floats, strength: float) -> Floats:
    """Weights by which owning one item speaks for another (EASE).

    Minimises |X − XB|² + strength·|B|² under diag(B) = 0, whose solution is, with P = (XᵀX + strength·I)⁻¹,
    B[i, j] = −P[i, j] / P[j, j] off the diagonal. Assumes that relations are linear and the same for everyone.
    Source: H. Steck, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019.

    Example: two items that were only ever bought together by one person, strength 1:
    XᵀX + I = [[2, 1], [1, 2]], P = [[2, −1], [−1, 2]] / 3, so B = [[0, ½], [½, 0]].

    Args:
        baskets: 1 where a person (row) ever bought an item (column), else 0.
        strength: Ridge penalty, in people.

    Returns:
        The square matrix B; the score of item j for a person is the sum of B[i, j] over the items i they own.
    """
    precision = np.linalg.inv(baskets.T @ baskets + strength * np.eye(baskets.shape[1]))
    weights = -precision / np.diag(precision)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights)
