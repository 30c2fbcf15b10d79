import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from personalake.recommenders.blend import fit_blend
from personalake.recommenders.factors import ItemFactors
from personalake.recommenders.interactions import bought_between, history
from personalake.recommenders.listing import listing
from personalake.recommenders.popularity import OwnFrequency
from personalake.recommenders.serving import Packed, open_recommender, pack
from tests.recommenders.recipes import recipe

RECIPE = recipe(list_length=3, neighbour_strength=1)


@pytest.fixture
def trained(bought, table_of):
    rows = bought(*((f"p{p}", f"i{(p * w) % 6}", 10 * p + w, 5.0 * w + 0.5) for p in range(1, 9) for w in range(1, 20)))
    past = history(rows, 60.0, RECIPE)
    items = table_of(past, rows.product_ids, RECIPE)
    return rows, past, items, fit_blend(past, items, bought_between(rows, 60.0, 88.0, 99.0), RECIPE)


def written(folder: Path, packed: Packed) -> Path:
    import json

    for name, content in pack(packed).items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return folder


@pytest.mark.parametrize("kind", ["blend", "als", "own_frequency"])
def test_a_recommender_opened_from_its_files_makes_the_same_lists(trained, tmp_path, kind):
    rows, past, items, blend = trained
    factors = np.random.default_rng(1).normal(size=(len(items.product_ids), 2))
    recommender = {
        "blend": blend,
        "als": ItemFactors(tuple(items.product_ids), factors, 1.0, 0.1, 3),
        "own_frequency": OwnFrequency(3),
    }[kind]
    predict = open_recommender(written(tmp_path, Packed(recommender, items, RECIPE)))
    seen = rows.day < 60
    given = pd.DataFrame({"person_id": rows.person_ids[rows.person], "product_id": rows.product_ids[rows.item]})
    given = given.assign(order_id=rows.order.astype(str), days_ago=60 - rows.day)[seen]

    lists = predict(given)

    expected = listing(recommender, past, items, rows.person_ids, RECIPE)
    pd.testing.assert_frame_equal(lists, expected, check_dtype=False)
    assert (lists["model"] == kind).all()
    one = predict(given[given["person_id"] == "p3"])
    pd.testing.assert_frame_equal(one, expected[expected["person_id"] == "p3"].reset_index(drop=True), check_dtype=False)


def test_a_stranger_gets_what_is_popular(trained, tmp_path):
    _, _, items, blend = trained
    predict = open_recommender(written(tmp_path, Packed(blend, items, RECIPE)))

    lists = predict(pd.DataFrame({"person_id": ["new"], "product_id": [None], "order_id": [None], "days_ago": [None]}))

    assert lists["model"].tolist() == ["popularity"] * 6
    assert len(lists) == 6


def test_the_files_of_equal_recommenders_are_equal(trained):
    _, _, items, blend = trained

    assert pack(Packed(blend, items, RECIPE)) == pack(Packed(blend, items, RECIPE))


def test_serving_needs_neither_spark_nor_mlflow():
    heavy = ("pyspark", "mlflow", "sklearn")
    script = f"import sys, personalake.recommenders.serving as _; print([m for m in {heavy} if m in sys.modules])"

    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
