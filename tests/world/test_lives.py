"""What people do follows the parameters that the truth tells."""

from math import sqrt

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.world import World, WorldSettings, world
from personalake.world.life import kept

DAYS = 60


def test_everything_is_the_same_in_any_partitioning(spark: SparkSession) -> None:
    settings = WorldSettings(people=200, days=30)
    chosen = ("pos_sales", "web_events")

    drawn = world(spark, settings, hold=kept)
    once = {name: _fingerprint(drawn.sources[name]) for name in chosen}
    spark.conf.set("spark.sql.leafNodeDefaultParallelism", "5")
    try:
        drawn_again = world(spark, settings, hold=kept)
        again = {name: _fingerprint(drawn_again.sources[name]) for name in chosen}
    finally:
        spark.conf.unset("spark.sql.leafNodeDefaultParallelism")

    assert once == again
    assert min(rows for rows, _ in once.values()) > 20


def test_the_orders_of_few_people_are_among_those_of_many(spark: SparkSession) -> None:
    few, many = (world(spark, WorldSettings(people=count, days=30), hold=kept).sources["pos_sales"] for count in (100, 300))

    assert few.count() > 200
    assert few.exceptAll(many).isEmpty()


def test_people_order_as_often_as_their_parameters_say(known: World) -> None:
    ordered = known.truth["order"].where("NOT is_return").groupBy("person").count()
    compared = known.truth["expected_orders"].join(ordered, "person", "left").fillna(0, ["count"])

    sums = compared.agg(
        F.sum("count").alias("found"),
        F.sum("expected_orders").alias("expected"),
        F.corr("count", "expected_orders").alias("together"),
    ).first()

    assert sums is not None
    assert sums["expected"] > 3_000
    assert abs(sums["found"] - sums["expected"]) < 4 * sqrt(sums["expected"])
    assert sums["together"] > 0.8


def test_the_purchase_rate_is_recovered_from_those_whom_no_campaign_reached(known: World) -> None:
    untouched = known.truth["person"].where(
        " AND ".join(f"coalesce({name}_arm, 'control') = 'control'" for name in _campaigns(known))
        + " AND free_delivery_arm = 'control'"
    )
    ordered = known.truth["order"].where("NOT is_return").groupBy("person").count()
    lived = untouched.join(known.truth["expected_orders"], "person").join(ordered, "person", "left").fillna(0, ["count"])

    sums = lived.agg(
        F.sum("count").alias("orders"),
        F.sum(F.col("purchase_rate") * F.col("days_present")).alias("expected"),
        F.count("*").alias("people"),
    ).first()

    assert sums is not None
    assert sums["people"] > 120
    # Beside chance, the season of two winter months is off by a few hundredths.
    assert abs(sums["orders"] / sums["expected"] - 1) < 4 / sqrt(sums["expected"]) + 0.1


def test_people_leave_as_their_hazard_says_and_do_nothing_afterwards(known: World) -> None:
    people = known.truth["person"].where("joined_day < 0 AND left_day > 0")
    expected = (1 - F.exp(-F.col("churn_hazard") * DAYS)).alias("chance")

    sums = people.agg(F.count_if(F.col("left_day") <= DAYS).alias("left"), F.sum(expected).alias("expected")).first()
    late = known.truth["session"].join(known.truth["person"], "person").where("day >= left_day OR day < joined_day")

    assert sums is not None
    assert abs(sums["left"] - sums["expected"]) < 4 * sqrt(sums["expected"])
    assert late.isEmpty()


def test_orders_are_worth_what_the_truth_expects(known: World) -> None:
    # Web baskets grow with the drift, campaigns and returns change amounts: tills before it tell the usual value.
    lines = known.sources["pos_sales"].where("qty > 0 AND sold_at < '2025-02-05'")
    receipts = lines.groupBy(F.col("receipt_no").alias("order_id")).agg(
        F.sum(F.col("line_total") + F.col("rebate")).alias("paid")
    )
    compared = receipts.join(known.truth["order"], "order_id").join(known.truth["person"], "person")

    means = compared.agg(
        F.mean(F.col("paid").cast("double")).alias("found"), F.mean(F.col("mean_order_value") / 0.98).alias("expected")
    ).first()

    assert means is not None
    assert abs(means["found"] / means["expected"] - 1) < 0.1


