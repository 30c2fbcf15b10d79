"""Purchases as arrays: what each person's history with each item looked like at a cut."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from personalake.recommenders.recipe import Recipe

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Strings = NDArray[np.object_]

_MICROS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class Interactions:
    """Purchases, sorted by person, item, order and time; ids are places in the sorted lists of ids.

    Args:
        person_ids: Every person, sorted, also those without a purchase.
        product_ids: Every item, sorted; the order of ids is what breaks ties.
        person: Place of the buyer.
        item: Place of the item.
        order: Number of the order.
        day: When it happened, days since 1970.
        known_day: When it had happened and could be known, days since 1970.
    """

    person_ids: Strings
    product_ids: Strings
    person: Ints
    item: Ints
    order: Ints
    day: Floats
    known_day: Floats


@dataclass(frozen=True)
class History:
    """What was known at a cut, one entry per person and item, sorted by both.

    Args:
        people: Number of persons.
        items: Number of items.
        person: Place of the person.
        item: Place of the item.
        orders: Orders with the item.
        last_days: Days since the latest of them.
        first_days: Days since the earliest.
        decayed: Orders, each worth a half per half-life of age.
        lately: The same with the short half-life.
    """

    people: int
    items: int
    person: Ints
    item: Ints
    orders: Floats
    last_days: Floats
    first_days: Floats
    decayed: Floats
    lately: Floats

    @property
    def active(self) -> Ints:
        """Places of the persons who had bought anything."""
        return np.unique(self.person)

    @property
    def keys(self) -> Ints:
        """One number per pair of person and item, ascending."""
        return self.person * self.items + self.item


def day_number(day: date) -> float:
    """Days from 1970 to midnight of `day`.

    >>> day_number(date(1970, 1, 3))
    2.0
    """
    return float((datetime(day.year, day.month, day.day) - datetime(1970, 1, 1)).days)


def interactions(rows: pd.DataFrame, product_ids: Strings | None = None) -> Interactions:
    """Arrays from rows of purchases.

    Args:
        rows: person_id, product_id (null for a person without a purchase), order_key, occurred_at, known_at.
        product_ids: The items to speak of, sorted; those of the rows by default. Others are left out.
    """
    person_ids, person = _places(rows["person_id"].astype("category"))
    own_ids, item = _places(rows["product_id"].astype("category"))
    if product_ids is None:
        product_ids = own_ids
    else:
        item = np.append(pd.Index(product_ids).get_indexer(pd.Index(own_ids)), -1)[item]
    order = rows["order_key"].to_numpy(dtype=np.int64)
    day, known = _days(rows["occurred_at"]), _days(rows["known_at"])
    kept = np.flatnonzero(item >= 0)
    kept = kept[np.lexsort((day[kept], order[kept], item[kept] + person[kept] * len(product_ids)))]
    return Interactions(
        person_ids, product_ids, person[kept], item[kept], order[kept], day[kept], np.maximum(day, known)[kept]
    )  # fmt: skip


def _places(values: "pd.Series[Any]") -> tuple[Strings, Ints]:
    """Sorted distinct values, and each row's place among them; -1 for null."""
    categories = values.cat.categories.to_numpy(dtype=object)
    rank = np.argsort(np.argsort(categories, kind="stable"), kind="stable")
    codes = values.cat.codes.to_numpy().astype(np.int64)
    return np.sort(categories), np.where(codes < 0, -1, np.append(rank, -1)[codes]).astype(np.int64)


def _days(times: "pd.Series[Any]") -> Floats:
    if pd.api.types.is_float_dtype(times):
        return times.to_numpy(dtype=np.float64)
    local = times.dt.tz_localize(None) if isinstance(times.dtype, pd.DatetimeTZDtype) else times
    return local.to_numpy(dtype="datetime64[us]").astype(np.int64) / _MICROS_A_DAY


def history(rows: Interactions, cut: float, recipe: Recipe) -> History:
    """What was known at midnight of day `cut`: purchases that happened or became known later do not exist."""
    seen = np.flatnonzero(rows.known_day < cut)
    pair = rows.person[seen] * len(rows.product_ids) + rows.item[seen]
    order = rows.order[seen]
    # Two lines of one order for the same item are one purchase, at the time of the later line.
    last_line = np.flatnonzero(
        np.append((pair[1:] != pair[:-1]) | (order[1:] != order[:-1]), np.ones(min(1, len(pair)), bool))
    )
    pair, age = pair[last_line], cut - rows.day[seen][last_line]
    starts = _first(pair)
    return History(
        people=len(rows.person_ids),
        items=len(rows.product_ids),
        person=pair[starts] // max(1, len(rows.product_ids)),
        item=pair[starts] % max(1, len(rows.product_ids)),
        orders=_per_pair(np.add, np.ones_like(age), starts),
        last_days=_per_pair(np.minimum, age, starts),
        first_days=_per_pair(np.maximum, age, starts),
        decayed=_per_pair(np.add, np.exp2(-age / recipe.half_life_days), starts),
        lately=_per_pair(np.add, np.exp2(-age / recipe.short_half_life_days), starts),
    )


def _first(*columns: Ints) -> Ints:
    """Places at which a run of equal rows begins."""
    changed = np.zeros(len(columns[0]), bool)
    changed[:1] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)


def _per_pair(combine: np.ufunc, values: Floats, starts: Ints) -> Floats:
    return np.asarray(combine.reduceat(values, starts), dtype=np.float64) if len(starts) else np.empty(0)


def bought_between(rows: Interactions, first: float, last: float, known_by: float) -> Ints:
    """Pairs of person and item bought from day `first` until before `last`, as known at `known_by`; see `History.keys`."""
    inside = (rows.day >= first) & (rows.day < last) & (rows.known_day < known_by)
    return np.unique(rows.person[inside] * len(rows.product_ids) + rows.item[inside])
