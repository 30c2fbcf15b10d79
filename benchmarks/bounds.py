"""What is asked of the figures of identity, so that a run that falls short ends as a failure."""

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, le
from types import MappingProxyType
from typing import Any, NamedTuple

Figures = Mapping[str, Any]
_SIGNS: Mapping[Callable[[Any, Any], Any], str] = {ge: ">=", le: "<=", eq: "="}
# So many times the seconds may a value cost that a fifth of the rows share: it should change nothing, and clocks differ.
_POPULAR_TIMES = 1.25


class Bound(NamedTuple):
    """One figure of one measure, and what it must be.

    Args:
        measure: Name of the measure.
        figure: Name of the figure, or of an object and a figure in it.
        holds: How it is compared.
        asked: What with.
        where: Figures that say which of several results is meant.
    """

    measure: str
    figure: str
    holds: Callable[[Any, Any], Any]
    asked: float
    where: Figures = MappingProxyType({})


BOUNDS = (
    Bound("febrl1", "f1", ge, 0.98, {"who": "personalake"}),
    Bound("febrl2", "f1", ge, 0.98, {"who": "personalake"}),
    Bound("febrl3", "f1", ge, 0.98, {"who": "personalake"}),
    Bound("febrl4", "f1", ge, 0.998, {"who": "personalake"}),
    Bound("world", "pairwise.f1", ge, 0.97),
    Bound("world", "pairwise.precision", ge, 0.99),
    Bound("world", "b_cubed.f1", ge, 0.97),
    Bound("speed", "records_per_second_per_core", ge, 1_000),
    Bound("speed", "memory_gib", le, 12),
    Bound("growth", "exponent", le, 1.2),
    Bound("incremental", "share", le, 0.10),
    Bound("incremental", "agreement_f1", ge, 0.999),
    Bound("stable", "of_unaffected_persons", ge, 0.999),
    Bound("backends", "pairs_of_one_only", eq, 0),
    Bound("backends", "other_weights", eq, 0),
)


def missed(told: Sequence[Figures]) -> list[str]:
    """Which bounds are not kept, each with the figure; a figure that is not there is not kept.

    Args:
        told: Results, each with its `measure`.
    """
    found = []
    for one in told:
        for bound in BOUNDS:
            if one["measure"] == bound.measure and all(one.get(name) == value for name, value in bound.where.items()):
                figure = _figure(one, bound.figure)
                if figure is None or not bound.holds(figure, bound.asked):
                    found.append(f"{bound.measure} {bound.figure} is {figure}, asked {_SIGNS[bound.holds]} {bound.asked:g}")
    plain, *shared = [one["seconds"] for one in told if one["measure"] == "popular"] or [0.0]
    found += [f"popular takes {one} s, {plain} s without" for one in shared if one > _POPULAR_TIMES * plain]
    return found


def _figure(told: Figures, name: str) -> Any:
    found: Any = told
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
