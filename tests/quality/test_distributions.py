"""How values are spread: hand-made counts, and what chance alone would do."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from personalake.config.distributions import Drift, Evenness, SampleRatio
from personalake.config.quality import QualitySettings
from personalake.quality.distributions import as_planned, binned, index_by_chance, moved, stability_index, uneven


def counted(**values: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame([(name, *counts) for name, counts in values.items()], columns=["value", "before", "after"])


@pytest.mark.parametrize(
    # Of the earlier rows half are phones: the index of 60 % is 0.041, of 66 % 0.107, of 75 % 0.275.
    ("phones", "verdict"),
    [(500, "pass"), (600, "pass"), (660, "warn"), (750, "fail"), (1_000, "fail")],
)
def test_values_that_moved_are_told_apart_from_those_that_did_not(phones: int, verdict: str) -> None:
    found = moved("t", "device", counted(phone=(5_000, phones), computer=(5_000, 1_000 - phones)), Drift())

    assert found.verdict == verdict
    assert found.value == pytest.approx(stability_index([5_000, 5_000], [1_000 - phones, phones]))
    if verdict != "pass":
        assert f"phone is {phones / 10:.0f}% of rows, and was 50% in the 28 before; an index of" in found.reason


def test_what_chance_alone_would_do_is_no_drift_however_low_the_limits() -> None:
    dice = np.random.default_rng(11)
    wanted = Drift(warn_psi=0.0001, fail_psi=0.0001)
    drawn = [dice.multinomial(count, [0.25] * 4) for count in (900, 300) * 200]

    looks = [
        moved("t", "c", pd.DataFrame({"value": list("abcd"), "before": before, "after": after}), wanted).verdict
        for before, after in zip(drawn[::2], drawn[1::2], strict=True)
    ]

    assert looks.count("pass") >= 198
    assert index_by_chance(4, 900, 300) == pytest.approx(16.266 * (1 / 900 + 1 / 300), rel=1e-3)


def test_values_that_are_new_or_gone_and_missing_ones_count() -> None:
    gone = moved("t", "c", counted(a=(1_000, 1_000), b=(1_000, 0)), Drift())
    new = moved("t", "c", pd.DataFrame({"value": ["a", None], "before": [1_000, 0], "after": [500, 500]}), Drift())

    assert (gone.verdict, new.verdict) == ("fail", "fail")
    assert "none is 50% of rows, and was 0%" in new.reason
    assert moved("t", "c", counted(a=(1_000, 199)), Drift()).verdict == "unknown"


def test_numbers_are_cut_where_earlier_rows_are_equally_many() -> None:
    numbers = pd.DataFrame({"value": np.arange(100.0), "before": 10, "after": np.where(np.arange(100) < 50, 20, 0)})

    cut = binned(numbers, 10)
    found = moved("t", "c", numbers, Drift())

    assert cut["before"].tolist() == [100] * 10
    assert sorted(cut["after"].tolist()) == [0] * 5 + [200] * 5
    assert found.verdict == "fail"
    assert stability_index([5, 5], [5, 5]) == 0


def test_a_group_of_which_less_is_known_is_named() -> None:
    counts = pd.DataFrame([("north", 1_000, 850), ("east", 1_000, 800), ("hills", 1_000, 400), ("tiny", 9, 0)],
                          columns=["group", "rows", "told"])  # fmt: skip

    found = uneven("t", "card", counts, Evenness(by="store"))

    assert (found.verdict, found.check) == ("warn", "evenness of card by store")
    assert found.reason == "hills: 40% of 1,000 rows have it, 82% elsewhere"
    assert found.value == pytest.approx((850 + 800) / 2_009 - 0.4)
    assert uneven("t", "card", counts[counts["group"] != "hills"], Evenness(by="store")).verdict == "pass"
    assert uneven("t", "card", counts.head(1), Evenness(by="store")).verdict == "unknown"
    assert uneven("t", "card", counts, Evenness(by="store", fail_below=0.3)).verdict == "fail"


def test_a_small_group_is_not_called_left_behind_for_what_chance_does() -> None:
    def told(rows: int) -> str:
        counts = pd.DataFrame([("all", 10_000, 5_000), ("one", rows, rows * 3 // 10)], columns=["group", "rows", "told"])
        return uneven("t", "card", counts, Evenness(by="store", most_below=0.1, fewest_rows=10)).verdict

    # A fifth below: 3.3 standard errors are as much at 68 rows.
    assert (told(40), told(60), told(100), told(1_000)) == ("pass", "pass", "warn", "warn")


def arms(*sizes: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(sizes, columns=["slice", "variant", "units"])


@pytest.mark.parametrize(
    # Chi-squared of 1,000 and 1,000 - d: d² / (2,000 - d); beyond 10.83 chance is below a thousandth.
    ("treated", "verdict"),
    [(1_000, "pass"), (860, "pass"), (850, "fail"), (0, "fail")],
)
def test_arms_that_are_not_as_large_as_planned_are_found(treated: int, verdict: str) -> None:
    found = as_planned("t", "new-search", arms(("", "control", 1_000), ("", "treatment", treated)), SampleRatio(
        shares={"control": 0.5, "treatment": 0.5}))  # fmt: skip

    assert (found.verdict, found.check) == (verdict, "sample ratio of new-search")
    assert f"control 1,000, treatment {treated:,}; as planned, 0.5 : 0.5" in found.reason


def test_a_fault_within_one_slice_is_found_and_named_and_planned_shares_need_not_be_equal() -> None:
    hidden = [("", "a", 5_000), ("", "b", 4_860), ("phone", "a", 400), ("phone", "b", 260),
              ("computer", "a", 4_600), ("computer", "b", 4_600)]  # fmt: skip
    uneven_plan = SampleRatio(shares={"a": 0.9, "b": 0.1})

    assert as_planned("t", "x", arms(*hidden[:2]), SampleRatio()).verdict == "pass"
    found = as_planned("t", "x", arms(*hidden), SampleRatio(by="device_type"))
    assert found.verdict == "fail"
    assert found.reason.startswith("units of phone: a 400, b 260")
    assert as_planned("t", "x", arms(("", "a", 900), ("", "b", 100)), uneven_plan).verdict == "pass"
    assert as_planned("t", "x", arms(("", "a", 900), ("", "b", 98), ("", "c", 2)), uneven_plan).verdict == "fail"


def test_the_more_slices_are_looked_at_the_less_one_of_them_counts() -> None:
    # Chi-squared of the phones is 11.99, chance 0.0005: below a thousandth, and not below a third of it.
    seen = [("", "a", 5_000), ("", "b", 4_900), ("phone", "a", 1_000), ("phone", "b", 851),
            ("computer", "a", 4_000), ("computer", "b", 4_049)]  # fmt: skip

    assert as_planned("t", "x", arms(*seen), SampleRatio(by="device_type")).verdict == "pass"
    assert as_planned("t", "x", arms(*seen[2:4]), SampleRatio(by="device_type")).verdict == "fail"


def test_too_few_units_or_a_single_arm_have_no_verdict() -> None:
    few = [("", "a", 500), ("", "b", 500), ("kiosk", "a", 9), ("kiosk", "b", 0)]

    assert as_planned("t", "x", arms(*few), SampleRatio(by="device_type")).verdict == "pass"
    assert as_planned("t", "x", arms(*few[2:]), SampleRatio(by="device_type")).verdict == "unknown"
    assert as_planned("t", "x", arms(("", "a", 500)), SampleRatio()).verdict == "unknown"


@pytest.mark.parametrize(
    ("checks", "told"),
    [
        ({"drift": {"cookie_id": {}}}, "cookie_id is personal"),
        ({"evenness": {"cookie_id": {"by": "customer_id"}}}, "customer_id is personal"),
        ({"evenness": {"colour": {"by": "device_type"}}}, "has no column colour"),
        ({"evenness": {"device_type": {"by": "device_type"}}}, "must be three columns"),
        ({"evenness": {"device_type": {"by": "region", "unit": "region"}}}, "must be three columns"),
        ({"sample_ratio": {"experiment": "test_id"}}, "has no column test_id"),
        ({"sample_ratio": {"shares": {"a": 0.5}}}, "1 together"),
        ({"drift": {"occurred_at": {}}}, "occurred_at is timestamp; drift is looked for in text"),
        ({"drift": {"device_type": {}}, "clock": "device_type"}, "is no time"),
    ],
)
def test_checks_that_cannot_be_made_or_would_tell_of_persons_are_refused(checks: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        QualitySettings.model_validate({"datasets": {"silver.experiment_exposure": checks}})
