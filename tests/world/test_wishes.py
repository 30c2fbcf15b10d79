"""Wishes and browsers' signals are in the feeds as the truth tells them; prices and stock each week, weather each hour."""

from pyspark.sql import functions as F

from personalake.world import World
from tests.world.conftest import SETTINGS


def test_the_last_word_on_each_wish_is_the_one_that_is_held(known: World) -> None:
    told = known.sources["web_preferences"]
    owners = known.truth["identifier"].where("namespace = 'login'").select(F.col("value").alias("user_id"), "person")

    last = F.max_by(F.struct("value"), "changed_at")["value"].alias("value")
    final = told.join(owners, "user_id").groupBy("person", "preference").agg(last).where("value IS NOT NULL")

    held = known.truth["wish"].select("person", "preference", "value")
    assert {tuple(row) for row in final.select(*held.columns).collect()} == {tuple(row) for row in held.collect()}
    shares = told.agg(F.count("*").alias("rows"), F.count_if(F.col("value").isNull()).alias("taken_back")).first()
    assert shares is not None
    # Two of three people have an account, and a wish of each kind at a rate of 0.3.
    assert 450 < shares["rows"] < 850
    assert shares["taken_back"] > 5


def test_a_browser_that_asks_for_privacy_asks_at_each_of_its_visits(known: World) -> None:
    signals = known.sources["gpc_signals"]
    asking = known.truth["privacy_signal"]
    visits = known.truth["session"].where("is_recorded AND place = 'web'").count()
    devices = known.truth["identifier"].where("namespace = 'cookie'").select(F.col("value").alias("cookie"), "person")

    sent = {row["client_id"]: row["count"] for row in signals.groupBy("client_id").count().collect()}

    assert {row["cookie"] for row in asking.collect()} == set(sent)
    assert asking.join(devices, ["cookie", "person"], "left_anti").isEmpty()
    assert 0.03 < sum(sent.values()) / visits < 0.15


def test_every_product_has_a_price_and_a_stock_each_week_and_every_region_weather_each_hour(known: World) -> None:
    offers = known.sources["product_offers"].groupBy("sku").agg(F.count("*").alias("weeks"), F.min("price"), F.max("price"))
    weather = known.sources["weather"]

    assert {(row["weeks"], row["min(price)"] == row["max(price)"]) for row in offers.collect()} == {(9, True)}
    assert known.sources["product_offers"].where("stock = 0").count() > 480
    counts = {row["region"]: row["count"] for row in weather.groupBy("region").count().collect()}
    assert set(counts.values()) == {SETTINGS.days * 24}
    assert len(counts) == 6
    frost = weather.where("sky = 'snow'").agg(F.mean("celsius").alias("mean")).first()
    assert frost is not None
    assert frost["mean"] < 0