def test_most_lines_are_of_the_categories_that_a_person_likes(known: World) -> None:
    catalog = known.sources["products"].select("sku", "category")
    lines = known.sources["web_orders"].withColumnRenamed("orderId", "order_id").join(catalog, "sku")
    compared = lines.join(known.truth["order"], "order_id").join(known.truth["person"], "person")

    shares = compared.agg(
        F.mean(F.element_at("tastes", F.col("category"))).alias("taste"), F.sum(F.lit(1)).alias("lines")
    ).first()
    expected = known.truth["person"].select(F.explode("tastes").alias("name", "share")).agg(F.sum("share")).first()

    assert shares is not None
    assert expected is not None
    assert abs(expected[0] - 1_000) < 1e-6
    # The mean taste of what was bought is the sum of squared tastes: 0.52^2 + 0.27^2 + 10 * 0.02^2.
    assert abs(shares["taste"] - 0.35) < 0.02


def test_moods_show_in_words_and_ratings_and_worsen_before_people_leave(known: World) -> None:
    told = known.sources["support_tickets"].withColumnRenamed("ticket", "ticket_id").join(known.truth["ticket"], "ticket_id")
    ratings = {row["mood"]: row["rating"] for row in told.groupBy("mood").agg(F.mean("rating").alias("rating")).collect()}
    joined = told.join(known.truth["person"], "person").withColumn(
        "is_leaving", F.col("left_day") - F.datediff("created", F.lit("2025-01-01")) <= 30
    )

    angry = {
        row["is_leaving"]: row["share"]
        for row in joined.groupBy("is_leaving").agg(F.mean((F.col("mood") == "angry").cast("int")).alias("share")).collect()
    }

    assert ratings["angry"] < ratings["neutral"] < ratings["happy"]
    assert told.where("mood = 'angry' AND comment LIKE '%tell my friends%'").isEmpty()
    assert angry[True] > angry[False] + 0.2


def test_carts_are_abandoned_and_purchases_end_in_orders(known: World) -> None:
    events = known.sources["web_events"].withColumnRenamed("session", "session_id")
    visits = (
        events.join(known.truth["session"], "session_id")
        .groupBy("session_id", "intent")
        .agg(F.collect_set("event_name").alias("events"), F.max("transaction_id").alias("order_id"))
    )

    abandoned = visits.where("intent = 'abandon'")
    paid = visits.where("intent = 'purchase'")

    assert abandoned.count() > 300
    assert abandoned.where("NOT array_contains(events, 'add_to_cart') OR array_contains(events, 'purchase')").isEmpty()
    assert paid.count() > 300
    assert paid.where("NOT array_contains(events, 'purchase')").isEmpty()
    assert paid.join(known.truth["order"].where("channel = 'web'"), "order_id", "left_anti").isEmpty()


def test_returns_bring_back_what_was_bought(known: World) -> None:
    lines = known.sources["pos_sales"]
    back, bought = lines.where("qty < 0").count(), lines.where("qty > 0").count() + known.sources["web_orders"].count()

    assert lines.where("qty < 0 AND (line_total > 0 OR NOT receipt_no LIKE 'B%')").isEmpty()
    assert 0.02 < back / bought < 0.05


def test_rain_moves_orders_to_the_web(known: World) -> None:
    weather = known.sources["weather"].select("region", F.to_date("hour").alias("day_date"), "sky").distinct()
    people = known.truth["person"].select("person", "address.region")
    orders = known.sources["web_orders"].select(
        F.col("orderId").alias("order_id"), F.to_date("orderedAt").alias("day_date"), F.lit(1).alias("online")
    )
    sold = (
        known.sources["pos_sales"]
        .where("qty > 0")
        .select(F.col("receipt_no").alias("order_id"), F.to_date("sold_at").alias("day_date"), F.lit(0).alias("online"))
    )

    placed = orders.unionByName(sold).distinct().join(known.truth["order"].select("order_id", "person"), "order_id")
    skies = (
        placed.join(people, "person")
        .join(weather, ["region", "day_date"])
        .groupBy("sky")
        .agg(F.mean("online").alias("share"))
    )
    shares = {row["sky"]: row["share"] for row in skies.collect()}

    assert shares["rain"] > shares["sun"] + 0.04


def _campaigns(known: World) -> list[str]:
    return [row["campaign"].replace("-", "_") for row in known.truth["campaign"].select("campaign").collect()]


def _fingerprint(rows: DataFrame) -> tuple[int, int]:
    found = rows.agg(F.count("*"), F.bit_xor(F.xxhash64(*rows.columns))).first()
    assert found is not None
    return found[0], found[1]
