"""A benchmark that falls short ends as a failure."""

from typing import Any

from benchmarks.bounds import missed

GOOD: list[dict[str, Any]] = [
    {"measure": "febrl4", "who": "personalake", "f1": 0.9985},
    {"measure": "febrl4", "who": "personalake, with the guards of households", "f1": 0.9},
    {"measure": "world", "pairwise": {"f1": 0.98, "precision": 0.995}, "b_cubed": {"f1": 0.98}},
    {"measure": "growth", "exponent": 1.2},
    {"measure": "popular", "seconds": 10.0},
    {"measure": "popular", "seconds": 11.0},
]


def test_figures_that_are_as_asked_miss_nothing() -> None:
    assert missed(GOOD) == []
    assert missed([]) == []


def test_each_figure_that_falls_short_is_named_and_so_is_one_that_is_not_there() -> None:
    told = [
        {"measure": "febrl4", "who": "personalake", "f1": 0.9979},
        {"measure": "world", "pairwise": {"f1": 0.98, "precision": 0.98}},
        {"measure": "growth", "exponent": 1.3},
        {"measure": "popular", "seconds": 10.0},
        {"measure": "popular", "seconds": 13.0},
    ]

    assert missed(told) == [
        "febrl4 f1 is 0.9979, asked >= 0.998",
        "world pairwise.precision is 0.98, asked >= 0.99",
        "world b_cubed.f1 is None, asked >= 0.97",
        "growth exponent is 1.3, asked <= 1.2",
        "popular takes 13.0 s, 10.0 s without",
    ]
