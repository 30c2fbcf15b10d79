import numpy as np

from personalake.recommenders.item_item import fit_item_item


def test_two_items_bought_together_once_weigh_a_half_on_each_other():
    np.testing.assert_allclose(fit_item_item(np.array([[1.0, 1.0]]), 1.0), [[0, 0.5], [0.5, 0]])


def test_the_weights_are_the_ridge_solution_of_each_item_by_the_others():
    baskets = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0]], dtype=float)

    learnt = fit_item_item(baskets, 0.7)

    for item, others in ((0, [1, 2]), (1, [0, 2]), (2, [0, 1])):
        x, y = baskets[:, others], baskets[:, item]
        np.testing.assert_allclose(learnt[others, item], np.linalg.solve(x.T @ x + 0.7 * np.eye(2), x.T @ y))
    assert np.diag(learnt).tolist() == [0, 0, 0]
