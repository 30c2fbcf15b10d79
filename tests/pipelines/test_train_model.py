import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.config.modelling import CandidateSettings, ChurnSettings, ModelSettings
from personalake.lake import Lake, Locations
from personalake.pipelines import build_features, score_customers, train_model
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.tables.gold import MODEL_HEALTH, PREDICTION
from personalake.tables.silver import CUSTOMER_RECORD, ORDER_LINE, PERSON_LINK
from personalake.tracking import Tracker
from tests.pipelines.consents import grant

CUT = date(2017, 12, 1)
QUICK = {
    "logistic_regression": CandidateSettings(trials=1, space={"regParam": (0.01,), "maxIter": (10,)}),
    "random_forest": CandidateSettings(trials=1, space={"numTrees": (5,), "maxDepth": (3,)}),
}


@pytest.fixture(scope="module", autouse=True)
def shop_history() -> Iterator[None]:
    sys.path.insert(0, str(Path(__file__).parent))
    yield
    sys.path.remove(str(Path(__file__).parent))


TRAININGS: list[train_model.Training] = []


@pytest.fixture(scope="module")
def trained(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Settings]:
    """A shop of 250 people with its features, on which a model has been trained."""
    from shop_history import fill

    lake = Lake(Locations(tmp_path_factory.mktemp("trained")), lambda: spark)
    churn = ChurnSettings(minimum_of_each=50, bootstraps=50, partitions=1, candidates=QUICK)
    settings = Settings(root=lake.locations.root, training_cut=CUT, models=ModelSettings(churn=churn))
    fill(lake, people=250, days=333)
    told = sorted(row["value"] for row in lake.ledger.read(PERSON_LINK))
    lake.ledger.append(CUSTOMER_RECORD, [
        {"record_id": name, "namespace": "customer_id", "customer_id": name, "gender": "x" if n < 20 else "fm"[n % 2],
         "known_at": datetime(2017, 1, 1, tzinfo=UTC)}
        for n, name in enumerate(told)
    ])  # fmt: skip
    grant(lake, [f"p_{name}" for name in told], "fairness")
    build_features.run(context(lake, settings))
    train = train_model.train
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(train_model, "train", lambda *told: TRAININGS.append(train(*told)) or TRAININGS[-1])
        result = train_model.run(context(lake, settings))
    assert not result.skipped, result.message
    return lake, settings


def context(lake: Lake, settings: Settings, **options: object) -> JobContext:
    return JobContext(settings, lake, CUT, CUT, "test-run", {"model": "churn", **options}, Progress())


def test_the_champion_beats_recency_and_says_what_it_learnt_from(trained: tuple[Lake, Settings]) -> None:
    lake, settings = trained
    health = {(row["candidate"], row["population"], row["metric"]): row for row in lake.ledger.read(MODEL_HEALTH)}

    champion = Tracker(settings, lake.locations.root).champion("churn")

    assert champion is not None
    kind = champion.tags["candidate"]
    auc = health[kind, "everyone", "roc_auc"]
    assert auc["low"] < auc["value"] < auc["high"]
    assert auc["value"] > health["recency", "everyone", "roc_auc"]["value"] > 0.5
    assert (auc["role"], auc["model_version"]) == ("champion", champion.version)
    assert champion.metrics["everyone_roc_auc"] == pytest.approx(auc["value"])
    assert champion.tags["training_cut"] == "2017-12-01"
    assert champion.tags["table_version"] == "1"


def test_the_winner_is_measured_for_each_large_group_of_who_allows_it_and_its_doubts_about_labels_are_told(
    trained: tuple[Lake, Settings],
) -> None:
    lake, settings = trained
    health = {(row["population"], row["metric"]): row for row in lake.ledger.read(MODEL_HEALTH) if row["model_version"]}

    groups = {population for population, _ in health if "=" in population}

    assert groups == {"gender=f", "gender=m"}
    assert health["gender", "recall_difference"]["value"] is not None
    people = [health[group, "people"]["value"] for group in groups]
    assert min(people) >= settings.models.churn.smallest_group
    assert sum(people) <= len(TRAININGS[0].test) - 15
    assert (
        health["gender=f", "recall"]["low"] <= health["gender=f", "recall"]["value"] <= health["gender=f", "recall"]["high"]
    )
    assert 0 < health["everyone", "suspect_label_share"]["value"] == TRAININGS[0].suspects / len(TRAININGS[0].test) < 0.3
    champion = Tracker(settings, lake.locations.root).champion("churn")
    assert champion is not None
    assert not any("gender" in metric for metric in champion.metrics)


