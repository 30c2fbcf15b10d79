from collections.abc import Callable
from datetime import date, timedelta

import pytest

from personalake.config import Settings
from personalake.config.quality import QualitySettings
from personalake.lake import Lake
from personalake.pipelines.job import JobContext
from personalake.pipelines.treatment import row_by_row, treating
from personalake.tables.gold import CUSTOMER_FEATURE, CUSTOMER_PROFILE, DATA_HEALTH
from personalake.tables.health import QUALITY_MARK
from personalake.tables.silver import CUSTOMER_RECORD, ORDER_LINE

AS_OF, NEXT = date(2017, 12, 1), date(2017, 12, 5)
DECLARED = {
    "gold.customer_profile": [
        {"column": "discount_share", "outliers": {"method": "iqr", "action": "drop"}, "impute": {"method": "median"}}
    ],
    "silver.customer_record": [{"column": "phone", "standardise": "phone", "region": "DE"}],
}


def settings_of(lake: Lake) -> Settings:
    return Settings(root=lake.locations.root, quality=QualitySettings.model_validate({"columns": DECLARED}))


def test_what_is_done_to_a_table_is_written_down_and_adds_up(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    rows = lake.spark.createDataFrame(
        [(f"p{n}", share, AS_OF) for n, share in enumerate([0.1, 0.2, 0.1, 0.2, 9.0, None])],
        "person_id string, discount_share double, as_of date",
    )

    with treating(context_of(settings_of(lake)), rows, CUSTOMER_PROFILE, "build_profiles", [AS_OF]) as treated:
        found = {row["person_id"]: row["discount_share"] for row in treated.collect()}

    assert (treated.columns, found["p5"], len(found)) == (rows.columns, 0.15000000000000002, 5)
    (noted,) = lake.ledger.read(DATA_HEALTH)
    assert (noted["rows_in"], noted["rows_accepted"], noted["rows_quarantined"], noted["balanced"]) == (6, 5, 1, True)
    assert noted["reasons"] == {"discount_share: outlier, dropped": 1}
    assert noted["warnings"] == {"discount_share: imputed (median)": 1}


def test_what_was_marked_can_be_asked_for_by_person_and_column(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    flagged = {"gold.customer_profile": [{"column": "discount_share", "outliers": {"method": "iqr"}}]}
    settings = Settings(root=lake.locations.root, quality=QualitySettings.model_validate({"columns": flagged}))
    rows = lake.spark.createDataFrame(
        [(f"p{n}", share, AS_OF) for n, share in enumerate([0.1, 0.2, 0.1, 0.2, 9.0])],
        "person_id string, discount_share double, as_of date",
    )

    for _ in range(2):  # a run that is repeated leaves one row of each
        with treating(context_of(settings), rows, CUSTOMER_PROFILE, "build_profiles", [AS_OF]) as treated:
            assert treated.count() == 5

    assert [{**row, "run_id": ""} for row in lake.ledger.read(QUALITY_MARK)] == [
        {"subject": "gold.customer_profile", "person_id": "p4", "as_of": AS_OF, "column": "discount_share",
         "mark": "outlier", "run_id": ""}
    ]  # fmt: skip


@pytest.mark.parametrize("is_declared", [True, False])
def test_marks_go_with_the_rows_of_their_as_of_and_those_of_others_stay(
    lake: Lake, context_of: Callable[..., JobContext], is_declared: bool
) -> None:
    """Rows that are all gone are marked by nothing, nor are those that conf/quality.yml treats no more."""
    subjects = [("gold.customer_profile", AS_OF), ("gold.customer_profile", NEXT), ("gold.customer_feature", AS_OF)]
    held = [{"subject": name, "person_id": "p", "as_of": day, "column": "c", "mark": "outlier"} for name, day in subjects]
    lake.ledger.append(QUALITY_MARK, held)
    rows = lake.spark.createDataFrame([], "person_id string, discount_share double, as_of date")
    context = context_of(settings_of(lake) if is_declared else None)

    with treating(context, rows, CUSTOMER_PROFILE, "build_profiles", [AS_OF]) as treated:
        assert treated.count() == 0

    assert [(row["subject"], row["as_of"]) for row in lake.ledger.read(QUALITY_MARK)] == subjects[1:]


def test_the_last_value_goes_on_from_what_the_table_holds(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    carried = {"impute": {"method": "forward", "within": ["person_id"], "order": "as_of"}}
    declared = {"gold.customer_feature": [{"column": "most_lines", **carried}]}
    settings = Settings(root=lake.locations.root, quality=QualitySettings.model_validate({"columns": declared}))
    earlier, later = AS_OF - timedelta(30), AS_OF + timedelta(30)
    held = [("a", earlier, 3.0), ("b", earlier, None), ("c", later, 8.0), ("d", AS_OF, 5.0)]
    lake.ledger.append(CUSTOMER_FEATURE, [{"person_id": who, "as_of": day, "most_lines": it} for who, day, it in held])
    rows = lake.spark.createDataFrame(
        [(who, AS_OF, None) for who in "abcd"], "person_id string, as_of date, most_lines double"
    )

    with treating(context_of(settings), rows, CUSTOMER_FEATURE, "build_features", [AS_OF]) as treated:
        found = {row["person_id"]: row["most_lines"] for row in treated.collect()}

    # Not what is known of c only later, nor what this very as-of held of d before.
    assert found == {"a": 3.0, "b": None, "c": None, "d": None}


def test_a_record_s_phone_becomes_e164_and_the_row_says_so(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    rows = lake.spark.createDataFrame(
        [("1", "030 / 90 18 20", ["w"]), ("2", "+4930901820", []), ("3", "007", []), ("4", None, [])],
        "id string, phone string, warnings array<string>",
    )

    treated = rows.transform(row_by_row(context_of(settings_of(lake)), CUSTOMER_RECORD))

    assert [tuple(row) for row in treated.select("id", "phone", "warnings").orderBy("id").collect()] == [
        ("1", "+4930901820", ["w", "phone: standardised"]),
        ("2", "+4930901820", []),
        ("3", None, ["phone: standardised"]),
        ("4", None, []),
    ]


def test_numbers_beyond_what_can_be_are_capped_or_marked_row_by_row_in_silver(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    declared = [
        {"column": "quantity", "outliers": {"method": "range", "low": 0, "high": 100, "action": "cap"}},
        {"column": "amount", "outliers": {"method": "range", "high": 5_000}},
    ]
    settings = Settings.model_validate(
        {"root": str(lake.locations.root), "quality": {"columns": {"silver.order_line": declared}}}
    )
    rows = lake.spark.createDataFrame(
        [("1", 3, 5_000), ("2", 999, 9_000), ("3", -1, -9_000), ("4", None, None)], "id string, quantity int, amount int"
    ).selectExpr("id", "CAST(quantity AS decimal(12,3)) quantity", "CAST(amount AS decimal(18,2)) amount",
                 "CAST(array() AS array<string>) warnings")  # fmt: skip

    treated = rows.transform(row_by_row(context_of(settings), ORDER_LINE))

    found = [(row["id"], row["quantity"], row["amount"], row["warnings"]) for row in treated.orderBy("id").collect()]
    assert found == [
        ("1", 3, 5_000, []),
        ("2", 100, 9_000, ["quantity: outlier, capped", "amount: outlier"]),
        ("3", 0, -9_000, ["quantity: outlier, capped"]),
        ("4", None, None, []),
    ]
    assert treated.schema["quantity"].dataType == rows.schema["quantity"].dataType


def test_without_a_declaration_rows_go_through_as_they_are(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    rows = lake.spark.createDataFrame([("p", 9.0)], "person_id string, discount_share double")

    with treating(context_of(), rows, CUSTOMER_PROFILE, "build_profiles", [AS_OF]) as treated:
        assert treated is rows

    assert row_by_row(context_of(), CUSTOMER_RECORD)(rows) is rows
    assert not lake.exists(DATA_HEALTH)
