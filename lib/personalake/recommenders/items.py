"""What is known about each item at a cut: how many buy it, and where it stands in the assortment."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from personalake.recommenders.interactions import Floats, History, Ints, Strings
from personalake.recommenders.recipe import Recipe

LEVELS = ("category", "product_type", "department")
COUNTS = ("people", "popular_people", "trend_people", "repeaters")


@dataclass(frozen=True)
class Level:
    """One level of the assortment, e.g. the categories.

    Args:
        codes: Each item's place among the names.
        names: The names, sorted; "" for items without one.
    """

    codes: Ints
    names: tuple[str, ...]


@dataclass(frozen=True)
class ItemTable:
    """The items, sorted by id.

    Args:
        product_ids: Ids, sorted.
        names: What a customer would call them; the id where there is no name.
        levels: Where the items stand in the assortment.
        people: Persons who ever bought it.
        popular_people: Persons who bought it in the last `popular_days`.
        trend_people: Persons who bought it in the last `trend_days`.
        repeaters: Persons who bought it in two orders or more.
    """

    product_ids: Strings
    names: Strings
    levels: dict[str, Level]
    people: Floats
    popular_people: Floats
    trend_people: Floats
    repeaters: Floats

    def most_popular(self, count: int) -> Ints:
        """Places of the items that most people bought lately; ties by id. Items that nobody ever bought are left out."""
        ranked = np.argsort(-self.popular_people, kind="stable")
        return ranked[self.people[ranked] > 0][:count]

    def places_of(self, product_ids: Strings) -> tuple[Ints, Ints]:
        """Of some ids, those that the table has: their places in it, and their places among the given ones."""
        if not len(self.product_ids):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        place = np.minimum(np.searchsorted(self.product_ids, product_ids), len(self.product_ids) - 1)
        there = np.flatnonzero(self.product_ids[place] == product_ids)
        return place[there], there

    @property
    def repeat_odds(self) -> Floats:
        """Log-odds that a buyer buys again, shrunk towards one in four."""
        share = (self.repeaters + 1) / (self.people + 4)
        return np.asarray(np.log(share / (1 - share)))

    def as_frame(self) -> pd.DataFrame:
        """One row per item, for the registry."""
        levels = {key: np.array(level.names, dtype=object)[level.codes] for key, level in self.levels.items()}
        columns = {"product_id": self.product_ids, "name": self.names, **levels}
        return pd.DataFrame(columns | {name: getattr(self, name) for name in COUNTS})

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> "ItemTable":
        """The table that `as_frame` gave, or counts with the assortment joined."""
        return cls(
            frame["product_id"].to_numpy(dtype=object),
            frame["name"].to_numpy(dtype=object),
            {level: _level(frame[level]) for level in LEVELS},
            *(frame[name].to_numpy(dtype=np.float64) for name in COUNTS),
        )


def _level(values: "pd.Series[str]") -> Level:
    names, codes = np.unique(values.to_numpy(dtype=str), return_inverse=True)
    return Level(codes.astype(np.int64), tuple(str(name) for name in names))


def counted(history: History, recipe: Recipe) -> dict[str, Floats]:
    """How many people bought each item: ever, lately, and more than once."""

    def people(chosen: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Floats:
        return np.bincount(history.item[chosen], minlength=history.items).astype(np.float64)

    return {
        "people": people(np.ones(len(history.item), bool)),
        "popular_people": people(history.last_days < recipe.popular_days),
        "trend_people": people(history.last_days < recipe.trend_days),
        "repeaters": people(history.orders > 1),
    }


def assortment(product_ids: Strings, catalogue: pd.DataFrame) -> pd.DataFrame:
    """Name and levels of each item; an item that the catalogue lacks is its own name, in a nameless category.

    Args:
        product_ids: Items, sorted.
        catalogue: product_id, name, category, product_type, department, and known_at and record_id, by which the
            newest version of a product is found.
    """
    newest = catalogue.sort_values(["product_id", "known_at", "record_id"]).drop_duplicates("product_id", keep="last")
    rows = newest.set_index("product_id").reindex(product_ids)
    levels = {level: rows[level].fillna("").to_numpy(dtype=object) for level in LEVELS}
    names = rows["name"].where(rows["name"].notna(), pd.Series(product_ids, index=rows.index))
    return pd.DataFrame({"product_id": product_ids, "name": names.to_numpy(dtype=object), **levels})


def item_table(history: History, described: pd.DataFrame, recipe: Recipe) -> ItemTable:
    """The items as they stood at the cut of the history."""
    return ItemTable.from_frame(described.assign(**counted(history, recipe)))
