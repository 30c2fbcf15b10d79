import numpy as np

from personalake.models.fairness import by_group

PEOPLE = 2_000


def test_a_group_that_is_overlooked_shows_beside_the_others_and_a_small_one_is_not_shown() -> None:
    draw = np.random.default_rng(5)
    chance, is_b, is_few = draw.uniform(0, 1, PEOPLE), draw.uniform(0, 1, PEOPLE) < 0.4, np.arange(PEOPLE) < 49
    labels = (draw.uniform(0, 1, PEOPLE) < chance).astype(float)
    foretold = np.where(is_b, chance / 2, chance)  # as of those of whom half has not been recorded

    found = by_group(labels, foretold, 0.5, {"b": is_b, "a": ~is_b, "few": is_few}, 50, 100, 3)

    assert list(found) == ["a", "b"]
    alike, overlooked = found["a"], found["b"]
    assert overlooked["recall"].high < alike["recall"].low
    assert overlooked["flagged_share"].high < alike["flagged_share"].low
    assert overlooked["calibration_error"].low > alike["calibration_error"].high
    assert overlooked["base_rate"].high > alike["base_rate"].low
    assert alike["people"].value == (~is_b).sum()
    assert not any("decile" in metric for metric in alike)


def test_rates_are_those_of_a_count_by_hand() -> None:
    labels, foretold = np.array([1.0, 1.0, 0.0, 0.0, 0.0]), np.array([0.9, 0.1, 0.8, 0.2, 0.1])

    (found,) = by_group(labels, foretold, 0.5, {"all": np.ones(5, bool)}, 2, 20, 1).values()

    assert (found["flagged_share"].value, found["false_positive_rate"].value, found["recall"].value) == (0.4, 1 / 3, 0.5)
    assert "false_positive_rate" not in by_group(labels[:2], foretold[:2], 0.5, {"l": np.ones(2, bool)}, 2, 20, 1)["l"]
