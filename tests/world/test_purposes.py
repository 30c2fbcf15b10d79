"""Each purpose is drawn by itself: one more leaves what people answer about the others as it was."""

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.world import WorldSettings, consents
from personalake.world.people import people


def test_one_purpose_more_changes_no_answer_about_another_and_a_share_of_people_grants_fairness(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = WorldSettings(people=150, days=21)

    drawn = people(spark, settings).withColumn("joined_day", F.lit(3))

    def answers() -> list[tuple[object, ...]]:
        rows = drawn.transform(consents.with_consents(settings))
        return sorted(tuple(row) for row in consents.web_consents(rows, settings).collect())

    told = answers()
    monkeypatch.setattr(consents, "PURPOSES", tuple(it for it in consents.PURPOSES if it != "fairness"))
    without = answers()

    assert [row for row in told if row[2] != "fairness"] == without
    granted = sum(row[2:4] == ("fairness", "accept") for row in told)
    others = sum(row[2:4] == ("personalisation", "accept") for row in told)
    assert 0.3 * others < granted < 0.9 * others
