from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from personalake.config.quality import ColumnTreatment, ImputeSettings, OutlierSettings, QualitySettings
from personalake.quality.treatments import DROPPED, MARKS, treated


def orders(spark: SparkSession, *values: float | None) -> DataFrame:
    rows = [(f"p{place:02d}", value, float(place)) for place, value in enumerate(values)]
    return spark.createDataFrame(rows, "person_id string, spend double, visits double")


def done(rows: DataFrame, *treatments: ColumnTreatment) -> list[dict[str, Any]]:
    found = treated(rows, treatments, ["person_id"])
    return [row.asDict() for row in found.orderBy("person_id").collect()]


def spend(**more: Any) -> ColumnTreatment:
    return ColumnTreatment(column="spend", **more)


def test_an_outlier_is_dropped_before_a_gap_is_filled_with_what_is_left(spark: SparkSession) -> None:
    outliers = OutlierSettings(method="iqr", action="drop")

    found = done(
        orders(spark, 1.0, 2.0, 3.0, 2.0, 900.0, None), spend(outliers=outliers, impute=ImputeSettings(method="mean"))
    )

    assert [row["spend"] for row in found] == [1.0, 2.0, 3.0, 2.0, 900.0, 2.0]
    assert [row[DROPPED] for row in found] == [False, False, False, False, True, False]
    assert [row[MARKS] for row in found] == [[], [], [], [], ["spend: outlier, dropped"], ["spend: imputed (mean)"]]


@pytest.mark.parametrize(
    ("action", "value", "mark"), [("flag", 900.0, "spend: outlier"), ("cap", 4.5, "spend: outlier, capped")]
)
def test_an_outlier_is_flagged_or_capped_and_marked(spark: SparkSession, action: Any, value: float, mark: str) -> None:
    found = done(orders(spark, 1.0, 2.0, 3.0, 2.0, 900.0), spend(outliers=OutlierSettings(method="iqr", action=action)))

    assert (found[4]["spend"], found[4][MARKS], found[4][DROPPED]) == (value, [mark], False)
    assert all(row[MARKS] == [] for row in found[:4])


def test_gaps_are_filled_from_other_columns_and_by_the_median_where_there_are_too_many_rows(spark: SparkSession) -> None:
    near = ImputeSettings(method="knn", features=("visits",), neighbours=2)
    few = near.model_copy(update={"max_rows": 10})
    values = (0.0, 1.0, 2.0, None, 4.0, 5.0, 50.0, 60.0, 70.0, 80.0, 90.0)

    filled = done(orders(spark, *values), spend(impute=near))
    beyond = done(orders(spark, *values), spend(impute=few))

    assert (filled[3]["spend"], filled[3][MARKS]) == (pytest.approx(3.0), ["spend: imputed (knn)"])
    assert (beyond[3]["spend"], beyond[3][MARKS]) == (27.5, ["spend: imputed (median: more than 10 rows for knn)"])


def test_text_is_brought_to_one_spelling_and_only_what_changed_is_marked(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("1", " A@X.example"), ("2", "b@x.example"), ("3", None)], "person_id string, email string"
    )

    found = done(rows, ColumnTreatment(column="email", standardise="email", impute={"method": "constant", "value": "none"}))

    assert [(row["email"], row[MARKS]) for row in found] == [
        ("a@x.example", ["email: standardised"]), ("b@x.example", []), ("none", ["email: imputed (constant)"])
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "treatment", "problem"),
    [
        ("gold.decision", {"column": "score"}, "gold.decision is not treated"),
        ("silver.consent", {"column": "status"}, "silver.consent is not treated"),
        ("silver.order_line", {"column": "customer_id", "standardise": "email"}, "stays as it came"),
        (
            "gold.customer_feature",
            {"column": "most_lines", "impute": {"method": "backward", "within": ["person_id"], "order": "as_of"}},
            "which a feature must not; use forward",
        ),
        ("gold.customer_profile", {"column": "shoe_size"}, "has no column shoe_size"),
        ("gold.customer_profile", {"column": "age_band", "outliers": {"method": "mad"}}, "is no number"),
        ("gold.customer_profile", {"column": "orders", "standardise": "name"}, "is no text"),
        ("gold.customer_profile", {"column": "age_band", "impute": {"method": "mean"}}, "impute mode or a constant"),
        ("silver.customer_record", {"column": "phone", "impute": {"method": "mode"}}, "a batch is no population"),
        ("silver.order_line", {"column": "quantity", "outliers": {"method": "mad"}}, "declared for gold.customer_profile"),
        (
            "silver.order_line",
            {"column": "quantity", "outliers": {"method": "range", "high": 9, "action": "drop"}},
            "one by",
        ),
        ("silver.order_line", {"column": "quantity", "outliers": {"method": "range"}}, "needs one of them"),
        ("silver.order_line", {"column": "quantity", "outliers": {"method": "range", "low": 2, "high": 1}}, "is below it"),
        (
            "gold.customer_feature",
            {"column": "most_lines", "outliers": {"method": "iqr", "low": 1}},
            "belong to method range",
        ),
        ("gold.customer_feature", {"column": "most_lines", "impute": {"method": "forward"}}, "needs within and order"),
        ("gold.customer_feature", {"column": "most_lines", "impute": {"method": "knn"}}, "needs features"),
        ("gold.customer_feature", {"column": "most_lines", "impute": {"method": "constant"}}, "value belongs to method"),
    ],
)
def test_a_treatment_that_cannot_be_is_refused_before_anything_starts(
    table: str, treatment: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        QualitySettings.model_validate({"columns": {table: [treatment]}})


@pytest.mark.parametrize(
    ("checks", "problem"),
    [
        ({"datasets": {"silver.orders": {}}}, "silver.orders is not a table"),
        ({"datasets": {"silver.order_line": {"completeness": {"price": 1}}}}, "has no column price"),
        ({"datasets": {"gold.segment_summary": {"volume": {}}}}, "has no column known_at"),
        ({"datasets": {"gold.prediction": {"volume": {}, "clock": "model"}}}, "gold.prediction.model is no time"),
        ({"datasets": {"silver.catalog_item": {"near_duplicates": {"columns": ["name"], "block": "zip"}}}}, "no column zip"),
        ({"datasets": {"silver.order_line": {"completeness": {"amount": 2}}}}, "within 0..1"),
        ({"consistency": {"x": {"kind": "equal", "left": "count(silver.event)", "right": "rows(silver.event)"}}},
         "no measure"),
        ({"consistency": {"x": {"kind": "foreign_key", "left": "silver.event.y", "right": "silver.event.event_id"}}},
         "has no column y"),
    ],
)  # fmt: skip
def test_a_check_of_what_is_not_there_is_refused(checks: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        QualitySettings.model_validate(checks)
