import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from personalake.models.calibration import best_threshold, fit_platt
from personalake.models.evaluation import calibration_error, evaluate, measured, pr_auc, resamples, roc_auc
from personalake.models.portable import logit

LABELS = np.array([0.0, 0.0, 1.0, 1.0])
SCORES = np.array([0.1, 0.4, 0.35, 0.8])
ONCE = np.ones((1, 4))


def test_metrics_of_four_people_are_what_a_hand_would_compute() -> None:
    found = {name: value.value for name, value in evaluate(LABELS, SCORES, 0.4, ONCE).items()}

    # Three of the four pairs of a churned and a staying person are in order.
    assert found["roc_auc"] == 0.75
    # Precision is 1/1 where the first churned person is found and 2/3 where the second is.
    assert found["pr_auc"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["brier"] == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.6, 0.35, 0.8]).mean())
    # At 0.4 two are flagged, one of them rightly; one of two churned people is found.
    assert (found["precision"], found["recall"], found["f1"]) == (0.5, 0.5, 0.5)


def test_ties_count_half_and_both_areas_agree_with_scikit_learn_on_every_resample() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random(300) < 0.3).astype(float)
    scores = np.round(rng.random(300) * 0.5 + labels * 0.3, 1)
    weights = resamples(300, 5, seed=3)

    aucs, precisions = roc_auc(labels, scores, weights), pr_auc(labels, scores, weights)

    for row, weight in enumerate(weights):
        assert aucs[row] == pytest.approx(roc_auc_score(labels, scores, sample_weight=weight))
        assert precisions[row] == pytest.approx(average_precision_score(labels, scores, sample_weight=weight))


def test_the_first_decile_holds_the_highest_scores() -> None:
    labels = np.array([1.0] * 2 + [0.0] * 18)
    scores = np.linspace(0.9, 0.1, 20)

    found = evaluate(labels, scores, 0.5, np.ones((1, 20)))

    assert found["lift_decile_1"].value == pytest.approx(10.0)
    assert found["gain_decile_1"].value == found["gain_decile_10"].value == 1.0
    assert found["lift_decile_2"].value == 0.0


def test_an_honest_probability_has_no_calibration_error_and_a_boastful_one_has() -> None:
    labels = np.array([0.0, 1.0] * 10)

    assert calibration_error(labels, np.full(20, 0.5), np.ones((1, 20)))[0] == pytest.approx(0.0)
    assert calibration_error(labels, np.full(20, 0.9), np.ones((1, 20)))[0] == pytest.approx(0.4)


def test_an_interval_holds_the_value_and_is_the_same_for_the_same_seed() -> None:
    labels = np.array([0.0, 1.0] * 50)
    scores = np.random.default_rng(2).random(100)

    first = measured(roc_auc(labels, scores, resamples(100, 200, seed=5)))

    assert first.low is not None
    assert first.high is not None
    assert first.low < first.value < first.high
    assert first == measured(roc_auc(labels, scores, resamples(100, 200, seed=5)))


def test_platt_takes_back_the_distortion_of_class_weights() -> None:
    rng = np.random.default_rng(4)
    truth = rng.uniform(0.02, 0.5, 20_000)
    labels = (rng.random(20_000) < truth).astype(float)

    slope, offset = fit_platt(logit(truth) * 0.5 + 2, labels)

    assert slope == pytest.approx(2.0, abs=0.1)
    assert offset == pytest.approx(-4.0, abs=0.2)


def test_the_threshold_never_cuts_between_equal_probabilities() -> None:
    assert best_threshold(np.array([0.5, 0.5, 0.9]), np.array([0.0, 1.0, 1.0])) == 0.5


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("everyone", [0.0, 1.0])
def test_where_all_churned_or_all_stayed_there_is_no_area_and_no_zero(everyone: float) -> None:
    labels, scores = np.full(20, everyone), np.linspace(0.1, 0.9, 20)

    found = evaluate(labels, scores, 0.5, resamples(20, 10, seed=1))

    assert "roc_auc" not in found
    assert found["base_rate"].value == everyone
    assert not any(np.isnan(value.value) for value in found.values())


@pytest.mark.filterwarnings("error")
def test_resamples_of_one_class_do_not_count_in_the_interval() -> None:
    labels, scores = np.array([1.0] + [0.0] * 9), np.append(0.9, np.full(9, 0.1))
    weights = resamples(10, 400, seed=1)

    without_churned = int((weights[:, 0] == 0).sum())
    found = evaluate(labels, scores, 0.5, weights)

    # The one churned person is ranked first: each resample that has her says 1, and more than 2.5 % have not.
    assert without_churned > 40
    assert (found["roc_auc"].low, found["pr_auc"].low, found["recall"].low) == (1.0, 1.0, 1.0)


def test_nothing_picked_is_no_precision() -> None:
    found = evaluate(LABELS, SCORES, 0.99, ONCE)

    assert "precision" not in found
    assert (found["recall"].value, found["f1"].value) == (0.0, 0.0)
