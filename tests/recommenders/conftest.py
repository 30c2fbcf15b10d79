"""Purchases from literal rows: person, item, order, day, and the day they became known if that was later."""

from collections.abc import Callable

import pandas as pd
import pytest

from personalake.recommenders.interactions import Interactions, interactions
from personalake.recommenders.items import ItemTable, assortment, item_table

CATALOGUE = ("product_id", "name", "category", "product_type", "department", "known_at", "record_id")


@pytest.fixture
def bought() -> Callable[..., Interactions]:
    def make(*rows: tuple) -> Interactions:
        whole = [(*row, row[3]) if len(row) == 4 else row for row in rows]
        columns = ["person_id", "product_id", "order_key", "occurred_at", "known_at"]
        frame = pd.DataFrame(whole, columns=columns)
        return interactions(frame.astype({"occurred_at": float, "known_at": float}))

    return make


@pytest.fixture
def table_of() -> Callable[..., ItemTable]:
    def make(past, product_ids, recipe, catalogue=()) -> ItemTable:
        return item_table(past, assortment(product_ids, pd.DataFrame(catalogue, columns=CATALOGUE)), recipe)

    return make
