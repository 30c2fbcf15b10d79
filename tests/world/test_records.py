import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.world.people import people
from personalake.world.records import ASKED, JUNK, matching_pairs, record_truth, records
from personalake.world.settings import RecordSettings, WorldSettings

SETTINGS = WorldSettings(people=1_000)
Rows = list[tuple[object, ...]]
SPOTLESS = RecordSettings(
    typo_rate=0, nickname_rate=0, initial_rate=0, swap_rate=0, date_rate=0, missing_rate=0, junk_rate=0, anonymous_rate=0
)


@pytest.fixture(scope="module")
def told(spark: SparkSession) -> DataFrame:
    return records(spark, SETTINGS).localCheckpoint()


@pytest.fixture(scope="module")
def truth(spark: SparkSession) -> DataFrame:
    return record_truth(spark, SETTINGS).localCheckpoint()


@pytest.fixture(scope="module")
def lines(told: DataFrame) -> Rows:
    return _sorted(told)


def test_records_are_the_same_in_any_partitioning(spark: SparkSession, lines: Rows) -> None:
    spark.conf.set("spark.sql.leafNodeDefaultParallelism", "7")
    try:
        again = _sorted(records(spark, SETTINGS))
    finally:
        spark.conf.unset("spark.sql.leafNodeDefaultParallelism")

    assert len(lines) > 2_000
    assert lines == again


def test_another_seed_is_another_world(spark: SparkSession, lines: Rows) -> None:
    other = SETTINGS.model_copy(update={"seed": 1, "people": 300})

    assert not set(lines) & set(_sorted(records(spark, other)))


def test_a_larger_world_contains_the_smaller_one(spark: SparkSession, lines: Rows) -> None:
    smaller = SETTINGS.model_copy(update={"people": 300})

    assert set(_sorted(records(spark, smaller))) < set(lines)


def test_each_record_has_one_truth_and_each_person_one_to_six_records(told: DataFrame, truth: DataFrame) -> None:
    assert told.join(truth, "record_id").count() == told.count() == truth.count()
    counts = {row["count"] for row in truth.groupBy("person").count().collect()}
    assert counts == {1, 2, 3, 4, 5, 6}
    assert truth.select("person").distinct().count() == SETTINGS.people


def test_pairs_are_those_of_each_person(truth: DataFrame) -> None:
    expected = sum(row["count"] * (row["count"] - 1) // 2 for row in truth.groupBy("person").count().collect())

    assert matching_pairs(truth).count() == expected


@pytest.fixture(scope="module")
def spotless(spark: SparkSession) -> DataFrame:
    """Records without a slip, beside everything that is true of their person; everybody moves, many marry."""
    changed = {"records": SPOTLESS, "hub_rate": 0.0, "marriage_rate": 0.4, "move_rate": 1.0}
    settings = SETTINGS.model_copy(update=changed)
    renamed = {"first_name": "given", "last_name": "born_as", "birth_date": "born"}
    everyone = people(spark, settings).withColumnsRenamed(renamed).drop("household")
    whose = record_truth(spark, settings).join(everyone, "person")
    day = F.datediff("recorded_at", F.lit(settings.first_day))
    return records(spark, settings).join(whose, "record_id").withColumn("day", day).localCheckpoint()


def test_without_slips_every_field_tells_the_truth(spotless: DataFrame) -> None:
    typed = spotless.where("source <> 'pos'")

    assert typed.count() > 1_500
    assert typed.where("first_name IS NULL OR first_name <> given").isEmpty()
    assert typed.where("birth_date <> cast(born AS string)").isEmpty()
    assert typed.where("last_name NOT IN (born_as, coalesce(married_name, born_as))").isEmpty()
    assert typed.where("postcode NOT IN (address.postcode, new_address.postcode)").isEmpty()


def test_names_and_addresses_are_those_of_the_day(spotless: DataFrame) -> None:
    crm = spotless.where("source = 'crm'")

    before = crm.where("married_day > day AND married_name <> born_as")
    after = crm.where("married_day <= day AND married_name <> born_as")
    assert before.count() > 5
    assert before.where("last_name <> born_as").isEmpty()
    assert after.count() > 5
    assert after.where("last_name <> married_name").isEmpty()
    assert crm.where("street <> if(moved_day <= day, new_address, address).street").isEmpty()


def test_each_source_holds_what_it_asks_for(told: DataFrame) -> None:
    counts = told.groupBy("source").agg(*(F.count(name).alias(name) for name in ASKED)).collect()

    for row in counts:
        held = {name for name in ASKED if row[name]}
        assert held == {name for name in ASKED if row["source"] in ASKED[name]}, row["source"]


def test_slips_are_as_frequent_as_the_settings_say(spark: SparkSession) -> None:
    settings = SETTINGS.model_copy(update={"records": RecordSettings(missing_rate=0.2, junk_rate=0.05)})
    crm = records(spark, settings).where("source = 'crm'")

    shares = crm.agg(
        F.avg(F.col("birth_date").isNull().cast("int")).alias("missing"),
        F.avg((F.col("email") == JUNK["email"]).cast("int")).alias("junk"),
    ).first()

    assert shares is not None
    assert abs(shares["missing"] - 0.2) < 0.05
    assert abs(shares["junk"] - 0.05 * 0.8) < 0.03


def _sorted(rows: DataFrame) -> list[tuple[object, ...]]:
    return sorted((tuple(row) for row in rows.collect()), key=str)
