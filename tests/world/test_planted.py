"""What was planted is there, where and as often as the truth says."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from math import sqrt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.config import load_settings
from personalake.config.modelling import ChurnSettings
from personalake.lake import Lake, Locations
from personalake.lake.declared import arrow_schema
from personalake.models.label_noise import suspects
from personalake.models.leakage import echoes
from personalake.pipelines.distribution_measures import distribution_verdicts
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.quality.verdicts import Verdict
from personalake.tables import Table
from personalake.tables.silver import ORDER_LINE
from personalake.tables.touchpoints import EXPERIMENT_EXPOSURE, INTERACTION
from personalake.world import DirtSettings, World, WorldSettings, world
from personalake.world.activity import activity
from personalake.world.dirt import EXPECTED, lines_of, planted
from personalake.world.life import kept
from tests.models.unseen import out_of_fold
from tests.world.conftest import SETTINGS, held


@pytest.fixture(scope="module")
def lines(spark: SparkSession) -> list[dict[str, object]]:
    """A feed with much dirt, line by line."""
    rates = DirtSettings(**dict.fromkeys(DirtSettings.model_fields, 0.03))
    settings = WorldSettings(people=300, days=60, dirt=rates)
    feed = world(spark, settings, hold=kept).feeds["pos_sales"]
    told = held(lines_of(feed, settings))
    truth = {row["line_sha256"]: row["expected"] for row in planted(told, feed).collect()}
    rows = told.withColumn("line_sha256", F.sha2("line", 256)).collect()
    return [{**row.asDict(), "expected": truth.get(row["line_sha256"])} for row in rows]


def test_every_true_row_arrives_once_beside_the_dirt(known: World) -> None:
    feed = known.feeds["web_orders"]
    told = held(lines_of(feed, known.settings))

    true = told.where("kind IS NULL OR kind = 'late'")

    assert true.count() == feed.rows.count()
    assert true.select("event_key").distinct().count() == feed.rows.count()
    assert told.where("kind IS NOT NULL").count() == planted(told, feed).count() > 0


def test_each_kind_of_dirt_is_as_frequent_as_its_rate(lines: list[dict[str, object]]) -> None:
    # Nothing is planted in the last days, so that nothing lands after the end.
    true = sum(line["kind"] in (None, "late") for line in lines)

    counts = {kind: sum(line["kind"] == kind for line in lines) for kind in EXPECTED}

    for kind, count in counts.items():
        assert abs(count - 0.03 * true * 50 / 60) < 5 * sqrt(0.03 * true) + 0.005 * true, kind


def test_dirt_is_what_its_kind_says(lines: list[dict[str, object]]) -> None:
    texts = {kind: [str(line["line"]) for line in lines if line["kind"] == kind] for kind in (None, *EXPECTED)}
    clean = set(texts[None])

    assert not any(_is_json(text) for text in texts["malformed"])
    assert all("sold_at" not in json.loads(text) for text in texts["missing_key"])
    assert all(json.loads(text)["sold_at"] == "yesterday" for text in texts["wrong_type"])
    assert all(json.loads(text)["sold_at"].startswith("2035") for text in texts["wrong_clock"])
    assert set(texts["exact_duplicate"]) < clean
    near = [json.loads(text) for text in texts["near_duplicate"]]
    sent = {(told["receipt_no"], told["line_no"]): told["sent_at"] for told in map(json.loads, clean)}
    assert all(told["retry"] and told["sent_at"] > sent[told["receipt_no"], told["line_no"]] for told in near)
    assert all(json.loads(text)["sent_at"] > json.loads(text)["sold_at"] for text in texts["late"])


def test_late_lines_land_days_after_they_happened_and_others_on_their_day(lines: list[dict[str, object]]) -> None:
    delays: dict[object, set[int]] = {}
    for line in lines:
        if line["kind"] in (None, "late"):
            told = json.loads(str(line["line"]))
            sold, landed = told["sold_at"][:10], str(line["landing_date"])
            delays.setdefault(line["kind"], set()).add((date.fromisoformat(landed) - date.fromisoformat(sold)).days)

    assert delays[None] <= {0, 1}
    assert delays["late"] <= set(range(2, 10))
    assert len(delays["late"]) > 3


def test_campaigns_reach_a_random_half_of_those_who_agreed_and_harm_some(known: World) -> None:
    effects = known.truth["campaign_effect"].join(known.truth["person"], "person")

    found = {
        row["campaign"]: row
        for row in effects.groupBy("campaign")
        .agg(
            F.mean((F.col("arm") == "treated").cast("int")).alias("treated"),
            F.mean("effect").alias("effect"),
            F.mean((F.col("effect") < 0).cast("int")).alias("harmed"),
            F.count("*").alias("people"),
        )
        .collect()
    }

    for row in found.values():
        assert abs(row["treated"] - 0.5) < 2.5 / sqrt(row["people"])
    assert found["spring-coupon"]["effect"] > 0.05
    assert 0.1 < found["spring-coupon"]["harmed"] < 0.5
    assert found["premium-club"]["effect"] < 0
    assert found["thank-you-letter"]["effect"] == 0
    refused = effects.where("email_marketing_status = 'denied' AND email_marketing_again_status IS NULL")
    assert refused.isEmpty()


def test_what_a_campaign_does_shows_between_its_arms_where_it_helps_and_where_it_harms(known: World) -> None:
    days = known.truth["campaign"].select("campaign", "first_day")
    person = known.truth["person"].select("person", "purchase_rate", "left_day")
    told = known.truth["campaign_effect"].join(days, "campaign").join(person, "person")
    side = F.when(F.col("effect") > 0.3, "helped").when(F.col("effect") < -0.2, "harmed")
    window = told.withColumn("side", side).where("side IS NOT NULL AND left_day >= first_day + 14")
    # Orders themselves, of which the feeds tell line by line.
    ordered = activity(known.truth["person"], SETTINGS).where("is_order").select(F.col("person").alias("whose"), "day")
    in_window = (F.col("whose") == F.col("person")) & (F.col("day") - F.col("first_day")).between(0, 13)
    orders = window.join(ordered, in_window, "left").groupBy("campaign", "side", "arm", "person").agg(
        F.count("day").alias("orders"), F.first("purchase_rate").alias("rate"), F.first("effect").alias("effect")
    )  # fmt: skip

    sums = {
        (row["side"], row["arm"]): row
        for row in orders.groupBy("side", "arm")
        .agg(F.sum("orders").alias("orders"), F.sum("rate").alias("rate"), F.mean("effect").alias("effect"))
        .collect()
    }

    for side in ("helped", "harmed"):
        treated, control = sums[side, "treated"], sums[side, "control"]
        lift = (treated["orders"] / treated["rate"]) / (control["orders"] / control["rate"]) - 1
        spread = (1 + lift) * sqrt(1 / treated["orders"] + 1 / control["orders"])
        assert abs(lift - treated["effect"]) < 3.5 * spread, (side, lift, treated["effect"], spread)
        assert lift > 0.2 if side == "helped" else lift < 0, (side, lift)


def test_the_drift_fills_baskets_online_and_not_at_tills(known: World) -> None:
    def lines(rows: DataFrame, order: str, at: str) -> dict[bool, float]:
        is_late = (F.datediff(at, F.lit(SETTINGS.first_day)) >= SETTINGS.days * SETTINGS.drift_at).alias("is_late")
        baskets = rows.groupBy(order, is_late).count().groupBy("is_late").agg(F.mean("count").alias("lines"))
        return {row["is_late"]: row["lines"] for row in baskets.collect()}

    web = lines(known.sources["web_orders"], "orderId", "orderedAt")
    till = lines(known.sources["pos_sales"].where("qty > 0"), "receipt_no", "sold_at")

    assert web[True] / web[False] > 1.2
    assert abs(till[True] / till[False] - 1) < 0.1


@pytest.fixture(scope="module")
def watched(known: World, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Table, int], dict[str, Verdict]]:
    """What the shipped checks of spread say of three feeds as silver holds them, on a day of the world."""
    settings = load_settings("world", overrides={"root": str(tmp_path_factory.mktemp("watched"))}, environ={})
    lake = Lake(Locations(settings.root), lambda: known.sources["pos_sales"].sparkSession)
    sold = known.sources["pos_sales"].where("qty > 0")
    _landed(
        lake,
        ORDER_LINE,
        sold.selectExpr("receipt_no AS order_id", "card_no AS customer_id", "store AS store_id", "sold_at AS known_at"),
    )
    clicks = known.sources["web_events"].selectExpr("device AS device_type", "event_time AS known_at")
    _landed(lake, INTERACTION, clicks)
    shown = known.sources["experiment_exposures"].selectExpr(
        "experiment AS experiment_id", "variant", "client_id AS cookie_id", "device AS device_type", "exposed_at AS known_at"
    )
    _landed(lake, EXPERIMENT_EXPOSURE, shown)

    def look(table: Table, day: int) -> dict[str, Verdict]:
        as_of, checks = SETTINGS.first_day + timedelta(days=day), settings.quality.datasets[table.full_name]
        context = JobContext(settings, lake, as_of, as_of, "look", {}, Progress())
        return {found.check: found for found in distribution_verdicts(context, table, checks.clock, checks)}

    return look


def _landed(lake: Lake, table: Table, rows: DataFrame) -> None:
    told = rows.toArrow()
    whole = arrow_schema(table)
    columns = [
        told[name] if name in told.column_names else pa.nulls(told.num_rows, whole.field(name).type) for name in whole.names
    ]
    lake.ledger.append_arrow(table, pa.table(columns, names=whole.names).cast(whole))


Watched = Callable[[Table, int], dict[str, Verdict]]


def test_the_planted_sample_ratio_fault_is_found_by_the_checks_on_phones_and_in_no_other_experiment(
    watched: Watched,
) -> None:
    found = watched(EXPERIMENT_EXPOSURE, SETTINGS.days)

    assert {check: verdict.verdict for check, verdict in found.items()} == {
        "sample ratio of free-delivery": "pass",
        "sample ratio of new-colours": "pass",
        "sample ratio of new-search": "fail",
    }
    assert found["sample ratio of new-search"].reason.startswith("units of phone: control ")


def test_the_planted_drift_of_devices_is_found_by_the_checks_after_its_day_and_not_before(watched: Watched) -> None:
    drifts = int(SETTINGS.days * SETTINGS.drift_at)

    (before,) = watched(INTERACTION, drifts).values()
    (after,) = watched(INTERACTION, drifts + 8).values()

    assert (before.verdict, before.check) == ("pass", "drift of device_type")
    assert after.verdict in ("warn", "fail"), after
    assert "phone is 7" in after.reason, after
    assert "% of rows, and was 4" in after.reason, after


def test_the_slice_of_which_too_little_is_recorded_is_found_by_the_checks_and_no_other(watched: Watched) -> None:
    (found,) = watched(ORDER_LINE, SETTINGS.days).values()

    named = [part.split("-")[0] for part in found.reason.split("; ")]
    assert (found.verdict, found.check) == ("warn", "evenness of customer_id by store_id"), found
    assert set(named) == {SETTINGS.slice_region}
    assert len(named) >= 2, found


def test_the_planted_attribute_that_knows_who_will_leave_is_found_by_what_training_asks_of_features(known: World) -> None:
    hashed = known.truth["identifier"].where("namespace = 'email'").withColumn("email_sha256", F.sha2("value", 256))
    bought = known.sources["third_party_attributes"].withColumnRenamed("value", "told")
    leak = bought.join(hashed, "email_sha256")

    told = leak.join(known.truth["person"], "person").select("person", "attribute", "told", "left_day", "valid_from")
    found = told.toPandas()
    wide = found.pivot_table(index="person", columns="attribute", values="told", aggfunc="first")
    numbers = wide.apply(lambda values: pd.factorize(values, sort=True)[0]).assign(
        engagement_index=wide["engagement_index"].astype(float),
        label=(found.groupby("person")["left_day"].first() < SETTINGS.days).astype(float),
    )

    assert [*echoes(numbers, [*wide.columns], ChurnSettings().echo_auc)] == ["engagement_index"]
    assert len(wide.columns) == 4
    assert found["valid_from"].max() == SETTINGS.first_day


def test_half_of_the_visits_of_the_planted_slice_are_not_recorded(known: World) -> None:
    regions = known.truth["person"].select("person", "address.region", "new_address", "moved_day").where("moved_day IS NULL")
    visits = (
        known.truth["session"]
        .join(regions, "person")
        .groupBy(F.col("region") == "hills")
        .agg(F.mean(F.col("is_recorded").cast("int")).alias("recorded"))
    )
    recorded = {row[0]: row["recorded"] for row in visits.collect()}

    assert recorded[False] == 1
    assert abs(recorded[True] - 0.5) < 0.05


@pytest.fixture(scope="module")
def states(known: World) -> pd.DataFrame:
    """What the CRM says of each customer, what is true, and how long the person has been silent."""
    person = known.truth["person"].select("person", "left_day")
    days = activity(known.truth["person"], SETTINGS).groupBy("person")
    silence = days.agg(
        F.max("day").alias("last_day"), F.count("*").alias("days"), F.max_by("is_order", "day").alias("bought")
    )
    told = known.sources["crm_customers"].select(F.col("customer_no").alias("record_id"), "status")
    whose = told.join(known.truth["record"].select("record_id", "person"), "record_id")
    rows: pd.DataFrame = whose.join(person, "person").join(silence, "person", "left").toPandas()
    flipped = {row[0] for row in known.truth["label_flip"].select("record_id").collect()}
    return rows.assign(is_flipped=rows["record_id"].isin(flipped), flips=len(flipped))


def test_flipped_labels_are_those_that_the_truth_lists(states: pd.DataFrame) -> None:
    true = np.where(states["left_day"] < SETTINGS.days, "left", "active")

    assert (states["is_flipped"] == (states["status"] != true)).all()
    assert states["is_flipped"].sum() == states["flips"].iloc[0]
    assert abs(states["is_flipped"].mean() - 0.03) < 0.02


def test_flipped_labels_are_found_by_the_check_of_labels_far_more_often_than_by_chance(states: pd.DataFrame) -> None:
    labels = (states["status"] == "left").to_numpy(dtype=float)
    features = states[["last_day", "days", "bought"]].astype(float)
    planted = int(states["is_flipped"].sum())

    first = suspects(labels, out_of_fold(features, labels, 17))[:planted]

    # Of the first doubts, as many as labels were turned over: ten times what chance would find is wanted, 24 times are.
    assert states["is_flipped"].iloc[first].mean() > 10 * planted / len(states)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
