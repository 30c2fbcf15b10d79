import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from personalake.config.sources import Source
from personalake.ingestion.adapters import with_ordinal
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.parsing import parse

BRONZE = "source string, payload string, source_file string, ordinal int, landed_at timestamp"
COLUMNS = {
    "event_id": {"expression": "concat(receipt, '-', sku)"},
    "order_id": "receipt",
    "customer_id": "card",
    "product_id": "sku",
    "quantity": "qty",
    "amount": "paid",
    "occurred_at": "at",
}
GOOD = {"receipt": "r1", "sku": "s1", "card": "c1", "qty": 2, "paid": 3.5, "at": "2017-03-01T10:00:00Z"}


def source(**changes: Any) -> Source:
    return Source.model_validate({"contract": "order_line", "path": "x", "currency": "EUR", "columns": COLUMNS} | changes)


def parsed(spark: SparkSession, *payloads: object, using: Source | None = None, session_zone: str = "UTC") -> DataFrame:
    lines = [payload if isinstance(payload, str) else json.dumps(payload) for payload in payloads]
    landed = datetime(2017, 3, 2, tzinfo=UTC)
    bronze = spark.createDataFrame([("shop", line, "f.json", 1, landed) for line in lines], BRONZE)
    return bronze.transform(parse("shop", using or source(), CONTRACTS["order_line"], session_zone))


def test_a_good_line_is_typed_by_its_contract(spark: SparkSession) -> None:
    row = parsed(spark, GOOD | {"card": "\xa0c1\t", "paid": "\u200b3.5\r"}).collect()[0]

    assert (row.event_id, row.order_id, row.customer_id, row.namespace) == ("r1-s1", "r1", "c1", "customer_id")
    assert (row.quantity, row.amount, row.currency) == (Decimal("2.000"), Decimal("3.50"), "EUR")
    assert row.occurred_at == datetime(2017, 3, 1, 10)
    assert row.known_at == datetime(2017, 3, 2)
    assert (row.reasons, row.warnings, row.is_return) == ([], [], False)


def test_a_bad_line_keeps_all_its_reasons(spark: SparkSession) -> None:
    bad = {"receipt": "r1", "qty": "two", "paid": "n/a", "card": "c1", "at": "yesterday"}

    row = parsed(spark, bad).collect()[0]

    assert row.reasons == [
        "product_id: missing",
        "quantity: not a number",
        "amount: not a number",
        "occurred_at: not a date and time (at: a, not ISO 8601)",
    ]


@pytest.mark.parametrize(
    ("at", "shape"),
    [("01/03/2017 Ann", "99/99/9999 a"), ("7" * 40, "9" * 30 + "…")],
)
def test_a_time_of_another_form_is_told_by_its_form_and_never_by_what_it_says(
    spark: SparkSession, at: str, shape: str
) -> None:
    dated = source(columns=COLUMNS | {"occurred_at": {"column": "at", "format": "dd.MM.yyyy"}})

    row = parsed(spark, {**GOOD, "at": at}, using=dated).collect()[0]

    assert row.reasons == [f"occurred_at: not a date and time (at: {shape}, not dd.MM.yyyy)"]


def test_columns_of_the_source_may_be_called_like_ours(spark: SparkSession) -> None:
    columns = COLUMNS | {"store_id": "source", "customer_id": "payload", "occurred_at": "landed_at", "order_id": "ordinal"}
    told = {"receipt": "r1", "sku": "s1", "qty": 1, "paid": 2, "source": "till 1", "payload": "c9", "ordinal": "o7"}

    row = parsed(spark, told | {"landed_at": "2017-03-01T10:00:00Z"}, using=source(columns=columns)).collect()[0]

    assert (row.store_id, row.customer_id, row.order_id, row.occurred_at) == ("till 1", "c9", "o7", datetime(2017, 3, 1, 10))
    assert (row.source, row.ordinal, row.landed_at) == ("shop", 1, datetime(2017, 3, 2))
    assert json.loads(row.payload)["payload"] == "c9"
    assert row.reasons == []


def test_a_line_that_is_no_json_has_that_as_its_only_reason(spark: SparkSession) -> None:
    rows = parsed(spark, '{"receipt": "r1", "sku"', "[1, 2", "plain words").collect()

    assert [row.reasons for row in rows] == [["payload: not readable"]] * 3


