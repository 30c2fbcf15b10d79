"""Each fitted candidate as plain numbers says the same as MLlib, and its effects add up."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from personalake.models.candidates import fit_candidate, portable, scores, with_class_weight, with_inputs
from personalake.models.explanation import effects, reasons
from personalake.models.portable import MODEL_FILE, PortableModel, from_json, load
from personalake.tables.features import FEATURE_NAMES

SMALL = {
    "logistic_regression": {"regParam": 0.003, "maxIter": 10},
    "random_forest": {"numTrees": 5, "maxDepth": 3},
    "gbt": {"maxIter": 3, "maxDepth": 2, "stepSize": 0.15},
}


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.gamma(2.0, 10.0, (400, len(FEATURE_NAMES))), columns=list(FEATURE_NAMES))
    leaves = 1 / (1 + np.exp(-(frame["recency_days"] - 20) / 8 + (frame["order_days"] - 20) / 20))
    frame["label"] = (rng.random(400) < leaves).astype(float)
    return frame.assign(person_id=[f"p{number:03d}" for number in range(400)], as_of=date(2017, 5, 1))


@pytest.fixture(scope="module")
def rows(spark: SparkSession, people: pd.DataFrame) -> DataFrame:
    return with_class_weight(with_inputs(spark.createDataFrame(people), 1), float(people["label"].mean())).cache()


@pytest.fixture(scope="module", params=sorted(SMALL))
def fitted(
    request: pytest.FixtureRequest, rows: DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> tuple[PortableModel, pd.Series]:
    model = fit_candidate(rows, request.param, SMALL[request.param], seed=17)
    scratch = str(tmp_path_factory.mktemp("scratch") / "model")
    said = scores(model, rows).toPandas().set_index("person_id")["score"]
    return portable(model, rows, scratch), said


def test_numpy_says_what_mllib_says(fitted: tuple[PortableModel, pd.Series], people: pd.DataFrame) -> None:
    model, said = fitted

    found = model.uncalibrated(people)

    assert np.ptp(found) > 0.1
    assert found == pytest.approx(said.reindex(people["person_id"]).to_numpy(), abs=1e-5)


def test_a_model_survives_being_written_as_json(
    fitted: tuple[PortableModel, pd.Series], people: pd.DataFrame, tmp_path: Path
) -> None:
    model, _ = fitted

    (tmp_path / MODEL_FILE).write_text(json.dumps(model.as_json()))

    assert np.array_equal(load(tmp_path).predict(people), model.predict(people))


def test_effects_add_up_to_the_calibrated_log_odds_up_to_one_constant(
    fitted: tuple[PortableModel, pd.Series], people: pd.DataFrame
) -> None:
    model = replace(fitted[0], slope=0.8, offset=-1.0, means=tuple(np.log1p(people[list(FEATURE_NAMES)]).mean()))

    whole = np.log(model.predict(people) / (1 - model.predict(people)))
    rest = whole - effects(model, people).sum(axis=1)

    assert np.ptp(rest) < 1e-3 * np.ptp(whole)


def test_the_strongest_reasons_come_first_and_speak_of_the_person() -> None:
    model = PortableModel(
        "linear", ("recency_days", "tenure_days", "order_days"),
        coefficients=(2.0, 0.0, -0.5), means=tuple(np.log1p([10.0, 100.0, 11.0])),
    )  # fmt: skip
    person = pd.DataFrame([{"recency_days": 41.0, "tenure_days": 131.0, "order_days": 11.0}])

    first, second = reasons(model, person, 2)[0]

    assert first["feature"] == "recency_days"
    assert first["words"] == "last bought 41 days ago; usually every 9 days"
    assert first["effect"] == pytest.approx(2 * np.log(42 / 11))
    assert second["effect"] == pytest.approx(0.0)


def test_a_tree_goes_left_at_its_threshold() -> None:
    stump = {
        "left": [1, -1, -1], "right": [2, -1, -1], "feature": [0, -1, -1], "threshold": [float(np.log1p(10.0)), 0, 0],
        "value": [0.5, 0.2, 0.8], "weight": [2.0, 1.0, 1.0],
    }  # fmt: skip
    content = {**PortableModel("forest", ("recency_days",)).as_json(), "trees": [stump]}

    found = from_json(content).raw(from_json(content).inputs(pd.DataFrame({"recency_days": [10.0, 11.0]})))

    assert found.tolist() == [0.2, 0.8]
