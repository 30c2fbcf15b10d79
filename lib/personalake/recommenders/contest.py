"""A contest of recommenders on one split in time: fit before the cut, judge on the weeks after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from personalake.common.time_cuts import days_before, month_starts
from personalake.recommenders.blend import Blend, fit_blend, with_background
from personalake.recommenders.evaluation import Judged, difference, judge, new_only
from personalake.recommenders.interactions import History, Interactions, bought_between, day_number, history
from personalake.recommenders.items import ItemTable, item_table
from personalake.recommenders.listing import SLOTS
from personalake.recommenders.ranking import Recommender
from personalake.recommenders.recipe import Recipe


@dataclass(frozen=True)
class Split:
    """One split in time.

    Args:
        fit_cut: Where features end and the labels of the fit begin.
        cut: Where the labels of the fit end, and the lists are made.
        end: Where the purchases to be found end.
        known_by: Purchases that became known later do not count.
    """

    fit_cut: date
    cut: date
    end: date
    known_by: date


@dataclass(frozen=True)
class Splits:
    """The split on which a recommender is chosen, and the later one on which it is tested."""

    selection: Split
    test: Split


@dataclass(frozen=True)
class Snapshot:
    """Everything that was known at a cut."""

    history: History
    items: ItemTable


def splits_before(training_cut: date, label_days: int) -> Splits:
    """The test begins at the latest start of a month whose window ends by the cut; the selection is the window before.

    >>> splits_before(date(2017, 12, 1), 28).test.cut
    datetime.date(2017, 11, 1)
    """
    last = days_before(training_cut, label_days)
    cut = month_starts(days_before(last, 31), last)[-1]
    before = days_before(cut, label_days)
    test = Split(before, cut, cut + timedelta(days=label_days), training_cut)
    return Splits(Split(days_before(before, label_days), before, cut, cut), test)


def snapshot(rows: Interactions, described: pd.DataFrame, cut: date, recipe: Recipe) -> Snapshot:
    """What was known at a cut."""
    past = history(rows, day_number(cut), recipe)
    return Snapshot(past, item_table(past, described, recipe))


def testable_people(rows: Interactions, split: Split, recipe: Recipe) -> int:
    """People who could be learnt from and judged: with purchases before the fit, and after the cut."""
    early = history(rows, day_number(split.fit_cut), recipe).active
    later = bought_between(rows, day_number(split.cut), day_number(split.end), day_number(split.known_by))
    return len(np.intersect1d(early, later // max(1, len(rows.product_ids))))


def fit_blend_between(
    rows: Interactions, early: Snapshot, late: Snapshot, fit_cut: date, cut: date, recipe: Recipe
) -> Blend:
    """Rankers learnt from the window between two cuts, the background from everything before the later one.

    Args:
        rows: The purchases.
        early: What was known at `fit_cut`.
        late: What was known at `cut`.
        fit_cut: Where features end and labels begin.
        cut: Where labels end.
        recipe: How candidates and features are made.
    """
    bought = bought_between(rows, day_number(fit_cut), day_number(cut), day_number(cut))
    return with_background(fit_blend(early.history, early.items, bought, recipe), late.history, late.items)


def judged_at(
    rows: Interactions, seen: Snapshot, split: Split, recommenders: Mapping[str, Recommender]
) -> dict[str, dict[str, Judged]]:
    """Each recommender's lists against what was bought; per recommender and slot.

    A recommender that says nothing of new items is not judged on them; nor is anyone if nobody bought any.
    """
    bought = bought_between(rows, day_number(split.cut), day_number(split.end), day_number(split.known_by))
    wanted = dict(zip(SLOTS, (bought, new_only(bought, seen.history)), strict=True))
    verdicts: dict[str, dict[str, Judged]] = {}
    for name, recommender in recommenders.items():
        lists = recommender.rank(seen.history, seen.items)
        spoken = {slot: getattr(lists, slot) for slot in SLOTS if (getattr(lists, slot).items >= 0).any()}
        found = {slot: judge(ranked, wanted[slot], seen.history, seen.items) for slot, ranked in spoken.items()}
        verdicts[name] = {slot: judged for slot, judged in found.items() if len(judged.people)}
    return verdicts


def best_of(verdicts: Mapping[str, Mapping[str, Judged]], slot: str = SLOTS[0]) -> str:
    """The recommender with the highest mean nDCG over all items; ties by name."""
    return min(verdicts, key=lambda name: (-float(verdicts[name][slot].main.mean()), name))


def beats(better: Judged, worse: Judged, rounds: int, seed: int) -> bool:
    """Whether one beats the other beyond noise: the interval of the paired difference lies above 0."""
    low = difference(better.main, worse.main, rounds, seed).low
    return low is not None and low > 0
