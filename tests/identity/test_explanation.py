import pandas as pd
import pyarrow as pa
import pytest

from personalake.config.identity import IdentitySettings, MatchSettings, Survivorship
from personalake.identity.bridges import weakest_by_group
from personalake.identity.comparisons import splink_comparison
from personalake.identity.explanation import explain_pair, explain_person, threshold_choice
from personalake.identity.golden_record import WRITTEN, golden_records
from personalake.identity.match_model import MatchModel
from personalake.identity.resolution import resolve
from personalake.identity.training import splink_settings
from tests.identity.records import edge, edge_frame, record

MATCHING = MatchSettings()


def hand_made_model() -> MatchModel:
    """Every agreement is eight times as likely for a match, every disagreement an eighth; even one in 1,025 matches."""
    splink = splink_settings(MATCHING)
    comparisons = [splink_comparison(each) for each in MATCHING.comparisons]
    for comparison in comparisons:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                differs = level["sql_condition"] == "ELSE"
                level |= {"m_probability": 0.1 if differs else 0.8, "u_probability": 0.8 if differs else 0.1}
    return MatchModel(
        {**splink, "comparisons": comparisons, "probability_two_random_records_match": 1 / 1025},
        {name: {} for name in ("first_name", "last_name", "email", "phone", "device_id")} | {"email": {"info@x": 0.8}},
    )


def test_a_pair_is_explained_from_the_prior_to_the_match_weight() -> None:
    left = record("crm:1", first_name="ann", last_name="lee", birth_date="1980-01-01", email="info@x")
    right = record("web:1", first_name="anne", last_name="lee", birth_date="1975-06-30", email="info@x")

    steps = explain_pair(hand_made_model(), left, right, MATCHING)

    told = {step.comparison: (step.level, step.weight) for step in steps}
    assert told["prior"] == ("any two records", -10.0)
    assert told["first_name"] == ("one letter apart", 3.0)
    assert told["household"] == ("last name", 3.0)
    assert told["birth_date"] == ("different", -3.0)
    assert told["email"] == ("equal", 0.0)  # eight in ten records hold it
    assert told["phone"] == ("missing", 0.0)
    assert steps[-1].total == pytest.approx(sum(step.weight for step in steps))


def test_a_person_is_explained_by_the_bridges_the_weakest_first() -> None:
    records = [record("crm:1", login="ann"), record("web:1", login="ann"), record("pos:1"), record("pos:2")]
    edges = [edge("crm:1", "pos:1", 9), edge("web:1", "pos:1", 4), edge("pos:1", "pos:2", 2)]

    bridges = explain_person(records, edges, IdentitySettings())

    told = [({bridge.left_key, bridge.right_key}, bridge.kind, bridge.match_weight) for bridge in bridges]
    assert told == [
        ({"pos:1", "pos:2"}, "match", 2.0),
        ({"crm:1", "pos:1"}, "match", 9.0),
        ({"crm:1", "web:1"}, "identifier", None),
    ]


def test_each_person_has_the_weight_of_its_weakest_bridge() -> None:
    rows = [record(f"crm:{number}") for number in range(5)]
    triangle = [edge("crm:0", "crm:1", 9), edge("crm:1", "crm:2", 5), edge("crm:0", "crm:2", 7), edge("crm:3", "crm:4", 3)]
    found = resolve(pd.DataFrame(rows), edge_frame(triangle), IdentitySettings())

    weakest = weakest_by_group(found.graph.size, found.group, found.links)

    assert weakest.tolist() == [7, 7, 7, 3, 3]


def test_a_threshold_is_judged_by_truth_or_by_what_the_model_expects() -> None:
    weights, truth = [10.0, 3.0, 0.0, -2.0], [True, True, False, True]

    measured = threshold_choice(weights, [3.0], truth)[0]
    expected = threshold_choice(weights, [0.0], None)[0]

    assert (measured.pairs, measured.precision, measured.recall) == (2, 1.0, pytest.approx(2 / 3))
    assert expected.precision == pytest.approx((1024 / 1025 + 8 / 9 + 0.5) / 3)


def test_the_golden_record_takes_each_value_by_its_rule_and_says_where_it_is_from() -> None:
    rows = [
        record("crm:1", day=1, first_name="ann", city="ulm", email="old@x", phone="1", street="1 high street"),
        record("pos:1", day=2, first_name="ann", city="bonn", phone="2", street="2 low road"),
        record("web:1", day=3, first_name="anna", email="new@x"),
    ]
    rules = Survivorship(
        fields={"first_name": "most_frequent", "phone": "most_trusted", "street": "most_complete"},
        trusted_sources=("crm", "web"),
    )

    written = pa.table(
        {
            "source": ["crm", "pos", "web"], "record_id": ["1", "1", "1"], "first_name": ["Änn", " ÄNN\t E. ", " "],
            "last_name": [None, "O'Neill", None], "street": pa.nulls(3, pa.string()), "postcode": pa.nulls(3, pa.string()),
            "city": ["Ulm", None, None],
        }
    )  # fmt: skip

    golden = golden_records(
        pd.DataFrame(rows), pd.Series(["p", "p", "q"]), pd.Series([4.0, 4.0, float("nan")]).to_numpy(), rules, written
    )

    p, q = sorted(golden.to_pylist(), key=lambda row: row["person_id"])
    assert (p["first_name"], p["city"], p["email"], p["phone"]) == ("ÄNN E.", "bonn", "old@x", "1")
    assert p["last_name"] is None  # no record is compared by it: it has not survived
    assert dict(p["provenance"]) == {
        "city": "pos:1 at 2025-01-02T00:00:00Z (most_recent)",
        "email": "crm:1 at 2025-01-01T00:00:00Z (most_recent)",
        "first_name": "pos:1 at 2025-01-02T00:00:00Z (most_frequent)",
        "phone": "crm:1 at 2025-01-01T00:00:00Z (most_trusted)",
        "street": "crm:1 at 2025-01-01T00:00:00Z (most_complete)",
    }
    assert (p["records"], p["sources"], p["weakest_link"], p["birth_date"]) == (2, ["crm", "pos"], 4.0, None)
    assert (p["first_known_at"].day, p["last_known_at"].day) == (1, 2)
    assert (q["first_name"], q["records"], q["weakest_link"]) == ("anna", 1, None)


def test_of_two_values_told_at_one_time_that_of_the_greater_record_key_survives() -> None:
    rows = [record("crm:1", city="ulm"), record("crm:2", city="bonn")]
    texts = pa.table({name: pa.nulls(0, pa.string()) for name in ("source", "record_id", *WRITTEN)})

    golden = golden_records(
        pd.DataFrame(rows), pd.Series(["p", "p"]), pd.Series([4.0, 4.0]).to_numpy(), Survivorship(), texts
    )

    assert golden["city"].to_pylist() == ["bonn"]
