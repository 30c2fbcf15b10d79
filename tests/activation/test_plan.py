import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.activation.csv_file import harmless
from personalake.activation.formulas import harmless as harmless_text
from personalake.activation.plan import ITEM_COLUMNS, plan
from personalake.config.activation import Destination
from personalake.errors import ConfigError
from personalake.tables import Table
from personalake.tables.gold import CUSTOMER_PROFILE, DECISION

AS_OF = date(2017, 12, 1)
SEGMENT = Destination(
    dialect="segment_batch",
    purposes=("personalisation",),
    traits=("spend",),
    max_items=10,
    max_bytes=9_000,
    max_item_bytes=900,
)
BRAZE = SEGMENT.model_copy(update={"dialect": "braze_track"})
CSV = SEGMENT.model_copy(update={"dialect": "csv", "channels": ("email",), "traits": ("favourite_category", "spend")})
BOTH = ["email_marketing", "personalisation"]
Row = dict[str, Any]


def rows_of(spark: SparkSession, table: Table, *rows: Row) -> DataFrame:
    return spark.createDataFrame([tuple(row.get(name) for name in table.columns) for row in rows], table.schema)


def decision(person: str, **more: Any) -> Row:
    base = {"decision_id": f"d_{person}", "person_id": person, "as_of": AS_OF, "action": "suggest_item", "rule": "r",
            "channel": "email", "purpose": "email_marketing", "product_id": "42", "status": "act"}  # fmt: skip
    return base | more


def planned(
    spark: SparkSession,
    decisions: list[Row],
    granted: dict[str, list[str]],
    destination: Destination,
    category: str = "DAIRY",
) -> list[Row]:
    profiles = [
        {"person_id": person, "customer_id": f"c{person}", "spend": Decimal("2.50"), "favourite_category": category}
        for person in ("1", "2", "3")
    ]
    rows = plan(
        rows_of(spark, DECISION, *decisions),
        rows_of(spark, CUSTOMER_PROFILE, *profiles),
        spark.createDataFrame(list(granted.items()), "person_id string, purposes array<string>"),
        "cdp",
        destination,
        AS_OF,
    )
    assert tuple(rows.columns) == ITEM_COLUMNS
    return [row.asDict() for row in rows.orderBy("person_id", "place").collect()]


def test_segment_gets_an_identify_and_a_track(spark: SparkSession) -> None:
    items = planned(spark, [decision("1")], {"1": BOTH}, SEGMENT)

    assert [json.loads(item["payload"], parse_float=str) for item in items] == [
        {
            "type": "identify",
            "messageId": "cdp-identify-d_1",
            "userId": "c1",
            "traits": {"spend": "2.50"},
            "timestamp": "2017-12-01T00:00:00.000Z",
        },
        {
            "type": "track",
            "messageId": "cdp-track-d_1",
            "userId": "c1",
            "event": "suggest_item",
            "properties": {"decision_id": "d_1", "action": "suggest_item", "rule": "r", "channel": "email",
                           "product_id": "42", "as_of": "2017-12-01"},
            "timestamp": "2017-12-01T00:00:00.000Z",
        },
    ]  # fmt: skip
    assert len({item["delivery_id"] for item in items}) == 2


def test_braze_gets_attributes_and_an_event(spark: SparkSession) -> None:
    attributes, event = planned(spark, [decision("1")], {"1": BOTH}, BRAZE)

    assert json.loads(attributes["payload"], parse_float=str) == {"external_id": "c1", "spend": "2.50"}
    assert json.loads(event["payload"])["name"] == "suggest_item"
    assert json.loads(event["payload"])["time"] == "2017-12-01T00:00:00.000Z"


def test_consent_is_asked_again_for_the_destination_and_for_the_decision(spark: SparkSession) -> None:
    decisions = [decision("1"), decision("2"), decision("3")]

    items = planned(spark, decisions, {"1": BOTH, "2": ["personalisation"]}, CSV)

    assert [(item["person_id"], item["refusal"]) for item in items] == [
        ("1", None),
        ("2", "no consent at this moment"),
        ("3", "no consent at this moment"),
    ]
    assert [item["payload"] is None for item in items] == [False, True, True]


@pytest.mark.parametrize("status", ["holdout", "no_consent", "no_action"])
def test_only_decisions_to_act_leave(spark: SparkSession, status: str) -> None:
    assert planned(spark, [decision("1", status=status)], {"1": BOTH}, SEGMENT) == []


def test_a_destination_takes_only_its_channels(spark: SparkSession) -> None:
    items = planned(spark, [decision("1"), decision("2", channel="push")], {"1": BOTH, "2": BOTH}, CSV)

    assert [item["person_id"] for item in items] == ["1"]


def test_an_item_beyond_the_limit_is_refused_and_its_neighbours_are_not(spark: SparkSession) -> None:
    items = planned(spark, [decision("1"), decision("2", rule="x" * 900)], {"1": BOTH, "2": BOTH}, CSV)

    assert [item["refusal"] for item in items] == [None, "oversize"]


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless(spark: SparkSession) -> None:
    (item,) = planned(spark, [decision("1")], {"1": BOTH}, CSV, category="=1+1")

    assert json.loads(item["payload"])["favourite_category"] == "'=1+1"
    given = ["@a", "\tb", "a=b", "+49 30 1", "+1-1", "\n=1", "＝1", "a;=1", "a\n@b", ";-)", "", None]
    texts = spark.createDataFrame([("-1",), *((text,) for text in given)], "s string")
    found = [row[0] for row in texts.select(harmless(F.col("s"))).collect()]
    assert found == ["'-1", *(None if text is None else harmless_text(text) for text in given)]


def test_a_column_tagged_with_a_purpose_cannot_leave_where_the_purpose_is_lacking(spark: SparkSession) -> None:
    with pytest.raises(ValidationError, match="favourite_category, product_id, category: the purpose personalisation"):
        Destination(
            dialect="csv", purposes=("email_marketing",), traits=("favourite_category",), max_items=1, max_bytes=99_000
        )

    unchecked = SEGMENT.model_copy(update={"purposes": ("email_marketing",)})
    with pytest.raises(ConfigError, match=r"destinations\.cdp: product_id needs the purpose personalisation"):
        planned(spark, [decision("1")], {"1": BOTH}, unchecked)


def test_the_delivery_id_changes_with_destination_and_content_but_not_with_a_rerun(spark: SparkSession) -> None:
    first = planned(spark, [decision("1")], {"1": BOTH}, CSV)[0]["delivery_id"]

    assert planned(spark, [decision("1")], {"1": BOTH}, CSV)[0]["delivery_id"] == first
    assert planned(spark, [decision("1", product_id="43")], {"1": BOTH}, CSV)[0]["delivery_id"] != first
