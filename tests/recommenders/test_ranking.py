import numpy as np

from personalake.recommenders.ranking import Ranked, filled, top


def test_ties_are_broken_by_the_smaller_id_and_rounding_noise_is_a_tie():
    items = np.array([[7, 3, 5, 4]])
    scores = np.array([[0.5, 0.5 + 1e-12, 0.9, 0.5]])

    assert top(items, scores, 3).items.tolist() == [[5, 3, 4]]


def test_an_empty_candidate_never_wins_and_short_lists_are_padded():
    ranked = top(np.array([[-1, 2]]), np.array([[9.0, 0.1]]), 3)

    assert ranked.items.tolist() == [[2, -1, -1]]
    assert ranked.scores.tolist() == [[0.1, -np.inf, -np.inf]]


def test_a_short_list_is_filled_in_order_and_without_repeats():
    short = Ranked(np.array([[4, -1, -1]]), np.array([[0.7, -np.inf, -np.inf]]))
    spare = Ranked(np.array([[9, 4, 1]]), np.array([[30.0, 20.0, 10.0]]))

    whole = filled(short, spare)

    assert whole.items.tolist() == [[4, 9, 1]]
    assert whole.scores.tolist() == [[0.7, 0.0, 0.0]]
