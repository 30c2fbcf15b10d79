"""Texts that Spark takes for the moment of the run, as Spark 4.2 was seen to take them."""

import pytest
from pyspark.sql import SparkSession

from personalake.config.sql import check_moments, check_row

TYPES = {
    "day": "date",
    "moment": "timestamp",
    "slot": "string",
    "wishes": "map<string,string>",
    "days": "array<date>",
    "slots": "array<string>",
    "visits": "array<struct<at: timestamp, door: string>>",
}
# Texts that are put together, written otherwise, or without their day.
CLOCKS = [
    "cast(r'today' AS date)", "to_date(r'today')", "cast(lower('TODAY') AS date)", "to_date(upper('today'))",
    "cast(trim(' today') AS date)", "cast(coalesce(NULL, 'today') AS date)", "to_date(nvl(NULL, 'today'))",
    "cast(concat('to', 'day') AS date)", "cast('to' 'day' AS date)", "to_date('to' || 'day')", "to_date(initcap('today'))",
    "cast(cast('today' AS string) AS date)", "cast('today+01:00' AS date)", "date'today+01:00'",
    "lower('TODAY') - INTERVAL 1 DAY", "date_add(concat('to', 'day'), 1)", "extract(year FROM lower('TODAY'))",
    "cast('10:00' AS timestamp)", "timestamp'10:00'", "cast('T10' AS timestamp)", "to_timestamp('10:00')",
    "date_trunc('DAY', '10:00:00')", "try_add('today', INTERVAL 1 DAY)", "try_subtract('today', day)",
    "'10:00' + INTERVAL 1 DAY",
]  # fmt: skip
COMPARED_CLOCKS = [
    "day > lower('YESTERDAY')", "day > concat('to', 'day')", "days[0] < trim(' today')", "moment > '10:00'",
    "moment < 'now '", "exists(days, d -> d < 'today')", "exists(visits, v -> v.at < 'now')",
    "size(map_filter(map('a', day), (name, d) -> d < 'today')) > 0",
    "aggregate(days, 0, (sum, d) -> if(d < 'today', 1, sum)) > 0", "exists(transform(days, d -> d), d -> d < 'today')",
    "exists(slots, s -> exists(days, d -> d < 'today'))", "day IS DISTINCT FROM 'today'",
]  # fmt: skip


@pytest.mark.parametrize("expression", CLOCKS)
def test_a_moment_in_other_words_is_a_clock(expression: str) -> None:
    with pytest.raises(ValueError, match="clocks and dice are not allowed"):
        check_row(expression)


@pytest.mark.parametrize("expression", COMPARED_CLOCKS)
def test_a_day_that_is_compared_with_a_moment_in_other_words_is_one(expression: str) -> None:
    with pytest.raises(ValueError, match="clocks and dice are not allowed"):
        check_moments(expression, TYPES)


def test_spark_makes_something_of_them_all(spark: SparkSession) -> None:
    row = {
        **{name: "NULL" for name in TYPES}, "day": "'2026-01-05'", "moment": "'2026-01-05'", "days": "array('2026-01-05')",
        "slots": "array('now')", "visits": "array(struct(timestamp'2026-01-05' AS at, 'now' AS door))",
    }  # fmt: skip
    known = spark.sql(f"SELECT {', '.join(f'CAST({row[name]} AS {kind}) AS {name}' for name, kind in TYPES.items())}")

    answers = known.selectExpr(*(f"({clock}) IS NOT NULL" for clock in (*CLOCKS, *COMPARED_CLOCKS))).collect()[0]

    assert [clock for clock, answer in zip((*CLOCKS, *COMPARED_CLOCKS), answers, strict=True) if not answer] == []


