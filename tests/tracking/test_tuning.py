from typing import Any

from personalake.tracking import search

SPACE = {"depth": (2, 3, 4), "step": (0.1, 0.2)}


def near_four(params: dict[str, Any]) -> float:
    return -abs(params["depth"] - 4) - float(params["step"])


def test_the_search_begins_where_it_is_told_and_gives_the_best_first() -> None:
    seen: list[dict[str, Any]] = []

    found = search(
        lambda params: seen.append(params) or near_four(params), SPACE, 4, seed=1, first={"depth": 3, "step": 0.2}
    )

    assert seen[0] == {"depth": 3, "step": 0.2}
    assert [trial.score for trial in found] == sorted((trial.score for trial in found), reverse=True)


def test_the_same_seed_tries_the_same_points() -> None:
    assert search(near_four, SPACE, 4, seed=5) == search(near_four, SPACE, 4, seed=5)


def test_no_point_is_paid_for_twice() -> None:
    seen: list[str] = []

    found = search(lambda params: seen.append(str(params)) or near_four(params), SPACE, 50, seed=2)

    assert len(seen) == len(set(seen)) == len(found) <= 6
