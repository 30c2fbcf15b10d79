"""A protected attribute may say whether groups are treated alike; it decides nothing, and leaves in nothing."""

import pytest
from pydantic import ValidationError

from personalake.config.audience_columns import COLUMNS
from personalake.config.decisions import DECISION_COLUMNS
from personalake.config.identity import DETAILS
from personalake.config.profiles import HistorySettings
from personalake.privacy.masking import mask_of
from personalake.tables import ALL
from personalake.tables.features import FEATURE_NAMES

PROTECTED = [(table, field) for table in ALL for field in table.fields if field.pii == "protected"]


def test_a_protected_attribute_bears_its_one_purpose_and_stays_in_silver() -> None:
    assert [(table.full_name, field.name, field.purposes) for table, field in PROTECTED] == [
        ("silver.customer_record", "gender", ("fairness",))
    ]
    assert [field.name for table in ALL for field in table.fields if field.purposes == ("fairness",)] == ["gender"]


def test_nothing_that_decides_matches_or_leaves_may_read_it() -> None:
    names = {field.name for _, field in PROTECTED}

    assert not names & {*DECISION_COLUMNS, *FEATURE_NAMES, *DETAILS, *COLUMNS}
    with pytest.raises(ValidationError, match="gender"):
        HistorySettings(records=("age_band", "gender"))


def test_an_analyst_does_not_see_it() -> None:
    assert {mask_of(field) for _, field in PROTECTED} == {"mask_text"}
