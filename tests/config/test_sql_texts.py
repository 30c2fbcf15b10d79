"""Texts beside numbers, days, times and truths, as Spark in ANSI mode off reads them: each is set before a session, too."""

from zoneinfo import available_timezones

import pytest
from pyspark.sql import SparkSession

from personalake.config.sql import check_condition
from personalake.config.sql_times import is_time

TYPES = {
    "day": "date",
    "moment": "timestamp",
    "orders": "bigint",
    "visits": "int",
    "stars": "tinyint",
    "spend": "decimal(18,2)",
    "share": "double",
    "slot": "string",
    "points": "decimal(10,0)",
    "is_new": "boolean",
}
ROW = {
    **dict.fromkeys(TYPES, "'5'"), "day": "'2026-01-05'", "moment": "'2026-01-05 00:00:00'", "is_new": "'true'",
}  # fmt: skip
READ = [
    "day BETWEEN '2026-1-1' AND '2026-12-31'", "day BETWEEN '2026-01' AND '2026-6'", "day > '2026'",
    "day = ' 2026-1-5 '", "day = '\t2026-01-05\n'", "day > r'2026-01-05'", "day > '2026' || '-01'",
    "day = '2026-01-05T10:00:00'", "day = '2026-01-05 whatever'", "day = '+2026-01-05'", "day > 'epoch'",
    "day < '2028-2-29'",
    "day IN ('2026-01-05', '2026-01-06')", "day IN (date'2026-1-5')", "CASE day WHEN '2026-1-5' THEN true END",
    "moment > '2026-1'", "moment = '2026-01-05T0:0'", "moment > '2026-01-05 0'", "moment > '2026-01-05T00:00:00.000Z'",
    "moment > '2026-01-05 02:00:00 Europe/Berlin'", "moment > '2026-01-05 00:00:00 +0'",
    "moment > '2026-01-05 00:00:00+00:00'", "moment > '2026-01-05 00:00:00.5 EST5EDT'", "moment > '2026-01-05 00:00:00 IST'",
    "moment > '2026-01-05 00:00:00 UTC+2'", "moment > '2026-01-05 00:00:00 GMT-02:30'",
    "moment > '2026-01-05 00:00:00+18:00'", "moment > '2026-01-05 00:00:00-1759'",
    "moment IN ('2026-01-05 00:00:00')", "orders = ' 5 '", "orders > '+4.5'", "orders IN ('5', '0')",
    "orders < '9223372036854775807'", "orders > '-9223372036854775808'", "visits < '2147483647.9'",
    "stars < '127'", "stars > '-128'", "year(day) > '2025'",
    "spend IN ('5.50')", "round(orders) IN ('10')", "trunc(moment, 'MM') IN ('2026-01-01')", "points IN ('10')",
    "points < '1e3'", "points < '9999999999.4'", "points > '4.5'",
    "spend < '1e3'", "spend < '1e40'", "share < '6d'", "share < '+inf'", "share > '.5'", "share IN ('5.0')",
    "is_new = 'yes'", "is_new = ' T '", "is_new <> '0'", "is_new = 'True'", "CASE is_new WHEN 'y' THEN true END",
    "slot IN ('10:00', '2026-1-5')",
]  # fmt: skip
NOT_READ = [
    "day > '2026-W01-1'", "day > '20260105'", "day > '2026-02-30'", "day > '2026-13'", "day > '2026-01-05Z'",
    "day > '26-1-5'", "day > '\u00a02026-01-05'", "day > r'2026-W01-1'", "day > concat('2026', '-W01')",
    "moment > '2026-01-05 00:00:00,5'", "moment > '2026-01-05 whatever'", "moment > '2026-01-05 24:00'",
    "moment > '2026-01-05T'", "moment > '2026-01-05 00:00+01:00'", "moment > '2026-01-05 00:00Z'",
    "moment > '2026-01-05 00:00:00 europe/berlin'", "moment > '2026-01-05 00:00:00 Europe/Atlantis'",
    "moment > '2026-01-05 00:00:00 CEST'", "moment > '2026-01-05 00:00:00 utc'", "moment > '2026-01-05 00:00:00 ROC'",
    "moment > '2026-01-05 00:00:00+18:01'", "moment > '2026-01-05 00:00:00 UTC+19'",
    "moment > '2026-01-05 00:00:00+020'", "moment > '2026-01-05 00:00:00+01:60'",
    "orders = '1_000'", "orders > '1e3'", "orders > 'inf'", "share < '0x10'", "share > '5L'", "spend > '1 000'",
    "orders < '9223372036854775808'", "orders > '-9223372036854775809'", "visits < '2147483648'", "stars < '128'",
    "stars > '-129'", "points < '9999999999.5'", "points < '6d'", "points < 'inf'", "share > '+nan'",
    "is_new = 'on'", "is_new = 'ja'", "is_new = '1.0'", "is_new <> ''",
]  # fmt: skip
# Years of more than four digits, or before the first; numbers without a digit, or with those of other scripts.
READ_AND_NEVER_MEANT = [
    "day > '202601'", "day > '20260-01-05'", "day > '-2026-01-05'", "moment > '202601'", "moment > '20260-01-05 10:00:00'",
    "moment > '10:00'", "moment > 'T10'", "orders > '.'", "points > '\u0665'",
]  # fmt: skip


