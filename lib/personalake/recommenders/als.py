"""MLlib's implicit ALS as a candidate, reported as it is."""

import numpy as np
import pandas as pd
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame

from personalake.config.recommending import AlsSettings
from personalake.recommenders.factors import ItemFactors
from personalake.recommenders.interactions import History
from personalake.recommenders.items import ItemTable

_BLOCKS = 2


def ratings(history: History, items: ItemTable, min_people: int) -> pd.DataFrame:
    """Who ever bought what, each purchase alike, without the items that few people bought: person, item, rating."""
    kept = (items.people >= min_people)[history.item]
    person, item = history.person[kept].astype(np.int32), history.item[kept].astype(np.int32)
    return pd.DataFrame({"person": person, "item": item, "rating": np.float32(1)})


def fit_als(rated: DataFrame, items: ItemTable, settings: AlsSettings, length: int, seed: int) -> ItemFactors:
    """Factorise who ever bought what, as implicit feedback.

    Source: Hu, Koren, Volinsky, Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008, as MLlib has it.

    Args:
        rated: Rows of `ratings`.
        items: The items at the cut.
        settings: Size of the model.
        length: Items in a list.
        seed: Seed of the starting factors.
    """
    als = ALS(
        rank=settings.rank, maxIter=settings.iterations, regParam=settings.regularisation, alpha=settings.alpha,
        implicitPrefs=True, userCol="person", itemCol="item", ratingCol="rating", seed=seed,
        numUserBlocks=_BLOCKS, numItemBlocks=_BLOCKS,
    )  # fmt: skip
    learnt = als.fit(rated).itemFactors.toPandas().sort_values("id")
    factors = np.vstack(learnt["features"].to_list()).astype(np.float64)
    names = tuple(items.product_ids[learnt["id"].to_numpy(dtype=np.int64)])
    return ItemFactors(names, factors, settings.alpha, settings.regularisation, length)
