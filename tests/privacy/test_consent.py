from datetime import date, datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.privacy.consent import assumed_consent, current_consent, granted_among, granted_purposes, is_granted

ANSWER = (
    "record_id string, person_id string, purpose string, status string, legal_basis string, origin string, "
    "occurred_at timestamp, known_at timestamp"
)
AS_OF = date(2017, 6, 1)
MAY, LATE_MAY, JUNE = datetime(2017, 5, 1), datetime(2017, 5, 31), datetime(2017, 6, 2)


def answer(record: str, status: str, occurred_at: datetime, known_at: datetime | None = None) -> tuple[object, ...]:
    return (record, "p1", "email", status, "consent", "form", occurred_at, known_at or occurred_at)


def statuses(spark: SparkSession, *answers: tuple[object, ...]) -> list[str]:
    return [
        row["status"] for row in spark.createDataFrame(list(answers), ANSWER).transform(current_consent(AS_OF)).collect()
    ]


def test_the_latest_answer_wins(spark: SparkSession) -> None:
    assert statuses(spark, answer("a", "withdrawn", LATE_MAY), answer("b", "granted", MAY)) == ["withdrawn"]


def test_of_answers_at_the_same_moment_the_refusal_wins(spark: SparkSession) -> None:
    assert statuses(spark, answer("a", "granted", MAY), answer("b", "denied", MAY)) == ["denied"]


def test_an_answer_that_happened_or_became_known_after_the_as_of_does_not_count(spark: SparkSession) -> None:
    assert statuses(spark, answer("a", "granted", JUNE), answer("b", "denied", MAY, known_at=JUNE)) == []


def test_assumed_consent_is_only_for_people_seen_in_that_source(spark: SparkSession) -> None:
    links = spark.createDataFrame(
        [("p1", ["shop"], MAY), ("p2", ["other"], MAY)], "person_id string, sources array<string>, first_known_at timestamp"
    )

    rows = assumed_consent(links, {"shop": ("email", "push")}).orderBy("purpose").collect()

    assert [(row["person_id"], row["purpose"], row["status"]) for row in rows] == [
        ("p1", "email", "assumed_granted"),
        ("p1", "push", "assumed_granted"),
    ]
    assert rows[0]["legal_basis"] == "consent: assume_granted in conf/sources/shop.yml"


def test_no_source_that_assumes_consent_assumes_nothing(spark: SparkSession) -> None:
    links = spark.createDataFrame(
        [("p1", ["shop"], MAY)], "person_id string, sources array<string>, first_known_at timestamp"
    )

    assert assumed_consent(links, {}).count() == 0


def test_only_a_granted_or_assumed_answer_allows_use_and_silence_does_not(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("granted",), ("assumed_granted",), ("denied",), ("withdrawn",), (None,)], "s string")

    assert [row[0] for row in rows.select(is_granted(F.col("s"))).collect()] == [True, True, False, False, False]


def test_granted_purposes_leave_out_refusals_and_people_who_grant_nothing(spark: SparkSession) -> None:
    rows = [("p1", "push", "granted"), ("p1", "email", "granted"), ("p1", "ads", "denied"), ("p2", "email", "withdrawn")]

    consents = spark.createDataFrame(rows, "person_id string, purpose string, status string")
    granted = granted_purposes(consents).collect()

    assert [(row["person_id"], row["purposes"]) for row in granted] == [("p1", ["email", "push"])]
    asked = consents.transform(granted_among(("push", "ads", "email"))).collect()
    assert [(row["person_id"], row["purposes"]) for row in asked] == [("p1", ["email", "push"])]
    assert [row["purposes"] for row in consents.transform(granted_among(("push", "ads"))).collect()] == [["push"]]