def test_the_texts_are_read_by_spark_as_is_said_here(spark: SparkSession) -> None:
    row = spark.sql(f"SELECT {', '.join(f'CAST({ROW[name]} AS {kind}) AS {name}' for name, kind in TYPES.items())}")
    said = [*READ, *READ_AND_NEVER_MEANT, *NOT_READ]

    answers = row.selectExpr(*(f"({condition}) IS NOT NULL" for condition in said)).collect()[0]

    wrong = [condition for condition, is_read in zip(said, answers, strict=True) if is_read == (condition in NOT_READ)]
    assert wrong == []


@pytest.mark.parametrize("condition", READ)
def test_a_text_that_spark_reads_is_compared(condition: str) -> None:
    check_condition(condition, TYPES)


@pytest.mark.parametrize("condition", [*NOT_READ, *READ_AND_NEVER_MEANT])
def test_a_text_that_spark_makes_nothing_of_or_nobody_means_is_refused(condition: str) -> None:
    with pytest.raises(ValueError, match=r"with the text '[^']*'$"):
        check_condition(condition, TYPES)


def test_a_number_of_thousands_of_digits_is_judged_as_any_other() -> None:
    check_condition(f"orders > '{'0' * 5_000}5'", TYPES)
    with pytest.raises(ValueError, match="with the text"):
        check_condition(f"orders > '{'5' * 5_000}'", TYPES)


@pytest.mark.parametrize(
    "condition",
    [
        "day IN ('2026-1-5')", "day IN (date'2026-01-05', '2026-1-6')", "'2026' IN (day)", "moment IN ('2026-01-05')",
        "moment IN ('2026-01-05T00:00:00')", "orders IN (' 5 ')", "orders IN ('5.0')", "share IN ('5')",
        "spend IN ('5.5')", "points IN ('5.0')", "is_new IN ('true')",
    ],
)  # fmt: skip
def test_what_in_would_never_find_says_so(condition: str) -> None:
    with pytest.raises(ValueError, match="finds only what Spark writes just so: leave out the quotes of a number"):
        check_condition(condition, TYPES)


def test_zones_are_those_of_java(spark: SparkSession) -> None:
    assert spark._jvm is not None
    zones = spark._jvm.java.time.ZoneId
    of_java = {*zones.getAvailableZoneIds(), *zones.SHORT_IDS.keySet(), "Z"}

    told = {zone for zone in of_java if is_time(f"2026-01-05 10:00:00 {zone}")}

    # Java is about to lose these.
    assert {zone for zone in of_java - told if not zone.startswith("SystemV/")} == set()
    others = {other for zone in of_java for other in (zone.lower(), f"{zone}x", f"right/{zone}")} - of_java
    assert [zone for zone in others if is_time(f"2026-01-05 10:00:00 {zone}")] == []
    # Without those in cities that have got a zone since that Java was made.
    unknown = {zone for zone in available_timezones() - of_java if "/" not in zone}
    assert [zone for zone in unknown if is_time(f"2026-01-05 10:00:00 {zone}") and zone[:4] not in ("GMT+", "GMT-")] == []


def test_offsets_are_those_of_spark(spark: SparkSession) -> None:
    hours = ["", "2", "02", "002", "17", "18", "19"]
    rest = ["", ":", ":0", ":5", ":00", ":30", ":59", ":60", "30", "60", "3000", ":30:00", ":30:0", ":00:01", ":59:60"]
    offsets = [f"{name}{sign}{hour}{more}" for name in ("", "UTC", "UT") for sign in "+-" for hour in hours for more in rest]
    texts = spark.createDataFrame([(f"2026-01-05 10:00:00{offset}",) for offset in offsets], "text string")

    read = {row.text for row in texts.where("try_cast(text AS timestamp) IS NOT NULL").collect()}

    assert {row.text for row in texts.collect() if is_time(row.text)} == read
    assert len(read) > 100
