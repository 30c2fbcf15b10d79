from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from personalake.privacy.reach import without_suppressed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_who_is_suppressed_is_held_back_from_that_channel_for_as_long_as_it_holds(spark: SparkSession) -> None:
    day = timedelta(days=1)
    suppressions = spark.createDataFrame(
        [
            ("bounced", "email", NOW - day, None),
            ("bounced", "email", NOW - 9 * day, None),
            ("erased", "all", NOW - day, None),
            ("over", "email", NOW - 3 * day, NOW - day),
            ("later", "email", NOW + day, None),
            (None, "all", NOW - day, None),
        ],
        "person_id string, scope string, since timestamp, until timestamp",
    )
    wanted = spark.createDataFrame(
        [(person, channel) for person in ("bounced", "erased", "over", "later") for channel in ("email", "push", None)],
        "person_id string, channel string",
    )

    rows = wanted.transform(without_suppressed(suppressions, NOW)).collect()

    assert sorted((row["person_id"], row["channel"] or "") for row in rows) == [
        ("bounced", ""), ("bounced", "push"),
        ("later", ""), ("later", "email"), ("later", "push"),
        ("over", ""), ("over", "email"), ("over", "push"),
    ]  # fmt: skip
