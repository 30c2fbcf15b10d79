"""A recommender as files, and back: what a server opens. Needs neither Spark nor mlflow."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from personalake.recommenders.blend import Blend
from personalake.recommenders.candidates import LogisticRanker
from personalake.recommenders.factors import ItemFactors
from personalake.recommenders.interactions import history, interactions
from personalake.recommenders.items import ItemTable
from personalake.recommenders.listing import listing
from personalake.recommenders.new_items import Background
from personalake.recommenders.popularity import OwnFrequency, Popularity
from personalake.recommenders.ranking import Recommender
from personalake.recommenders.recipe import Recipe

REQUIREMENTS = ("mlflow", "numpy", "pandas", "pyarrow")
# Raised whenever older files could not be opened any more; such a champion counts as none.
FORMAT = "1"
_MODEL, _ITEMS, _MATRIX = "recommender.json", "items.parquet", "matrix.npy"
# A purchase of this very moment is part of the history.
_NOW = 1e-9


@dataclass(frozen=True)
class Packed:
    """A recommender with the items as they stood when it was trained."""

    recommender: Recommender
    items: ItemTable
    recipe: Recipe


def pack(packed: Packed) -> dict[str, bytes | Mapping[str, Any]]:
    """The files of a recommender: its numbers, and the item table."""
    model, matrix = _described(packed.recommender)
    table, numbers = io.BytesIO(), io.BytesIO()
    packed.items.as_frame().to_parquet(table, index=False)
    np.save(numbers, matrix)
    described = {**model, "kind": packed.recommender.name, "recipe": asdict(packed.recipe)}
    return {_MODEL: described, _ITEMS: table.getvalue(), _MATRIX: numbers.getvalue()}


def _described(recommender: Recommender) -> tuple[dict[str, Any], NDArray[Any]]:
    if isinstance(recommender, Blend):
        rankers = {
            part: {"coefficients": list(ranker.coefficients), "intercept": ranker.intercept}
            for part, ranker in (("own", recommender.own), ("new", recommender.new))
        }
        background = recommender.background
        known = {"product_ids": list(background.product_ids), "shares": background.shares}
        return {**rankers, **known}, background.weights
    if isinstance(recommender, ItemFactors):
        facts = {"alpha": recommender.alpha, "regularisation": recommender.regularisation}
        return {**facts, "product_ids": list(recommender.product_ids)}, recommender.factors
    return {}, np.empty((0, 0))


def unpack(folder: Path) -> Packed:
    """The recommender whose files lie in a folder."""
    model = json.loads((folder / _MODEL).read_text(encoding="utf-8"))
    recipe = Recipe(**model["recipe"])
    items = ItemTable.from_frame(pd.read_parquet(folder / _ITEMS))
    return Packed(_opened(model, np.load(folder / _MATRIX), recipe), items, recipe)


def _opened(model: Mapping[str, Any], matrix: NDArray[Any], recipe: Recipe) -> Recommender:
    if model["kind"] == Blend.name:
        own, new = (LogisticRanker(tuple(model[part]["coefficients"]), model[part]["intercept"]) for part in ("own", "new"))
        return Blend(own, new, Background(tuple(model["product_ids"]), matrix, model["shares"]), recipe)
    if model["kind"] == ItemFactors.name:
        names = tuple(model["product_ids"])
        return ItemFactors(names, matrix, model["alpha"], model["regularisation"], recipe.list_length)
    return OwnFrequency(recipe.list_length) if model["kind"] == OwnFrequency.name else Popularity(recipe.list_length)


def example() -> pd.DataFrame:
    """A few input rows: one person's purchases."""
    return pd.DataFrame(
        {"person_id": ["p_1", "p_1"], "product_id": ["1", "2"], "order_id": ["a", "b"], "days_ago": [3.0, 10.5]}
    )


def open_recommender(folder: Path) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The function from purchases to lists.

    It takes rows of person_id, product_id (null for a person without purchases), order_id and days_ago, and returns
    rows of person_id, slot, rank, product_id, score, reason and model. Items are as popular as they were when the
    recommender was trained; products that it does not know are left out.
    """
    packed = unpack(folder)

    def predict(rows: pd.DataFrame) -> pd.DataFrame:
        then = -rows["days_ago"].astype(float)
        orders = np.unique(rows["order_id"].fillna("").astype(str), return_inverse=True)[1]
        known = rows.assign(order_key=orders, occurred_at=then, known_at=then)
        bought = interactions(known, packed.items.product_ids)
        past = history(bought, _NOW, packed.recipe)
        return listing(packed.recommender, past, packed.items, bought.person_ids, packed.recipe)

    return predict