@pytest.mark.parametrize(
    "expression",
    [
        "to_date('today')", "try_to_timestamp('now')", "to_timestamp_ntz('now')", "to_timestamp_ltz(' NOW ')",
        "try_cast('now' AS timestamp)", "cast('today Europe/Berlin' AS date)", "cast(('tomorrow') AS date)",
        "date_add('today', 1)", "dateadd(DAY, 1, 'today')", "add_months('today', 1)", "last_day(('today'))",
        "date_trunc('DAY', 'now')", "trunc('today', 'MM')", "`hour`('now')", "extract(year FROM 'today')",
        "date_format('today', 'yyyy')", "datediff(day, 'yesterday')", "months_between('today', day)",
        "'today' - INTERVAL 1 DAY", "'today' - day", "convert_timezone('UTC', 'now')", "weekday('today')",
        "session_window('today', '1 day')",
    ],
)  # fmt: skip
def test_a_text_that_spark_makes_a_moment_of_is_a_clock(expression: str) -> None:
    with pytest.raises(ValueError, match="clocks and dice are not allowed"):
        check_row(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "split_part(slot, '_', 2) = 'today'", "parse_url(slot, 'QUERY', 'when') = 'tomorrow'", "mask(slot) = 'now'",
        "split_part(slot, '_', 2) IN ('now', 'later')",
        "slot = 'now'", "slot IN ('today', 'tomorrow')", "CASE WHEN slot = 'today' THEN 'now' ELSE 'tomorrow' END",
        "coalesce(slot, 'now')", "concat('today', slot)", "date_add(day, if(slot = 'now', 1, 2))", "day > '2026-01-01'",
        "year(CASE slot WHEN 'today' THEN day END)", "unix_timestamp('now')", "to_date('todays')", "cast('epoch' AS date)",
        "array('today', 'now')", "coalesce('today', slot) = 'today'", "wishes['when'] = 'today'", "wishes.at = 'now'",
        "coalesce(a.b, '') = 'now'", "nvl2(slot, wishes.at, slot) = 'now'",
        "CASE WHEN day > '2026' THEN a.b ELSE slot END = 'now'",
        "lower(trim(slot)) IN ('today')", "equal_null(slot, 'now')", "decode(slot, 'today', 1, 'now', 2, 3)",
        "cast('today' AS string) = slot", "concat('to', 'day') = slot", "cast(coalesce(slot, 'today') AS date)",
        "to_timestamp('10:00', 'HH:mm')", "slot > '10:00'", "date_format(moment, 'HH:mm') > '10:00'",
        "cast('10:00' AS date)",
        "exists(slots, s -> s = 'today')", "exists(visits, v -> v.door = 'now')", "lower(slot) = lower('TODAY')",
        "exists(filter(slots, s -> day > '2026-01-01'), s -> s = 'today')", "date_format(day, concat('yy', 'yy'))",
        "exists(transform(visits, v -> v.door), door -> door = 'now')",
        "decode(day, '2026-01-05', 'today', 'now')", "date_format(day, 'E') = 'today'", "cast(day AS string) = 'today'",
    ],
)  # fmt: skip
def test_a_text_that_stays_one_is_none(expression: str) -> None:
    check_row(expression)
    check_moments(expression, TYPES)


@pytest.mark.parametrize(
    "expression",
    [
        "day > 'yesterday'", "'today' >= day", "moment BETWEEN '2026-01-01' AND 'now'", "'now' BETWEEN moment AND moment",
        "day IN ('2026-01-01', 'today')", "'today' IN (day)", "nullif(day, 'today')", "day <=> 'today'",
        "CASE day WHEN 'today' THEN 1 END", "equal_null(day, 'today')", "decode(day, '2026-01-05', 1, 'today', 2)",
        "decode(slot, slot, 1) = 2 AND day + INTERVAL 90 DAYS > 'today'", "trunc(day, 'MM') = 'today'",
        "'now' < max(moment) + INTERVAL 1 DAY",
        "date_trunc('DAY', moment) = 'today'", "make_date(2026, 1, 1) < 'today'", "timestamp_seconds(1) < 'now'",
        "coalesce(make_date(2026, 1, 1), day) = 'today'", "nvl2(slot, day, make_date(2026, 1, 1)) = 'today'",
        "element_at(map('a', day), 'a') = 'today'",
        "if(slot = 'now', named_struct('a', day).a = 'today', false)",
    ],
)  # fmt: skip
def test_what_is_compared_with_a_day_is_a_moment(expression: str) -> None:
    with pytest.raises(ValueError, match="clocks and dice are not allowed"):
        check_moments(expression, TYPES)


@pytest.mark.parametrize(
    "expression", ["make_date(2026, 1, 1) < 'today'", "to_date(raw) > 'yesterday'", "decode(to_date(raw), 'now', 1)"]
)
def test_what_a_row_of_any_columns_makes_a_day_of_is_asked_as_well(expression: str) -> None:
    with pytest.raises(ValueError, match="clocks and dice are not allowed"):
        check_row(expression)
