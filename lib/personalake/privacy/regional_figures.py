"""Figures about groups of people that may leave a region: none about few, and none from which few could be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import pandas as pd

from personalake.privacy.consent import GRANTED

EVERYONE = "all_people"
# Dimensions whose groups may overlap; in the others each person is in one group.
_OVERLAPPING = frozenset({"grants"})


@dataclass(frozen=True)
class Figure:
    """One figure about one group.

    Args:
        figure: What is counted.
        dimension: By what people are grouped.
        member: The group.
        people: People behind it.
        value: The figure.
    """

    figure: str
    dimension: str
    member: str
    people: int
    value: float


def regional_figures(
    profiles: pd.DataFrame, segments: pd.DataFrame, consents: pd.DataFrame, decisions: pd.DataFrame
) -> list[Figure]:
    """Every figure of a region, large groups and small.

    Args:
        profiles: `person_id`, `orders`, `spend`, `currency` of `gold.customer_profile`.
        segments: `person_id`, `segment` of the scheme rfm.
        consents: `person_id`, `purpose`, `status` of `silver.consent_current`.
        decisions: `person_id`, `action` of `gold.decision`.
    """
    buyers = profiles[profiles["orders"].fillna(0) > 0]
    found = [
        Figure("people", EVERYONE, EVERYONE, len(profiles), float(len(profiles))),
        Figure("orders", EVERYONE, EVERYONE, len(buyers), float(buyers["orders"].sum())),
    ]
    for currency, rows in buyers.dropna(subset=["currency"]).groupby("currency"):
        found.append(Figure("spend", "currency", str(currency), len(rows), float(rows["spend"].astype(float).sum())))
    granted = consents[consents["status"].isin(GRANTED)]
    for dimension, rows, column in (
        ("rfm", segments, "segment"),
        ("action", decisions, "action"),
        ("grants", granted, "purpose"),
    ):
        people = rows.dropna(subset=[column]).groupby(column)["person_id"].nunique()
        found += [Figure("people", dimension, str(member), int(count), float(count)) for member, count in people.items()]
    return found


def published(figures: Sequence[Figure], smallest: int) -> list[Figure]:
    """The figures that may leave.

    A group of fewer than `smallest` people is hidden. So is one whose complement is that small, and, where groups make up
    a whole, the next smallest group as well if what is hidden together would still be few: a difference would tell them.
    The whole is not always everyone: segments and currencies make up the buyers, decisions those decided about.

    Args:
        figures: What `regional_figures` found.
        smallest: Fewest people behind a figure.
    """
    told = {figure.people for figure in figures if figure.dimension == EVERYONE}
    kept: list[Figure] = []
    order = attrgetter("figure", "dimension", "people", "member")
    for (_, dimension), group in groupby(sorted(figures, key=order), key=attrgetter("figure", "dimension")):
        kept += _safe(list(group), told, smallest, dimension)
    return kept


def _safe(cells: list[Figure], told: set[int], smallest: int, dimension: str) -> list[Figure]:
    """The cells of one dimension that may be told, from the smallest on.

    Args:
        cells: The cells, small ones first.
        told: Wholes that other figures tell.
        smallest: Fewest people behind a figure.
        dimension: By what people are grouped.
    """

    def betrays(people: int, wholes: set[int]) -> bool:
        return any(0 < whole - people < smallest for whole in wholes)

    shown = [cell for cell in cells if cell.people >= smallest and not betrays(cell.people, told)]
    if dimension in _OVERLAPPING or dimension == EVERYONE:
        return shown
    whole = sum(cell.people for cell in cells)
    wholes = {whole, *(other for other in told if other > whole)}
    while shown and betrays(sum(cell.people for cell in shown), wholes):
        shown = shown[1:]
    return shown
