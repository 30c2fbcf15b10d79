import numpy as np
from pyspark.ml.recommendation import ALS

from personalake.config.recommending import AlsSettings
from personalake.recommenders.als import fit_als, ratings
from personalake.recommenders.interactions import history
from personalake.recommenders.ranking import weights
from tests.recommenders.recipes import recipe


def test_factors_that_follow_from_purchases_equal_those_that_mllib_learnt(spark, bought, table_of):
    chance = np.random.default_rng(3)
    rows = bought(*((f"p{p:02d}", f"i{i}", p, 1.0) for p in range(12) for i in chance.choice(8, 3, replace=False)))
    past = history(rows, 10.0, recipe())
    items = table_of(past, rows.product_ids, recipe())
    rated = spark.createDataFrame(ratings(past, items, 1))
    settings = AlsSettings(rank=2, iterations=2, min_people=1)

    model = fit_als(rated, items, settings, length=3, seed=5)

    mllib = ALS(
        rank=2, maxIter=2, regParam=0.1, alpha=1.0, implicitPrefs=True, seed=5, userCol="person", itemCol="item",
        ratingCol="rating", numUserBlocks=2, numItemBlocks=2,
    ).fit(rated)  # fmt: skip
    learnt = np.vstack(mllib.userFactors.toPandas().sort_values("id")["features"].to_list())
    baskets = weights(past, np.arange(past.items), np.ones(len(past.item)))
    np.testing.assert_allclose(model.people_factors(baskets, model.factors), learnt, atol=1e-4)
    best = (learnt @ model.factors.T).argsort(axis=1)[:, ::-1][:, 0]
    assert (model.rank(past, items).all_items.items[:, 0] == best).mean() > 0.9
    new = model.rank(past, items).new_items.items
    assert not np.isin(np.arange(past.people)[:, None] * past.items + new, past.keys)[new >= 0].any()


def test_items_that_few_people_bought_are_left_out(bought, table_of):
    rows = bought(("p1", "a", 1, 1.0), ("p2", "a", 2, 1.0), ("p2", "b", 2, 1.0))
    past = history(rows, 10.0, recipe())

    rated = ratings(past, table_of(past, rows.product_ids, recipe()), 2)

    assert rated.to_numpy().tolist() == [[0, 0, 1], [1, 0, 1]]
