from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_hash_of
from personalake.privacy.reach import suppressed_persons, without_suppressed
from personalake.privacy.suppression import marked_erased

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def test_who_is_suppressed_grants_nothing_for_that_channel_for_as_long_as_it_holds(spark: SparkSession) -> None:
    suppressions = spark.createDataFrame(
        [
            ("bounced", None, "email", "hard_bounce", NOW - DAY, None),
            ("bounced", None, "email", "hard_bounce", NOW - 9 * DAY, None),
            ("erased", None, "all", "erased", NOW - DAY, None),
            ("over", None, "email", "hard_bounce", NOW - 3 * DAY, NOW - DAY),
            ("later", None, "email", "hard_bounce", NOW + DAY, None),
            ("odd", None, "carrier pigeon", None, NOW - DAY, None),
            (None, keyed_hash_of("k", "email|new@example.com"), "email", None, NOW - DAY, None),
            (None, keyed_hash_of("k", "phone|442079460000"), "email", None, NOW - DAY, None),
            # What bounced is the address, not who had it then.
            ("moved", keyed_hash_of("k", "email|former@example.com"), "email", "hard_bounce", NOW - DAY, None),
            # An erasure goes with the person, not with those who shared an address.
            (None, keyed_hash_of("k", "email|old@example.com"), "all", "erased", NOW - DAY, None),
            (None, keyed_hash_of("k", "email|taken@example.com"), "all", "erased", NOW - DAY, None),
            (None, keyed_hash_of("k", "login|left"), "all", "erased", NOW - DAY, None),
            (None, keyed_hash_of("k", "person_id|half"), "all", "erased", NOW - DAY, None),
            # Whoever had this device may have another.
            (None, keyed_hash_of("k", "device_token|t1"), "push", "unregistered", NOW - DAY, None),
        ],
        "person_id string, identifier_hash string, scope string, reason string, since timestamp, until timestamp",
    )
    links = spark.createDataFrame(
        [
            ("email", "New@Example.com", "owner"),
            ("email", "other@example.com", "over"),
            ("device_token", "t1", "over"),
            ("phone", "442079460000", "caller"),
            ("email", "taken@example.com", "taker"),
            ("login", "left", "half"),
        ],
        "namespace string, value string, person_id string",
    )
    written_to = spark.createDataFrame(
        [
            ("owner", "new@example.com"),
            ("sharer", "new@example.com"),
            ("heir", "old@example.com"),
            ("odd", None),
            ("moved", "present@example.com"),
            ("successor", "former@example.com"),
        ],
        "person_id string, email string",
    ).withColumn("phone", F.lit(None).cast("string"))
    people = (
        "bounced",
        "erased",
        "over",
        "later",
        "odd",
        "owner",
        "sharer",
        "heir",
        "caller",
        "taker",
        "half",
        "moved",
        "successor",
    )
    consents = spark.createDataFrame(
        [(person, purpose) for person in people for purpose in ("email_marketing", "personalisation")],
        "person_id string, purpose string",
    )

    persons = suppressed_persons(suppressions, links, "k", "1", NOW, written_to)
    rows = consents.transform(without_suppressed(persons, {"email": "email_marketing"})).collect()

    assert sorted((row["person_id"], row["purpose"]) for row in rows) == [
        ("bounced", "personalisation"),
        ("caller", "personalisation"),
        ("heir", "email_marketing"), ("heir", "personalisation"),
        ("later", "email_marketing"), ("later", "personalisation"),
        ("moved", "email_marketing"), ("moved", "personalisation"),
        ("over", "email_marketing"), ("over", "personalisation"),
        ("owner", "personalisation"), ("sharer", "personalisation"),
        ("successor", "personalisation"),
        ("taker", "email_marketing"), ("taker", "personalisation"),
    ]  # fmt: skip


def test_who_was_erased_is_known_again_with_any_blanks_around_the_identifier(spark: SparkSession) -> None:
    hashes = [(keyed_hash_of("k", "card|77"), "erased"), (keyed_hash_of("k", "card|78"), "hard_bounce")]
    hashes += [(keyed_hash_of("k", "account:card|79"), "erased")]
    suppressed = spark.createDataFrame(hashes, "identifier_hash string, reason string")
    rows = spark.createDataFrame([(1, "\t77\xa0"), (2, "77"), (3, "78"), (4, "7 7"), (5, " 79")], "row int, number string")

    marked = rows.withColumn("reasons", F.array(F.lit("late"))).transform(
        marked_erased(suppressed, "k", "1", "row", [("number", "card")])
    )
    of_accounts = rows.withColumn("reasons", F.array(F.lit("late"))).transform(
        marked_erased(suppressed, "k", "1", "row", [("number", "card"), ("number", "account:card")])
    )

    assert sorted((row["row"], *row["reasons"]) for row in marked.collect()) == [
        (1, "erased"), (2, "erased"), (3, "late"), (4, "late"), (5, "late"),
    ]  # fmt: skip
    assert {row["row"] for row in of_accounts.collect() if row["reasons"] == ["erased"]} == {1, 2, 5}


def test_a_row_of_somebody_known_stays_theirs_though_it_shows_what_somebody_erased_had(spark: SparkSession) -> None:
    hashes = [(keyed_hash_of("k", told), "erased") for told in ("login|ann", "device_id|tablet")]
    suppressed = spark.createDataFrame(hashes, "identifier_hash string, reason string")
    rows = spark.createDataFrame(
        [(1, "bob", "tablet"), (2, "ann", "tablet"), (3, None, "tablet"), (4, "stranger", "tablet"), (5, "ann", None)],
        "row int, customer_id string, device_id string",
    ).withColumn("reasons", F.array().cast("array<string>"))
    accounts = spark.createDataFrame([("bob",), ("bob",), ("ann",)], "customer_id string")
    named = [("customer_id", "login"), ("device_id", "device_id")]

    marked = rows.transform(marked_erased(suppressed, "k", "1", "row", named, accounts)).collect()

    assert {row["row"] for row in marked if row["reasons"] == ["erased"]} == {2, 3, 4, 5}
    assert len(marked) == 5


def test_a_refusal_by_an_address_that_somebody_else_has_by_now_is_let_in_however_it_is_written(spark: SparkSession) -> None:
    hashes = [(keyed_hash_of("k", f"email|{told}"), "erased") for told in ("Ann@X.example", "ann@x.example", "b@x.example")]
    suppressed = spark.createDataFrame(hashes, "identifier_hash string, reason string")
    told = [
        (1, "ann@x.example", "withdrawn"), (2, "Ann@X.example", "withdrawn"), (3, "ann@x.example", "granted"),
        (4, "b@x.example", "withdrawn"),
    ]  # fmt: skip
    rows = spark.createDataFrame(told, "row int, customer_id string, status string")
    held = {keyed_hash_of("k", "email|ann@x.example")}.copy

    marked = rows.withColumn("reasons", F.array().cast("array<string>")).transform(
        marked_erased(suppressed, "k", "1", "row", [("customer_id", "email")], None, held, "status <> 'granted'")
    )

    assert {row["row"] for row in marked.collect() if row["reasons"] == ["erased"]} == {3, 4}