def test_a_second_run_is_not_due_and_starts_no_spark(trained: tuple[Lake, Settings]) -> None:
    lake, settings = trained

    def refuse() -> SparkSession:
        raise AssertionError("a run that is not due has no use for Spark")

    result = train_model.run(context(Lake(lake.locations, refuse), settings))

    assert result.skipped
    assert result.message.startswith("not due: version 1 learnt from 2017-12-01")


def test_the_same_training_again_gives_the_same_version_and_the_same_metrics(trained: tuple[Lake, Settings]) -> None:
    lake, settings = trained
    before = sorted(map(str, lake.ledger.read(MODEL_HEALTH)))

    result = train_model.run(context(lake, settings, force=True))

    assert result.figures["model_version"] == "1"
    after = [
        str(row)
        for row in lake.ledger.read(MODEL_HEALTH)
        if row["candidate"] != "reigning" and "reigning" not in row["metric"]
    ]
    assert sorted(after) == before


def test_a_feature_that_knows_the_answer_keeps_a_model_from_becoming_champion(
    trained: tuple[Lake, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, settings = trained
    before = Tracker(settings, lake.locations.root).champion("churn")
    leaky = replace(TRAININGS[0], test=TRAININGS[0].test.assign(most_lines=lambda rows: rows["label"]))
    monkeypatch.setattr(train_model, "train", lambda *_: leaky)

    result = train_model.run(context(lake, settings, force=True))

    after = Tracker(settings, lake.locations.root).champion("churn")
    assert (result.figures["promoted"], result.figures["echoes"]) == (False, ["most_lines"])
    assert "held back: a single feature tells who leaves" in result.message
    assert "most_lines (1.000)" in result.message
    assert before is not None
    assert after is not None
    assert after.version == before.version


def test_everyone_gets_a_probability_a_place_and_reasons_in_words(trained: tuple[Lake, Settings]) -> None:
    lake, settings = trained

    score_customers.run(context(lake, settings))

    rows = sorted(lake.ledger.read(PREDICTION), key=lambda row: row["probability"])
    assert len(rows) > 200
    assert all(0 < row["probability"] < 1 for row in rows)
    assert rows[-1]["percentile"] == 1.0
    assert rows[-1]["probability"] > 0.5 > rows[0]["probability"]
    strongest = [abs(reason["effect"]) for reason in rows[-1]["reasons"]]
    assert strongest == sorted(strongest, reverse=True)
    assert len(strongest) == 4
    assert any("last bought" in reason["words"] for row in rows for reason in row["reasons"])


def test_thin_data_is_a_reason_to_skip_and_nothing_is_registered(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    from shop_history import fill

    fill(lake, people=5, days=333)
    build_features.run(context_of(as_of=CUT))

    result = train_model.run(context_of(as_of=CUT, model="churn"))

    assert result.skipped
    assert "100 of each are needed" in result.message
    assert Tracker(Settings(root=lake.locations.root), lake.locations.root).champion("churn") is None


def test_a_test_fold_of_one_class_is_thin_data(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    from shop_history import line

    # Two buy each fortnight until late September, two until spring: at the test as-of, 1 November, no one comes back.
    days = [date(2017, 1, 1) + timedelta(days=14 * step) for step in range(20)]
    bought = {"c0": days, "c1": days, "c2": days[:8], "c3": days[:8]}
    lake.ledger.append(ORDER_LINE, [line(name, day, f"{name}-{day}") for name, on in bought.items() for day in on])
    lake.ledger.append(
        PERSON_LINK, [{"namespace": "customer_id", "value": name, "person_id": f"p_{name}"} for name in bought]
    )
    grant(lake, [f"p_{name}" for name in bought])
    churn = ChurnSettings(minimum_of_each=1, partitions=1, candidates=QUICK)
    settings = Settings(root=lake.locations.root, models=ModelSettings(churn=churn))
    build_features.run(context_of(settings, as_of=CUT))

    result = train_model.run(context_of(settings, as_of=CUT, model="churn"))

    assert result.skipped
    assert result.message.startswith("thin data: of 4 people at 2017-11-01 none stayed")
    assert Tracker(settings, lake.locations.root).champion("churn") is None


def test_without_features_there_is_nothing_to_train_on(context_of: Callable[..., JobContext]) -> None:
    result = train_model.run(context_of(as_of=CUT, model="churn"))

    assert (result.skipped, result.message) == (True, "gold.customer_feature is empty: run build_features first")
