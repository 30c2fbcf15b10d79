import math
from datetime import UTC, datetime, timedelta

import pytest

from personalake.config.privacy import PublishingSettings
from personalake.errors import InputError
from personalake.privacy.published_counts import budget_left, noisy_counts, price_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_noise_is_as_large_as_opendp_says_and_lies_around_the_truth() -> None:
    cells = {(str(number),): 1_000 for number in range(4_000)}

    published = noisy_counts(cells, epsilon=0.5, minimum_cell=50)

    errors = [persons - 1_000 for persons in published.counts.values()]
    assert len(errors) == len(cells)
    # Of a discrete Laplace distribution of scale 2: mean 0, variance 2a/(1-a)^2 with a = exp(-1/2), and beyond the accuracy
    # one of twenty. Bounds are five standard deviations of the means of 4,000 draws.
    assert abs(sum(errors) / len(errors)) < 0.23
    assert 6.2 < sum(error**2 for error in errors) / len(errors) < 9.5
    beyond = sum(abs(error) >= published.accuracy for error in errors) / len(errors)
    assert 0.02 < beyond < 0.055


def test_less_epsilon_is_more_noise() -> None:
    assert noisy_counts({("a",): 100}, 0.1, 50).accuracy > 4 * noisy_counts({("a",): 100}, 0.5, 50).accuracy


def test_small_cells_are_left_out_and_what_is_left_has_its_place() -> None:
    published = noisy_counts({("north", "a,b"): 9_000, ("south", "c"): 3, ("west", "d"): 1}, 1.0, 50)

    assert list(published.counts) == [("north", "a,b")]
    assert published.delta < 1e-12
    assert abs(published.counts["north", "a,b"] - 9_000) < 100


def test_a_cell_about_the_minimum_is_never_shown_as_less() -> None:
    shown = [noisy_counts({("a",): 50}, 0.2, 50).counts.get(("a",)) for _ in range(60)]

    assert {persons is None for persons in shown} == {True, False}
    assert all(persons >= 50 for persons in shown if persons is not None)


def test_a_budget_is_used_up_by_all_tables_together_and_comes_back_after_its_period() -> None:
    settings = PublishingSettings(budget=2.0, period_days=30)
    spent = [
        {"subject": "gold.a", "epsilon": 0.5, "delta": 1e-7, "spent_at": NOW - timedelta(days=1)},
        {"subject": "gold.b", "epsilon": 1.0, "delta": 2e-7, "spent_at": NOW - timedelta(days=29)},
        {"subject": "gold.a", "epsilon": 2.0, "delta": 9e-7, "spent_at": NOW - timedelta(days=31)},
    ]

    left = budget_left(spent, NOW, settings)

    assert (left.epsilon, left.delta) == (0.5, pytest.approx(7e-7))


def test_more_noise_and_smaller_cells_make_the_chance_greater_that_somebody_stands_alone() -> None:
    # Discrete Laplace noise of scale s is n or more with probability exp(-n / s) / (1 + exp(-1 / s)).
    assert price_of(0.5, 50).delta == pytest.approx(math.exp(-25) / (1 + math.exp(-0.5)))
    assert price_of(0.1, 50).delta > price_of(0.5, 50).delta < price_of(0.5, 10).delta


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan")])
def test_noise_without_a_price_is_refused(epsilon: float) -> None:
    with pytest.raises(InputError, match="above 0"):
        noisy_counts({("a",): 100}, epsilon, 50)
