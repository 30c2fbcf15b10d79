from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.common.persons import with_person
from personalake.privacy.consent import (
    assumed_consent,
    current_consent,
    granted_among,
    granted_purposes,
    is_granted,
    with_signals,
    without_refusals,
)

ANSWER = (
    "record_id string, person_id string, purpose string, status string, legal_basis string, origin string, "
    "occurred_at timestamp, known_at timestamp, expires_at timestamp"
)
NOW = datetime(2017, 6, 1, tzinfo=UTC)
MAY, LATE_MAY, JUNE = datetime(2017, 5, 1), datetime(2017, 5, 31), datetime(2017, 6, 2)


def answer(
    record: str,
    status: str,
    occurred_at: datetime,
    known_at: datetime | None = None,
    expires_at: datetime | None = None,
    purpose: str = "email",
) -> tuple[object, ...]:
    return (record, "p1", purpose, status, "consent", "form", occurred_at, known_at or occurred_at, expires_at)


def statuses(spark: SparkSession, *answers: tuple[object, ...]) -> list[str]:
    return [row["status"] for row in spark.createDataFrame(list(answers), ANSWER).transform(current_consent(NOW)).collect()]


def test_the_latest_answer_wins(spark: SparkSession) -> None:
    assert statuses(spark, answer("a", "withdrawn", LATE_MAY), answer("b", "granted", MAY)) == ["withdrawn"]


def test_of_answers_at_the_same_moment_the_refusal_wins(spark: SparkSession) -> None:
    assert statuses(spark, answer("a", "granted", MAY), answer("b", "denied", MAY)) == ["denied"]


def test_a_grant_waits_for_its_day_and_a_refusal_does_not(spark: SparkSession) -> None:
    assert statuses(spark, answer("a", "granted", JUNE), answer("b", "granted", MAY, known_at=JUNE)) == []
    assert statuses(spark, answer("a", "granted", LATE_MAY), answer("b", "denied", JUNE)) == ["denied"]
    assert statuses(spark, answer("a", "granted", MAY), answer("b", "withdrawn", LATE_MAY, known_at=JUNE)) == ["withdrawn"]


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


def test_a_consent_that_has_ended_has_expired_and_allows_nothing(spark: SparkSession) -> None:
    ended, lasting = answer("a", "granted", MAY, expires_at=LATE_MAY), answer("b", "granted", MAY, expires_at=JUNE)

    assert statuses(spark, ended) == ["expired"]
    assert statuses(spark, lasting) == ["granted"]
    assert granted_purposes(spark.createDataFrame([ended], ANSWER).transform(current_consent(NOW))).count() == 0


def left_after_refusals(spark: SparkSession, now: datetime, *answers: tuple[object, ...]) -> int:
    held = spark.createDataFrame([("p1", "email", "granted")], "person_id string, purpose string, status string")
    return held.transform(without_refusals(spark.createDataFrame(list(answers), ANSWER), now)).count()


def test_a_refusal_counts_at_once_even_if_a_consent_is_dated_after_it_in_the_future(spark: SparkSession) -> None:
    now = datetime(2017, 6, 3, tzinfo=UTC)
    refusal, someday = answer("a", "withdrawn", JUNE), answer("b", "granted", datetime(2031, 1, 1))

    assert left_after_refusals(spark, now, refusal, someday) == 0
    assert left_after_refusals(spark, now, answer("a", "withdrawn", MAY), answer("b", "granted", JUNE)) == 1
    assert left_after_refusals(spark, now, answer("c", "withdrawn", datetime(2031, 1, 1))) == 0


def test_a_consent_that_has_ended_since_the_as_of_stops_what_leaves(spark: SparkSession) -> None:
    consent = answer("a", "granted", MAY, expires_at=JUNE)

    assert left_after_refusals(spark, datetime(2017, 6, 1, tzinfo=UTC), consent) == 1
    assert left_after_refusals(spark, datetime(2017, 6, 3, tzinfo=UTC), consent) == 0


def test_a_signal_of_the_browser_refuses_each_purpose_that_it_speaks_for_and_grants_none(spark: SparkSession) -> None:
    told = [
        answer("a", "withdrawn", MAY, purpose="gpc"),
        answer("b", "granted", MAY, purpose="email"),
        answer("c", "granted", LATE_MAY, purpose="gpc"),
    ]

    signalled = spark.createDataFrame(told, ANSWER).transform(with_signals({"gpc": ("sale", "sharing")}))

    current = {row["purpose"]: row["status"] for row in signalled.transform(current_consent(NOW)).collect()}
    assert current == {"email": "granted", "sale": "withdrawn", "sharing": "withdrawn"}


IDENTIFIERS = ("mail", "card", "cookie", "login")
# Each draw is a case of its own: who answers what, when; and the order in which identifiers turn out to be one person's.
CASES = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.sampled_from(IDENTIFIERS), st.sampled_from(["granted", "denied", "withdrawn"]), st.integers(0, 5)),
            min_size=1,
            max_size=6,
        ),
        st.permutations([(0, 1), (1, 2), (2, 3)]),
        st.integers(0, 3),
    ),
    min_size=20,
    max_size=20,
)


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(cases=CASES)
def test_a_withdrawal_is_never_lost_whatever_identifiers_merge_in_whatever_order(
    spark: SparkSession, cases: list[tuple[list[tuple[str, str, int]], list[tuple[int, int]], int]]
) -> None:
    answers, links, expected = [], [], {}
    for case, (told, merges, count) in enumerate(cases):
        group = {name: {name} for name in IDENTIFIERS}
        for left, right in merges[:count]:
            union = group[IDENTIFIERS[left]] | group[IDENTIFIERS[right]]
            group.update(dict.fromkeys(union, union))
        for name in IDENTIFIERS:
            links.append((f"n{case}", name, f"{case}/{min(group[name])}"))
        for number, (name, status, day) in enumerate(told):
            at = MAY + timedelta(days=day)
            answers.append((f"{case}-{number}", f"n{case}", name, "email", status, "consent", "form", at, at, None))
            person = f"{case}/{min(group[name])}"
            # The law by itself: the latest answer counts, and of several at one moment any refusal.
            expected.setdefault(person, []).append((day, status != "granted", status))
    rows = spark.createDataFrame(answers, ANSWER.replace("person_id string", "namespace string, customer_id string"))
    people = spark.createDataFrame(links, "namespace string, value string, person_id string")

    current = rows.transform(with_person(people)).transform(current_consent(NOW)).collect()

    refused = {row["person_id"]: row["status"] != "granted" for row in current}
    assert refused == {person: max(told)[1] for person, told in expected.items()}
