from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from personalake.config import Settings
from personalake.config.recommending import AlsSettings, RecipeSettings, RecommenderSettings
from personalake.lake import Lake, Locations
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.pipelines.recommend_items import run as recommend
from personalake.pipelines.train_recommender import run as train
from personalake.tables.gold import MODEL_HEALTH, RECOMMENDATION
from personalake.tracking import Tracker
from tests.pipelines.weekly_shop import START, fill, order_line, weekly_lines

CUT = date(2017, 12, 1)
SETTINGS = RecommenderSettings(
    recipe=RecipeSettings(neighbour_strength=5), als=AlsSettings(rank=2, iterations=1, min_people=1), bootstrap_rounds=100
)


def context(lake: Lake, recommender: RecommenderSettings = SETTINGS, as_of: date = CUT, **options: object) -> JobContext:
    settings = Settings(root=lake.locations.root, recommender=recommender)
    return JobContext(settings, lake, as_of, as_of, "test-run", options, Progress())


@pytest.fixture(scope="module")
def trained(spark, tmp_path_factory) -> Lake:
    """A lake in which a recommender was trained, and the champion makes lists."""
    lake = Lake(Locations(tmp_path_factory.mktemp("items") / "lakehouse"), lambda: spark)
    fill(lake, weekly_lines())
    result = train(context(lake))
    assert not result.skipped, result.message
    recommend(context(lake))
    return lake


def lists_of(lake: Lake) -> pd.DataFrame:
    rows = pd.DataFrame(lake.ledger.read(RECOMMENDATION))
    return rows.sort_values(["person_id", "slot", "rank"]).reset_index(drop=True)


def no_session():
    raise AssertionError("a session was started")


def test_every_candidate_is_judged_and_the_best_serves(trained):
    rows = pd.DataFrame(trained.ledger.read(MODEL_HEALTH))

    champion = Tracker(Settings(root=trained.locations.root), trained.locations.root).champion("items")
    roles = rows.drop_duplicates("candidate").set_index("candidate")["role"].to_dict()
    main = rows[(rows["metric"] == "ndcg_at_10") & (rows["population"] == "all_items")].set_index("candidate")["value"]
    assert set(roles) == {"als", "blend", "own_frequency", "popularity"}
    assert roles["popularity"] == "yardstick"
    assert [name for name, role in roles.items() if role == "champion"] == [champion.tags["candidate"]]
    assert main[champion.tags["candidate"]] > main["popularity"] + 0.1
    assert champion.metrics["all_items_ndcg_at_10"] == pytest.approx(main[champion.tags["candidate"]])
    assert champion.tags["test_cut"] == "2017-11-01"
    assert "own_frequency" not in rows[rows["population"] == "new_items"]["candidate"].to_list()
    assert not rows.duplicated(["model", "candidate", "as_of", "population", "metric"]).any()


def test_a_second_training_at_the_same_cut_is_not_due_and_starts_no_session(trained):
    asleep = Lake(trained.locations, no_session)

    result = train(context(asleep))

    assert result.skipped
    assert result.message.startswith("not due: version 1 ")


def test_a_run_that_was_killed_before_its_end_is_due_again_and_registers_nothing_twice(trained):
    before = pd.DataFrame(trained.ledger.read(MODEL_HEALTH))

    result = train(context(trained, force=True))

    tracker = Tracker(Settings(root=trained.locations.root), trained.locations.root)
    assert not result.skipped
    assert tracker.champion("items").version == "1"
    after = pd.DataFrame(trained.ledger.read(MODEL_HEALTH))
    key = ["candidate", "population", "metric"]
    pd.testing.assert_frame_equal(
        before.sort_values(key).reset_index(drop=True), after.sort_values(key).reset_index(drop=True)
    )


def test_the_registered_model_ranks_items_for_a_row_without_spark(trained):
    predict = Tracker(Settings(root=trained.locations.root), trained.locations.root).champion("items").load()

    lists = predict(pd.DataFrame({"person_id": ["x"], "product_id": ["i03"], "order_id": ["1"], "days_ago": [2.0]}))

    first = lists.set_index(["slot", "rank"])["product_id"]
    assert first["all_items", 1] == "i03"
    assert "i03" not in first["new_items"].to_list()


def test_lists_are_complete_ordered_and_explained(trained):
    lists = lists_of(trained)

    mine = lists[lists["person_id"] == "p03"].set_index(["slot", "rank"])
    assert set(mine.loc["all_items"]["product_id"][:2]) == {"i03", "i11"}
    assert mine.loc[("all_items", 1), "reason"].startswith("bought 26 times, last ")
    assert (lists.groupby(["person_id", "slot"])["rank"].max() <= 10).all()
    assert lists.groupby(["person_id", "slot"])["score"].is_monotonic_decreasing.all()
    assert not lists.duplicated(["person_id", "slot", "as_of", "rank"]).any()
    assert not lists.duplicated(["person_id", "slot", "as_of", "product_id"]).any()
    assert "i24" not in lists["product_id"].to_list()  # it is not in the catalogue
    bought = {(f"p{int(line[3]):02d}", line[4]) for line in weekly_lines()}
    new = lists[lists["slot"] == "new_items"]
    assert not set(zip(new["person_id"], new["product_id"], strict=True)) & bought


def test_a_person_without_history_gets_what_is_popular(trained):
    lists = lists_of(trained)

    stranger = lists[lists["person_id"] == "p99"]
    assert len(stranger) == 20
    assert set(stranger["model"]) == {"popularity"}
    assert stranger["model_version"].isna().all()
    assert set(stranger["reason"]) == {"popular in the last 8 weeks"}


def test_lists_made_by_spark_in_batches_equal_those_made_on_the_driver(trained):
    on_driver = lists_of(trained)
    by_spark = SETTINGS.model_copy(update={"driver_interactions": 0, "batch_interactions": 1500})

    recommend(context(trained, by_spark))

    pd.testing.assert_frame_equal(lists_of(trained), on_driver)


def test_a_later_training_replaces_the_champion_only_if_it_is_better(trained):
    tracker = Tracker(Settings(root=trained.locations.root), trained.locations.root)
    lines = weekly_lines(31)
    fill(trained, lines)

    train(context(trained, as_of=date(2018, 1, 1)))

    rows = pd.DataFrame(trained.ledger.read(MODEL_HEALTH))
    later = rows[(rows["as_of"] == date(2018, 1, 1)) & (rows["population"] == "all_items")]
    main = later[later["metric"] == "ndcg_at_10"].set_index("candidate")
    champion = tracker.champion("items")
    chosen = tracker.find("items", "training_cut", "2018-01-01")
    is_better = main.loc[chosen.tags["candidate"], "value"] > main.loc["previous_champion", "value"]
    assert champion.version == (chosen.version if is_better else "1")
    assert main.loc["previous_champion", "role"] == ("candidate" if is_better else "champion")
    assert len(rows[rows["as_of"] == CUT]) > 0  # the older cut's figures stay


def test_too_few_people_are_skipped_with_the_reason(lake):
    fill(lake, [order_line("o1", "1", "i01", START), order_line("o2", "1", "i01", START + timedelta(days=150))])

    result = train(context(lake))

    assert result.skipped
    assert result.message == "0 people to test on, 20 needed; popularity serves"
    assert not (Path(lake.locations.root) / "mlflow").exists()


def test_an_empty_lake_is_skipped_without_a_session(lake):
    asleep = Lake(lake.locations, no_session)

    assert train(context(asleep)).skipped
    assert recommend(context(asleep)).skipped
