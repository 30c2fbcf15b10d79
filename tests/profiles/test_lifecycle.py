from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.config.profiles import LifecycleSettings
from personalake.profiles.lifecycle import lifecycle_stage

AS_OF = date(2017, 6, 1)
SETTINGS = LifecycleSettings(new_days=30, active_days=45, lapsed_days=90, reactivated_days=30)
# Days before the as-of on which someone bought, the earliest first.
CASES = [
    ("nobody who never bought", [], "prospect"),
    ("yesterday for the first time", [1], "new"),
    ("on the last day of being new", [30], "new"),
    ("the day after", [31], "active"),
    ("for long, and lately", [200, 150, 100, 45], "active"),
    ("one day too long ago", [100, 46], "at_risk"),
    ("for the first time, and never again", [60], "at_risk"),
    ("on the last day of being at risk", [90], "at_risk"),
    ("longer ago", [200, 91], "lapsed"),
    ("again after 91 days", [111, 20], "reactivated"),
    ("again after 90 days, which is no lapse", [110, 20], "active"),
    ("again and once more since", [120, 25, 3], "reactivated"),
    ("again, but that is 31 days ago", [150, 31, 3], "active"),
    ("again, and is silent since", [300, 100], "lapsed"),
]


@pytest.fixture(scope="module")
def stages(spark_session: SparkSession) -> list[str]:
    days = [F.array(*(F.lit(AS_OF - timedelta(days=back)) for back in backs)).cast("array<date>") for _, backs, _ in CASES]
    stages = [lifecycle_stage(bought, AS_OF, SETTINGS).alias(f"c{n}") for n, bought in enumerate(days)]
    return list(spark_session.range(1).select(*stages).collect()[0])


@pytest.mark.parametrize("place", range(len(CASES)), ids=[name for name, _, _ in CASES])
def test_who_bought_is_in_the_stage(place: int, stages: list[str]) -> None:
    assert stages[place] == CASES[place][2]


def test_stages_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="active_days \\(90\\) must be below lapsed_days \\(90\\)"):
        LifecycleSettings(active_days=90, lapsed_days=90)
