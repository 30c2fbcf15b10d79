from math import log

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.world.chance import Chance, serial
from personalake.world.contacts import Contacts
from personalake.world.people import people
from personalake.world.settings import WorldSettings
from tests.plans import compiled

SETTINGS = WorldSettings(people=2_000)


@pytest.fixture(scope="module")
def bearers(spark: SparkSession) -> dict[int, dict[str | None, int]]:
    """Of a smaller and a larger world: how many people bear each surname."""
    with compiled(spark):
        return {count: _bearers(people(spark, WorldSettings(people=count))) for count in (4_000, 64_000)}


def test_surnames_grow_like_the_people_to_the_power_of_six_tenths(bearers: dict[int, dict[str | None, int]]) -> None:
    few, many = (len({*counts} - {None}) for counts in bearers.values())

    assert 0.5 < log(many / few) / log(16) < 0.7


def test_pairs_of_equal_surnames_grow_far_slower_than_the_square(bearers: dict[int, dict[str | None, int]]) -> None:
    few, many = (sum(count * (count - 1) // 2 for count in counts.values()) for counts in bearers.values())

    assert log(many / few) / log(16) < 1.6


def test_a_common_surname_is_common_and_most_are_rare(spark: SparkSession) -> None:
    with compiled(spark):
        counts = [*_bearers(people(spark, WorldSettings(people=20_000))).values()]

    assert max(counts) > 20 * sorted(counts)[len(counts) // 2]


def test_a_marriage_changes_the_surname_of_one_partner(spark: SparkSession) -> None:
    married = people(spark, SETTINGS).where("married_day IS NOT NULL")

    weddings = married.groupBy("household").agg(
        F.count_distinct("married_day").alias("days"),
        F.count_if(F.col("married_name") != F.col("last_name")).alias("renamed"),
        F.count("*").alias("partners"),
    )

    assert weddings.where("days <> 1 OR renamed > 1 OR partners <> 2").count() == 0
    assert weddings.where("renamed = 1").count() > 10
    changed = married.where("married_name <> last_name").alias("one").join(people(spark, SETTINGS).alias("two"), "household")
    assert changed.where("two.member = 0 AND one.married_name <> two.last_name").count() == 0


def test_members_of_a_household_share_address_and_move_together(spark: SparkSession) -> None:
    homes = (
        people(spark, SETTINGS)
        .groupBy("household")
        .agg(
            F.count("*").alias("people"),
            F.first("size").alias("size"),
            F.count_distinct("address").alias("addresses"),
            F.count_distinct(F.coalesce("moved_day", F.lit(99_999))).alias("moves"),
        )
    )

    assert homes.where("addresses <> 1 OR moves <> 1 OR people <> size").count() == 0
    assert homes.where("people > 1").count() > 300


def test_shared_devices_belong_to_one_household_each(spark: SparkSession) -> None:
    contacts = Contacts(SETTINGS)
    used = people(spark, SETTINGS).withColumns(
        {"device": contacts.device(F.lit(1)), "is_shared": contacts.has_shared_device(), "own": contacts.device(F.lit(0))}
    )

    devices = used.groupBy("device").agg(
        F.count("*").alias("people"),
        F.count_distinct("household").alias("households"),
        F.bool_or("is_shared").alias("shared"),
    )

    assert devices.where("households <> 1").count() == 0
    assert devices.where("people > 1 AND NOT shared").count() == 0
    assert devices.where("people > 1").count() > 100
    assert _distinct(used, "own") == SETTINGS.people


def test_without_shared_devices_everybody_has_an_own_one(spark: SparkSession) -> None:
    settings = SETTINGS.model_copy(update={"shared_device_rate": 0.0})

    used = people(spark, settings).withColumn("device", Contacts(settings).device(F.lit(1)))

    assert _distinct(used, "device") == settings.people


def test_phones_and_logins_are_nobody_elses(spark: SparkSession) -> None:
    contacts = Contacts(SETTINGS)
    reached = people(spark, SETTINGS).select(contacts.phone(F.lit(0)).alias("phone"), contacts.login().alias("login"))

    assert _distinct(reached, "phone") == SETTINGS.people
    assert _distinct(reached, "login") == reached.where("login IS NOT NULL").count()


def test_draws_follow_their_distributions(spark: SparkSession) -> None:
    chance = Chance(7, ("id",))
    drawn = spark.range(20_000).select(
        chance.normal("n").alias("normal"),
        chance.exponential("e", 3).alias("exponential"),
        chance.gamma("g", 2, 5).alias("gamma"),
        chance.weighted("w", {"a": 1, "b": 3}).alias("weighted"),
        chance.share("one").alias("one"),
        chance.share("two").alias("two"),
        serial("s", F.col("id")).alias("serial"),
    )

    found = drawn.agg(
        *(F.mean(name).alias(name) for name in ("normal", "exponential", "gamma", "one")),
        F.variance("normal").alias("spread"),
        F.variance("gamma").alias("gamma_spread"),
        F.corr("one", "two").alias("together"),
        F.mean((F.col("weighted") == "b").cast("int")).alias("b"),
        F.count_distinct("serial").alias("serials"),
    ).first()

    assert found is not None
    expected = {"normal": 0, "spread": 1, "exponential": 3, "gamma": 5, "gamma_spread": 12.5, "one": 0.5, "b": 0.75}
    for name, value in expected.items():
        assert abs(found[name] - value) < 0.04 * max(1, value), name
    assert abs(found["together"]) < 0.03
    assert found["serials"] == 20_000


def _bearers(rows: DataFrame) -> dict[str | None, int]:
    return {row["last_name"]: row["count"] for row in rows.groupBy("last_name").count().collect()}


def _distinct(rows: DataFrame, column: str) -> int:
    return rows.select(column).where(f"{column} IS NOT NULL").distinct().count()
