from collections.abc import Callable

from personalake.config import Settings
from personalake.config.quality import QualitySettings
from personalake.lake import Lake
from personalake.pipelines.job import JobContext
from personalake.pipelines.treatment import row_by_row, treating
from personalake.tables.gold import CUSTOMER_PROFILE, DATA_HEALTH
from personalake.tables.silver import CUSTOMER_RECORD

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
        [(f"p{n}", share) for n, share in enumerate([0.1, 0.2, 0.1, 0.2, 9.0, None])],
        "person_id string, discount_share double",
    )

    with treating(context_of(settings_of(lake)), rows, CUSTOMER_PROFILE, "build_profiles") as treated:
        found = {row["person_id"]: row["discount_share"] for row in treated.collect()}

    assert (treated.columns, found["p5"], len(found)) == (rows.columns, 0.15000000000000002, 5)
    (noted,) = lake.ledger.read(DATA_HEALTH)
    assert (noted["rows_in"], noted["rows_accepted"], noted["rows_quarantined"], noted["balanced"]) == (6, 5, 1, True)
    assert noted["reasons"] == {"discount_share: outlier, dropped": 1}
    assert noted["warnings"] == {"discount_share: imputed (median)": 1}


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


def test_without_a_declaration_rows_go_through_as_they_are(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    rows = lake.spark.createDataFrame([("p", 9.0)], "person_id string, discount_share double")

    with treating(context_of(), rows, CUSTOMER_PROFILE, "build_profiles") as treated:
        assert treated is rows

    assert row_by_row(context_of(), CUSTOMER_RECORD)(rows) is rows
    assert not lake.exists(DATA_HEALTH)