def test_a_day_of_birth_is_iso_by_the_pattern_of_its_source_and_stays_as_it_is_where_that_does_not_fit(
    spark: SparkSession,
) -> None:
    born = {"customer_id": "no", "birth_date": {"column": "born", "format": "d/M/yyyy"}}
    crm = Source.model_validate({"contract": "customer_record", "path": "x", "columns": born})
    told = ["3/4/1980", "25/12/1980", "1980-04-03", "", None]
    rows = [("crm", json.dumps({"no": "1", "born": day}), "f", 1, datetime(2017, 3, 2, tzinfo=UTC)) for day in told]

    found = spark.createDataFrame(rows, BRONZE).transform(parse("crm", crm, CONTRACTS["customer_record"])).collect()

    assert [row.birth_date for row in found] == ["1980-04-03", "1980-12-25", "1980-04-03", None, None]
    unlike = "birth_date: not a day (born: 9999-99-99, not d/M/yyyy)"
    assert [row.warnings for row in found] == [[], [], [unlike], [], []]
    assert [row.reasons for row in found] == [[]] * 5


@pytest.mark.parametrize(("multiline", "told"), [(False, True), (True, False)])
def test_half_a_row_of_a_csv_says_that_its_quote_is_not_closed_and_what_to_set(
    spark: SparkSession, multiline: bool, told: bool
) -> None:
    halves = ['\x00r1;"Main Street', '\x00third floor";3.50']
    table = source(format="csv", separator=";", multiline=multiline)

    rows = parsed(spark, *halves, '\x00r1;"too";"few"', using=table).collect()

    said = "payload: not readable; a quote stays open in its line: "
    assert [row.reasons[0].startswith(said) for row in rows] == [told, told, False]
    assert all(("multiline: true" in row.reasons[0]) is told for row in rows[:2])
    assert [len(row.reasons) for row in rows] == [1, 1, 1]


def test_a_negative_quantity_is_refused_or_a_return_as_the_source_says(spark: SparkSession) -> None:
    back = GOOD | {"qty": -1, "paid": -3.5}

    refused = parsed(spark, back).collect()[0]
    accepted = parsed(spark, back, using=source(returns="negative_quantity")).collect()[0]

    assert "quantity: negative, and this source has no returns" in refused.reasons
    assert (accepted.reasons, accepted.is_return) == ([], True)


def test_a_source_can_change_the_severity_of_a_rule(spark: SparkSession) -> None:
    nothing = GOOD | {"qty": 0}

    refused = parsed(spark, nothing).collect()[0]
    marked = parsed(spark, nothing, using=source(severities={"zero_quantity": "warn"})).collect()[0]

    assert (refused.reasons, refused.warnings) == (["quantity: zero"], [])
    assert (marked.reasons, marked.warnings) == ([], ["quantity: zero"])


def test_a_line_without_a_customer_is_accepted_and_marked(spark: SparkSession) -> None:
    row = parsed(spark, {key: value for key, value in GOOD.items() if key != "card"}).collect()[0]

    assert (row.customer_id, row.namespace) == (None, None)
    assert (row.reasons, row.warnings) == ([], ["customer_id: missing"])


def test_local_times_decimal_commas_and_day_first_dates_are_read_as_the_source_writes_them(spark: SparkSession) -> None:
    german = source(
        decimal=",",
        time_zone="Europe/Berlin",
        columns=COLUMNS | {"occurred_at": {"column": "at", "format": "dd.MM.yyyy HH:mm"}},
    )

    row = parsed(spark, GOOD | {"qty": "1", "paid": "1.234,50", "at": "15.07.2017 14:30"}, using=german).collect()[0]

    assert row.amount == Decimal("1234.50")
    assert row.occurred_at == datetime(2017, 7, 15, 12, 30)


