import numpy as np
import pandas as pd

from personalake.models.leakage import echoes


def test_features_that_alone_tell_the_answer_in_either_direction_are_named_and_strong_ones_are_not() -> None:
    dice = np.random.default_rng(3)
    label = np.repeat([0.0, 1.0], 200)
    rows = pd.DataFrame(
        {
            "label": label,
            "strong": label + dice.normal(scale=0.7, size=400),  # ROC-AUC about 0.84
            "noise": dice.normal(size=400),
            "closed_on": np.where(label == 1, dice.normal(size=400), np.nan),  # there for one class alone
            "days_left": 1 - label + dice.normal(scale=0.1, size=400),
            "balance_after": np.where(np.arange(400) % 3 == 0, label, np.nan),
        }
    )

    found = echoes(rows, [*rows.columns[1:]], 0.97)

    assert [*found] == ["days_left", "balance_after"]
    assert all(area > 0.999 for area in found.values())
    assert [*echoes(rows, ["strong", "noise"], 0.75)] == ["strong"]
