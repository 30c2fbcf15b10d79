import numpy as np
import pandas as pd

from personalake.models.label_noise import suspects
from tests.models.unseen import out_of_fold


def test_labels_that_were_turned_over_are_found_among_the_first() -> None:
    draw = np.random.default_rng(11)
    features = pd.DataFrame({"days": draw.exponential(20, 1_000), "orders": draw.poisson(4, 1_000)})
    true = (features["days"] > 20).astype(float).to_numpy()
    turned = draw.choice(1_000, 50, replace=False)
    labels = true.copy()
    labels[turned] = 1 - labels[turned]

    foretold = out_of_fold(features, labels, 17)

    assert len({*suspects(labels, foretold)[:50]} & {*turned}) >= 40
    assert (out_of_fold(features, labels, 17) == foretold).all()


def test_where_all_are_labelled_alike_nobody_contradicts() -> None:
    assert suspects(np.ones(10), np.full(10, 0.1)).tolist() == []
