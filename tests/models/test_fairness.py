import numpy as np
import pytest

from personalake.models.fairness import by_group, gaps

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


def test_gaps_lie_between_the_groups_furthest_apart_and_are_beyond_chance_where_one_is_overlooked() -> None:
    draw = np.random.default_rng(5)
    chance, place = draw.uniform(0, 1, PEOPLE), draw.uniform(0, 1, PEOPLE)
    labels = (draw.uniform(0, 1, PEOPLE) < chance).astype(float)
    is_b, is_few = place < 0.4, np.arange(PEOPLE) < 49
    overlooked = np.where(is_b, chance / 2, chance)
    groups = {"g=b": is_b, "g=a": ~is_b & (place < 0.8), "g=c": place >= 0.8, "g=few": is_few, "lone=x": ~is_few}

    told = gaps(labels, overlooked, 0.5, groups, 50, 100, 3)
    fair = gaps(labels, chance, 0.5, groups, 50, 100, 3)["g"]

    assert list(told) == ["g"]
    by = by_group(labels, overlooked, 0.5, groups, 50, 100, 3)
    recalls = [by[name]["recall"].value for name in ("g=a", "g=b", "g=c")]
    assert told["g"]["recall_difference"].value == max(recalls) - min(recalls)
    assert told["g"]["recall_ratio"].value == min(recalls) / max(recalls)
    assert told["g"]["recall_difference"].low > 0.5
    assert told["g"]["flagged_share_ratio"].high < 0.8
    assert fair["flagged_share_difference"].low < fair["flagged_share_difference"].value < 0.1
    assert fair["flagged_share_ratio"].value > 0.8


def test_a_gap_counted_by_hand() -> None:
    labels, foretold = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]), np.array([0.9, 0.8, 0.1, 0.9, 0.1, 0.1])
    is_m = np.arange(6) >= 3

    found = gaps(labels, foretold, 0.5, {"s=f": ~is_m, "s=m": is_m}, 2, 20, 1)["s"]

    assert found["flagged_share_difference"].value == 2 / 3 - 1 / 3
    assert found["flagged_share_ratio"].value == 0.5
    assert found["false_positive_rate_difference"].value == pytest.approx(1 / 2 - 1 / 3)
    assert "recall_difference" not in found  # of those of m nobody left