@pytest.mark.parametrize(
    ("zone", "pattern", "written", "meant"),
    [
        ("UTC", None, "2017-07-15T14:30:00", "2017-07-15T14:30"),
        ("UTC", None, "2017-07-15", "2017-07-15T00:00"),
        ("UTC", None, "2017-07-15T14:30:00.250+02:00", "2017-07-15T12:30:00.250"),
        ("UTC", None, "2017-07-15 14:30:00 Europe/Berlin", "2017-07-15T12:30"),
        ("UTC", "yyyy-MM-dd'T'HH:mm:ss'Z'", "2017-07-15T14:30:00Z", "2017-07-15T14:30"),
        ("Europe/Berlin", None, "2017-07-15 14:30:00", "2017-07-15T12:30"),
        ("Europe/Berlin", None, "2017-07-15T14:30:00Z", "2017-07-15T14:30"),
        ("Europe/Berlin", "dd.MM.yyyy HH:mm", "26.03.2017 03:30", "2017-03-26T01:30"),
        ("Europe/Berlin", "dd.MM.yyyy", "15.07.2017", "2017-07-14T22:00"),
        ("America/New_York", None, "2017-07-15 14:30:00", "2017-07-15T18:30"),
    ],
)
@pytest.mark.parametrize("session_zone", ["UTC", "America/New_York"])
def test_a_time_means_the_same_in_whichever_zone_the_business_counts_its_days(
    spark: SparkSession, request: pytest.FixtureRequest, zone: str, pattern: str | None, written: str, meant: str,
    session_zone: str,
) -> None:  # fmt: skip
    if session_zone != "UTC":
        request.getfixturevalue("in_new_york")
    told = source(time_zone=zone, columns=COLUMNS | {"occurred_at": {"column": "at", "format": pattern}})

    rows = parsed(spark, GOOD | {"at": written}, using=told, session_zone=session_zone)

    instant = datetime.fromisoformat(meant).replace(tzinfo=UTC)
    assert rows.selectExpr("unix_micros(occurred_at)").collect()[0][0] == round(instant.timestamp() * 1e6)


def test_known_at_is_never_before_the_event_and_can_come_from_the_payload(spark: SparkSession) -> None:
    sent = source(columns=COLUMNS | {"known_at": "sent"})
    imported = source(known_at="occurred_at")

    from_payload = parsed(spark, GOOD | {"sent": "2017-03-05T00:00:00Z"}, using=sent).collect()[0]
    history = parsed(spark, GOOD, using=imported).collect()[0]
    same_day = parsed(spark, GOOD | {"at": "2017-03-02T18:00:00Z"}).collect()[0]

    assert from_payload.known_at == datetime(2017, 3, 5)
    assert history.known_at == datetime(2017, 3, 1, 10)
    assert same_day.known_at == datetime(2017, 3, 2, 18)


NAMELESS = {name: column for name, column in COLUMNS.items() if name != "event_id"}


def ids_by_file(spark: SparkSession, using: Source, **files: list[dict[str, object]]) -> dict[str, list[str]]:
    """Ids of the lines of each file, in order, numbered as intake does."""
    landed = datetime(2017, 3, 2, tzinfo=UTC)
    arrived = [("shop", json.dumps(line), name, landed) for name, lines in files.items() for line in lines]
    bronze = spark.createDataFrame(arrived, BRONZE.replace("ordinal int, ", "")).transform(with_ordinal(using))
    rows = bronze.transform(parse("shop", using, CONTRACTS["order_line"])).collect()
    return {name: sorted(row.event_id for row in rows if row.source_file == name) for name in files}


def test_a_line_without_an_id_is_the_same_in_an_export_that_differs_only_in_columns_that_are_not_mapped(
    spark: SparkSession,
) -> None:
    using = source(columns=NAMELESS | {"known_at": "sent"})
    first, again, dearer = (
        [GOOD | {"batch": 1, "sent": "2017-03-02"}],
        [GOOD | {"batch": 2, "sent": "2017-03-09"}],
        [GOOD | {"paid": 4}],
    )

    ids = ids_by_file(spark, using, first=first, again=again, dearer=dearer)

    assert ids["first"] == ids["again"]
    assert ids["first"] != ids["dearer"]


def test_lines_of_one_file_that_differ_at_most_in_columns_that_are_not_mapped_stay_two(spark: SparkSession) -> None:
    twins = [GOOD, GOOD, GOOD | {"sku": "s2"}]
    numbered = [GOOD | {"line": 7}, GOOD | {"line": 8}, GOOD | {"sku": "s2", "line": 9}]

    ids = ids_by_file(spark, source(columns=NAMELESS), twins=twins, numbered=numbered)

    assert len(set(ids["twins"])) == 3
    assert ids["twins"] == ids["numbered"]


def test_a_value_in_another_field_is_another_line(spark: SparkSession) -> None:
    using = source(columns=NAMELESS | {"store_id": "shop"})
    to_customer, to_store = GOOD | {"card": "x", "shop": None}, GOOD | {"card": None, "shop": "x"}

    ids = ids_by_file(spark, using, one=[to_customer], other=[to_store])

    assert ids["one"] != ids["other"]


def test_a_row_that_lacks_the_id_of_its_source_is_told_by_its_whole_payload(spark: SparkSession) -> None:
    using = source(columns=NAMELESS | {"event_id": "id"})

    ids = ids_by_file(spark, using, only=[GOOD | {"line": 7}, GOOD | {"line": 8}, GOOD | {"id": "e1"}])

    assert len(set(ids["only"])) == 3
    assert "e1" in ids["only"]
