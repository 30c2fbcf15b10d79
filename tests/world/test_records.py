from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.world.people import people
from personalake.world.records import ASKED, JUNK, matching_pairs, record_truth, records
from personalake.world.settings import RecordSettings, WorldSettings

SETTINGS = WorldSettings(people=1_000)
SPOTLESS = RecordSettings(
    typo_rate=0, nickname_rate=0, initial_rate=0, swap_rate=0, date_rate=0, missing_rate=0, junk_rate=0, anonymous_rate=0
)


def test_records_are_the_same_in_any_partitioning(spark: SparkSession) -> None:
    once = _sorted(records(spark, SETTINGS))

    spark.conf.set("spark.sql.leafNodeDefaultParallelism", "7")
    try:
        again = _sorted(records(spark, SETTINGS))
    finally:
        spark.conf.unset("spark.sql.leafNodeDefaultParallelism")

    assert len(once) > 2_000
    assert once == again


def test_another_seed_is_another_world(spark: SparkSession) -> None:
    other = SETTINGS.model_copy(update={"seed": 1})

    assert not set(_sorted(records(spark, SETTINGS))) & set(_sorted(records(spark, other)))


def test_a_larger_world_contains_the_smaller_one(spark: SparkSession) -> None:
    smaller = SETTINGS.model_copy(update={"people": 300})

    assert set(_sorted(records(spark, smaller))) < set(_sorted(records(spark, SETTINGS)))


def test_each_record_has_one_truth_and_each_person_one_to_six_records(spark: SparkSession) -> None:
    found, truth = records(spark, SETTINGS), record_truth(spark, SETTINGS)

    assert found.join(truth, "record_id").count() == found.count() == truth.count()
    counts = {row["count"] for row in truth.groupBy("person").count().collect()}
    assert counts == {1, 2, 3, 4, 5, 6}
    assert truth.select("person").distinct().count() == SETTINGS.people


def test_pairs_are_those_of_each_person(spark: SparkSession) -> None:
    truth = record_truth(spark, SETTINGS).cache()

    expected = sum(row["count"] * (row["count"] - 1) // 2 for row in truth.groupBy("person").count().collect())

    assert matching_pairs(truth).count() == expected


def test_without_slips_every_field_tells_the_truth(spark: SparkSession) -> None:
    settings = SETTINGS.model_copy(update={"records": SPOTLESS, "hub_rate": 0.0})
    renamed = {"first_name": "given", "last_name": "born_as", "birth_date": "born"}
    everyone = people(spark, settings).withColumnsRenamed(renamed)

    told = (
        records(spark, settings).join(record_truth(spark, settings).drop("household"), "record_id").join(everyone, "person")
    )
    typed = told.where("source <> 'pos'")

    assert typed.where("first_name IS NULL OR first_name <> given").count() == 0
    assert typed.where("birth_date <> cast(born AS string)").count() == 0
    assert typed.where("last_name NOT IN (born_as, coalesce(married_name, born_as))").count() == 0
    assert typed.where("postcode NOT IN (address.postcode, coalesce(new_address.postcode, address.postcode))").count() == 0


def test_names_and_addresses_are_those_of_the_day(spark: SparkSession) -> None:
    settings = SETTINGS.model_copy(update={"records": SPOTLESS, "marriage_rate": 0.4, "move_rate": 1.0})
    everyone = people(spark, settings).withColumnRenamed("last_name", "born_as")

    told = (
        records(spark, settings).join(record_truth(spark, settings).drop("household"), "record_id").join(everyone, "person")
    )
    dated = told.where("source = 'crm'").withColumn("day", F.datediff("recorded_at", F.lit(settings.first_day)))

    before = dated.where("married_day > day AND married_name <> born_as")
    after = dated.where("married_day <= day AND married_name <> born_as")
    assert before.count() > 5
    assert before.where("last_name <> born_as").count() == 0
    assert after.count() > 5
    assert after.where("last_name <> married_name").count() == 0
    assert dated.where("street <> if(moved_day <= day, new_address, address).street").count() == 0


def test_each_source_holds_what_it_asks_for(spark: SparkSession) -> None:
    counts = records(spark, SETTINGS).groupBy("source").agg(*(F.count(name).alias(name) for name in ASKED)).collect()

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
