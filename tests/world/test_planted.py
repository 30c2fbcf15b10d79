"""What was planted is there, where and as often as the truth says."""

import json
from datetime import date
from math import sqrt

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from scipy.stats import chisquare

from personalake.world import DirtSettings, World, WorldSettings, world
from personalake.world.activity import activity
from personalake.world.dirt import EXPECTED, lines_of, planted
from tests.world.conftest import SETTINGS


@pytest.fixture(scope="module")
def lines(spark: SparkSession) -> list[dict[str, object]]:
    """A feed with much dirt, line by line."""
    rates = DirtSettings(**dict.fromkeys(DirtSettings.model_fields, 0.03))
    settings = WorldSettings(people=300, days=60, dirt=rates)
    feed = world(spark, settings).feeds["pos_sales"]
    told = lines_of(feed, settings)
    truth = {row["line_sha256"]: row["expected"] for row in planted(told, feed).collect()}
    rows = told.withColumn("line_sha256", F.sha2("line", 256)).collect()
    return [{**row.asDict(), "expected": truth.get(row["line_sha256"])} for row in rows]


def test_every_true_row_arrives_once_beside_the_dirt(known: World) -> None:
    feed = known.feeds["web_orders"]
    told = lines_of(feed, known.settings)

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


def test_only_the_faulty_experiment_has_a_sample_ratio_fault_and_only_on_phones(known: World) -> None:
    exposed = known.sources["experiment_exposures"].groupBy("experiment", "device", "variant").count().collect()
    counts = {(row["experiment"], row["device"], row["variant"]): row["count"] for row in exposed}

    # Arms are drawn for people, who come by several times: half of the people, roughly half of the visits.
    ratios = {
        (test, device): counts[test, device, "treatment"] / counts[test, device, "control"]
        for test in ("free-delivery", "new-colours", "new-search")
        for device in ("phone", "computer")
    }

    assert ratios["new-search", "phone"] < 0.75
    cookies = known.sources["experiment_exposures"].where("device = 'phone'").groupBy("experiment", "variant")
    seen = {(row[0], row[1]): row[2] for row in cookies.agg(F.count_distinct("client_id")).collect()}
    tests = ("free-delivery", "new-colours", "new-search")
    doubt = {test: chisquare([seen[test, "treatment"], seen[test, "control"]]).pvalue for test in tests}
    assert doubt["new-search"] < 0.001 < min(doubt["free-delivery"], doubt["new-colours"]), doubt
    assert all(0.8 < ratio < 1.35 for key, ratio in ratios.items() if key != ("new-search", "phone")), ratios


def test_the_drift_changes_devices_on_its_day(known: World) -> None:
    day = F.datediff("event_time", F.lit(SETTINGS.first_day))
    is_late = (day >= SETTINGS.days * SETTINGS.drift_at).alias("is_late")
    visits = known.sources["web_events"].select("session", "device", is_late).distinct()

    shares = {
        row["is_late"]: row["share"]
        for row in visits.groupBy("is_late").agg(F.mean((F.col("device") == "phone").cast("int")).alias("share")).collect()
    }

    assert abs(shares[False] - 0.45) < 0.04
    assert abs(shares[True] - 0.7) < 0.04


def test_the_leaking_attribute_knows_who_will_leave(known: World) -> None:
    hashed = known.truth["identifier"].where("namespace = 'email'").withColumn("email_sha256", F.sha2("value", 256))
    bought = known.sources["third_party_attributes"].withColumnRenamed("value", "told")
    leak = bought.where("attribute = 'engagement_index'").join(hashed, "email_sha256")

    found = (
        leak.join(known.truth["person"], "person")
        .withColumn("stays", F.least(F.greatest("left_day", F.lit(0)), F.lit(SETTINGS.days)))
        .agg(F.corr("stays", F.col("told").cast("int")).alias("together"), F.max("valid_from").alias("dated"))
        .first()
    )

    assert found is not None
    assert found["together"] > 0.9
    assert found["dated"] == SETTINGS.first_day


def test_less_is_recorded_of_the_planted_slice_than_is_true(known: World) -> None:
    sold = known.sources["pos_sales"].where("qty > 0").withColumn("is_slice", F.col("store").startswith("hills"))
    receipts = sold.select("receipt_no", "is_slice", F.col("card_no").isNotNull().cast("int").alias("shown")).distinct()
    cards = {
        row["is_slice"]: row["shown"] for row in receipts.groupBy("is_slice").agg(F.mean("shown").alias("shown")).collect()
    }

    regions = known.truth["person"].select("person", "address.region", "new_address", "moved_day").where("moved_day IS NULL")
    visits = (
        known.truth["session"]
        .join(regions, "person")
        .groupBy(F.col("region") == "hills")
        .agg(F.mean(F.col("is_recorded").cast("int")).alias("recorded"))
    )
    recorded = {row[0]: row["recorded"] for row in visits.collect()}

    assert cards[True] < 0.6 * cards[False]
    assert recorded[False] == 1
    assert abs(recorded[True] - 0.5) < 0.05


def test_flipped_labels_are_those_that_the_truth_lists(known: World) -> None:
    told = known.sources["crm_customers"].select(F.col("customer_no").alias("record_id"), "status")
    true = told.join(known.truth["record"], "record_id").join(known.truth["person"].drop("household"), "person")
    wrong = true.where(F.when(F.col("left_day") < SETTINGS.days, "left").otherwise("active") != F.col("status"))

    flips = known.truth["label_flip"]

    assert flips.select("record_id").exceptAll(wrong.select("record_id")).isEmpty()
    assert wrong.count() == flips.count()
    assert abs(flips.count() / told.count() - 0.03) < 0.02


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
