from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_share
from personalake.config.decisions import DECISION_COLUMNS, DecisionSettings, Holdout, Rule
from personalake.decisions.rules import decide, fingerprint_of, in_words
from personalake.tables.gold import DECISION

AS_OF = date(2017, 12, 1)
TYPES = {"orders": "bigint", "spend": "decimal(18,2)", "churn_probability": "double", "churn_percentile": "double"}
TYPES |= {"preferences": "map<string,string>"}
WIN_BACK = Rule(
    name="win back", when="churn_percentile >= 0.8 AND orders >= 12", action="coupon", channel="email",
    purpose="email_marketing", offer="favourite_category",
    reason="Likely to leave ({churn_probability}) after {orders} orders: a coupon for {favourite_category}.",
)  # fmt: skip
NEXT_ITEM = Rule(
    name="next item", when="true", action="suggest", channel="push", purpose="push_marketing", offer="next_best_item",
    reason="Suggest {next_best_item_name}.",
)  # fmt: skip
NOBODY_HELD_OUT = DecisionSettings(rules=(WIN_BACK, NEXT_ITEM), holdout=Holdout(share=0))
ALL = ["email_marketing", "personalisation", "push_marketing"]
Row = dict[str, Any]


def people(spark: SparkSession, *rows: Row) -> DataFrame:
    schema = ", ".join(f"{name} {TYPES.get(name, 'string')}" for name in DECISION_COLUMNS)
    return spark.createDataFrame([tuple(row.get(name) for name in DECISION_COLUMNS) for row in rows], schema)


def decided(
    spark: SparkSession, row: Row, purposes: list[str] | None = None, settings: DecisionSettings = NOBODY_HELD_OUT
) -> Row:
    granted = spark.createDataFrame(
        [("p", ALL if purposes is None else purposes)], "person_id string, purposes array<string>"
    )
    rows = decide(people(spark, {"person_id": "p"} | row), granted, settings, AS_OF)
    assert tuple(rows.columns) == DECISION.columns
    return rows.collect()[0].asDict()


LEAVING = {"churn_percentile": 0.9, "churn_probability": 0.624, "orders": 30, "favourite_category": "BEER"}


def test_the_first_rule_that_applies_decides_and_says_why(spark: SparkSession) -> None:
    decision = decided(spark, LEAVING | {"next_best_item": "42"})

    assert (decision["rule"], decision["action"], decision["channel"]) == ("win back", "coupon", "email")
    assert (decision["category"], decision["product_id"]) == ("BEER", None)
    assert decision["reason"] == "Likely to leave (62 %) after 30 orders: a coupon for BEER."
    assert (decision["status"], decision["probability"]) == ("act", 1.0)


@pytest.mark.parametrize(("wish", "status"), [("none", "no_action"), ("push", "act"), (None, "act")])
def test_who_wishes_to_be_left_alone_is(spark: SparkSession, wish: str | None, status: str) -> None:
    settings = NOBODY_HELD_OUT.model_copy(update={"leave_alone": "preferences['contact_channel'] = 'none'"})

    decision = decided(spark, LEAVING | {"preferences": {"contact_channel": wish}}, settings=settings)

    assert decision["status"] == status
    assert (decision["reason"] == "Left alone, as conf/rules.yml says.") == (decision["rule"] is None) == (wish == "none")


def test_a_condition_of_who_is_left_alone_reads_known_columns_alone() -> None:
    with pytest.raises(ValueError, match="lifecycle_stage"):
        DecisionSettings(leave_alone="lifecycle_stag = 'lapsed'")


def test_without_a_score_the_next_rule_decides(spark: SparkSession) -> None:
    decision = decided(
        spark, {"orders": 30, "favourite_category": "BEER", "next_best_item": "42", "next_best_item_name": "Milk"}
    )

    assert (decision["rule"], decision["product_id"], decision["reason"]) == ("next item", "42", "Suggest Milk.")


def test_a_rule_whose_offer_is_not_known_does_not_apply(spark: SparkSession) -> None:
    decision = decided(spark, LEAVING | {"favourite_category": None})

    assert (decision["status"], decision["action"], decision["rule"]) == ("no_action", "none", None)


@pytest.mark.parametrize("purposes", [[], ["email_marketing"], ["personalisation"], ["personalisation", "push_marketing"]])
def test_nothing_is_done_without_personalisation_and_the_purpose_of_the_rule(
    spark: SparkSession, purposes: list[str]
) -> None:
    decision = decided(spark, LEAVING, purposes)

    assert (decision["status"], decision["action"]) == ("no_consent", "none")
    assert (decision["channel"], decision["category"], decision["product_id"]) == (None, None, None)
    assert decision["reason"].startswith("No consent for ")


def test_someone_who_never_answered_gets_nothing(spark: SparkSession) -> None:
    nobody = spark.createDataFrame([], "person_id string, purposes array<string>")

    (decision,) = decide(people(spark, {"person_id": "p"} | LEAVING), nobody, NOBODY_HELD_OUT, AS_OF).collect()

    assert decision["status"] == "no_consent"


def test_the_holdout_is_logged_with_what_it_would_have_had(spark: SparkSession) -> None:
    everybody = NOBODY_HELD_OUT.model_copy(update={"holdout": Holdout(share=1)})

    decision = decided(spark, LEAVING, settings=everybody)

    assert (decision["status"], decision["action"], decision["probability"]) == ("holdout", "coupon", 1.0)


def test_the_holdout_is_who_the_keyed_hash_says(spark: SparkSession) -> None:
    half = NOBODY_HELD_OUT.model_copy(update={"holdout": Holdout(share=0.5, salt="s")})
    crowd = people(spark, *({"person_id": f"p{number}"} | LEAVING for number in range(40)))
    granted = crowd.select("person_id", F.array(*map(F.lit, ALL)).alias("purposes"))

    held_out = {row["person_id"] for row in decide(crowd, granted, half, AS_OF).where("status = 'holdout'").collect()}

    assert held_out == {row["person_id"] for row in crowd.where(keyed_share("s") < 0.5).collect()}
    assert 8 < len(held_out) < 32


def test_the_id_depends_on_person_day_and_rules_and_on_nothing_else(spark: SparkSession) -> None:
    first = decided(spark, LEAVING)["decision_id"]
    other_rules = NOBODY_HELD_OUT.model_copy(update={"rules": (NEXT_ITEM,)})

    assert decided(spark, LEAVING | {"orders": 99})["decision_id"] == first
    assert decided(spark, LEAVING, settings=other_rules)["decision_id"] != first
    assert fingerprint_of(other_rules) != fingerprint_of(NOBODY_HELD_OUT)


def test_what_is_not_known_reads_as_unknown(spark: SparkSession) -> None:
    rows = people(spark, {"person_id": "p", "spend": Decimal("1.50")})

    assert rows.select(in_words("{spend} spent, {churn_percentile}.")).collect()[0][0] == "1.50 spent, unknown."
