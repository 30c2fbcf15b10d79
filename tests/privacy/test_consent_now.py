"""Consent without Spark is consent with Spark."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from personalake.common.persons import with_person
from personalake.lake.declared import arrow_schema
from personalake.privacy.addresses import ADDRESSES, refused_addresses
from personalake.privacy.consent import granted_purposes, with_signals, without_refusals
from personalake.privacy.consent_now import lacking_consent, lay_out_granted
from personalake.privacy.forgotten_now import identifiers_asking
from personalake.privacy.reach_now import lay_out_suppressed, suppressed_deliveries
from personalake.privacy.suppression import persons_asking
from personalake.tables import Table
from personalake.tables.identity import PERSON
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, PERSON_LINK

EARLY, LATE, NOW, LATER = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4))
CURRENT = [
    {"person_id": person, "purpose": purpose, "status": status}
    for person, purpose, status in (
        ("ann", "email", "granted"), ("ann", "push", "denied"), ("bob", "email", "assumed_granted"),
        ("cat", "email", "granted"), ("dan", "email", "granted"), ("eve", "email", "withdrawn"), ("fay", "email", "granted"),
        ("gus", "email", "granted"), ("hal", "email", "granted"), ("ida", "email", "granted"), ("joe", "email", "granted"),
        ("kim", "email", "granted"),
    )
]  # fmt: skip
# Of each: who, what was said, when it was given, when it was known.
ANSWERS = [
    ("ann", "granted", LATE, LATE), ("ann", "withdrawn", EARLY, LATE),
    ("bob", "withdrawn", LATE, LATE),
    ("cat", "granted", LATE, EARLY), ("cat", "denied", LATE, EARLY),
    ("dan", "withdrawn", EARLY, EARLY), ("dan", "granted", LATE, LATE), ("dan", "granted", EARLY, EARLY),
    ("eve", "granted", LATE, LATE),
    ("fay", None, LATE, LATE),
    ("nobody", "withdrawn", LATE, LATE),
    # A grant that is dated in the future hides no refusal; a consent that has ended is one; a signal refuses.
    ("hal", "withdrawn", EARLY, EARLY), ("hal", "granted", LATER, LATE),
    ("ida", "granted", EARLY, EARLY),
    ("joe", "denied", LATE, LATE), ("kim", "granted", LATE, LATE),
]  # fmt: skip
SIGNALLED, ENDED = ("joe", "kim"), ("ida",)
SIGNALS, PURPOSES = {"browser_signal": ("email",)}, ("email", "push")
CONSENTS = [
    {"record_id": str(number), "namespace": "n", "customer_id": f"c-{who}", "status": status, "occurred_at": occurred,
     "known_at": known, "purpose": "browser_signal" if who in SIGNALLED else "email",
     "expires_at": LATE if who in ENDED else None}
    for number, (who, status, occurred, known) in enumerate(ANSWERS)
]  # fmt: skip
PEOPLE = ("ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal", "ida", "joe", "kim")
LINKS = [{"namespace": "n", "value": f"c-{who}", "person_id": who} for who in PEOPLE]
# Of each address: the people who are written to there; its answers are those of nobody in particular.
SHARED = {
    "fam@x.example": ("lea", "max"), "again@x.example": ("ned",), "442079460000": ("oli",), "sign@x.example": ("pia",),
    "441632960123": ("wes", "xia"), "later@x.example": ("quy",), "ended@x.example": ("rob",), "odd@x.example": ("sam",),
    "i\u0307da@x.example": ("ulf",), "12345678": ("zed",),
}  # fmt: skip
BY_ADDRESS = [
    ("email", " Fam@X.example", "email", "withdrawn", EARLY, None),
    ("email", "fam@x.example", "email", "granted", LATER, None),
    ("email", "again@x.example", "email", "withdrawn", EARLY, None),
    ("email", "AGAIN@x.example", "email", "granted", LATE, None),
    # DuckDB makes the dotted I an i without more, and would take digits of any script for digits.
    ("email", "\xa0\u0130DA@x.example\n", "email", "withdrawn", EARLY, None),
    ("phone", "+12345678\uff19", "email", "denied", LATE, None),
    ("phone", "020 7946 0000", "email", "denied", LATE, None), ("phone", "0049 30 1234567", "email", "denied", LATE, None),
    ("phone", "441632960123", "email", "withdrawn", EARLY, None),
    ("email", "sign@x.example", "browser_signal", "withdrawn", EARLY, None),
    ("email", "sign@x.example", "browser_signal", "granted", LATE, None),
    ("email", "later@x.example", "email", "withdrawn", EARLY, None),
    ("email", "ended@x.example", "email", "granted", EARLY, LATE), ("email", "odd@x.example", "email", None, EARLY, None),
    ("login", "fam@x.example", "email", "granted", LATE, None),
]  # fmt: skip
CURRENT += [
    {"person_id": who, "purpose": "email", "status": "granted"} for held in SHARED.values() for who in (*held, "tom")
]
CONSENTS += [
    {"record_id": f"a{number}", "namespace": kind, "customer_id": value, "purpose": purpose, "status": status,
     "occurred_at": at, "known_at": at, "expires_at": ends}
    for number, (kind, value, purpose, status, at, ends) in enumerate(BY_ADDRESS)
]  # fmt: skip
CONSENTS.append({"record_id": "own", "namespace": "n", "customer_id": "c-quy", "purpose": "email", "status": "granted",
                 "occurred_at": LATE, "known_at": LATE})  # fmt: skip
LINKS.append({"namespace": "n", "value": "c-quy", "person_id": "quy"})
WRITTEN_TO = [
    {"person_id": who, "email" if "@" in address else "phone": address} for address, held in SHARED.items() for who in held
]
WRITTEN_TO.append({"person_id": "tom", "phone": "493012345678", "email": "tom@x.example"})
GIVEN: dict[Table, list[dict[str, Any]]] = {
    CONSENT: CONSENTS, CONSENT_CURRENT: CURRENT, PERSON_LINK: LINKS, PERSON: WRITTEN_TO,
}  # fmt: skip
# A signal takes no refusal back; a consent that ends at this moment has ended.
CURRENT += [{"person_id": who, "purpose": "email", "status": "granted"} for who in ("uma", "vic")]
LINKS += [{"namespace": "n", "value": f"c-{who}", "person_id": who} for who in ("uma", "vic")]
CONSENTS += [
    {"record_id": f"{who}-{purpose}", "namespace": "n", "customer_id": f"c-{who}", "purpose": purpose, "status": status,
     "occurred_at": at, "known_at": at, "expires_at": ends}
    for who, purpose, status, at, ends in (
        ("uma", "email", "withdrawn", EARLY, None), ("uma", "browser_signal", "granted", LATE, None),
        ("vic", "email", "granted", EARLY, NOW),
    )
]  # fmt: skip
# Refined before a purpose had one name, whatever its capitals and blanks: by the person, also of a purpose for
# which no signal speaks, by a signal, by an address.
CURRENT += [{"person_id": who, "purpose": "email", "status": "granted"} for who in ("abe", "bea", "cal")]
CURRENT += [{"person_id": "dot", "purpose": "push", "status": "granted"}]
LINKS += [{"namespace": "n", "value": f"c-{who}", "person_id": who} for who in ("abe", "bea", "dot")]
CONSENTS += [
    {"record_id": f"old-{value}", "namespace": kind, "customer_id": value, "purpose": purpose, "status": "withdrawn",
     "occurred_at": EARLY, "known_at": EARLY}
    for kind, value, purpose in (
        ("n", "c-abe", "Email "), ("n", "c-bea", "Browser-Signal"), ("n", "c-dot", "Push"),
        ("email", "cal@x.example", " EMAIL"),
    )
]  # fmt: skip
WRITTEN_TO.append({"person_id": "cal", "email": "cal@x.example"})
# Who grants by themselves, and whom no address that they share keeps out.
GRANTING = {"ann", "dan", "gus", "kim", "ned", "quy", "rob", "tom"}


@pytest.fixture
def opened() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as database:
        for table, rows in GIVEN.items():
            complete = [{name: row.get(name) for name in table.columns} for row in rows]
            database.register(f"given_{table.name}", pa.Table.from_pylist(complete, arrow_schema(table)))
        by_address = [row for row in CONSENTS if row["namespace"] in ADDRESSES]
        complete = [{name: row.get(name) for name in CONSENT.columns} for row in by_address]
        database.register("given_address_consent", pa.Table.from_pylist(complete, arrow_schema(CONSENT)))
        lay_out_granted(database, SIGNALS, NOW, "44", PURPOSES)
        yield database


def test_the_same_people_grant_the_same_purposes_as_with_spark(
    opened: duckdb.DuckDBPyConnection, spark: SparkSession
) -> None:
    frames = {
        table: spark.createDataFrame([tuple(row.get(name) for name in table.columns) for row in rows], table.schema)
        for table, rows in GIVEN.items()
    }
    told = frames[CONSENT].transform(with_signals(SIGNALS, PURPOSES))
    answers = told.transform(with_person(frames[PERSON_LINK]))
    refused = refused_addresses(told, frames[PERSON], "44", NOW)
    every = without_refusals(answers.unionByName(refused), NOW)
    by_spark = frames[CONSENT_CURRENT].transform(every).transform(granted_purposes)

    found = set(opened.execute("SELECT person_id, purpose FROM granted").fetchall())

    assert found == {(row["person_id"], purpose) for row in by_spark.collect() for purpose in row["purposes"]}
    assert found == {(who, "email") for who in GRANTING}


def test_every_purpose_of_a_delivery_must_be_granted_and_one_without_a_purpose_never_leaves(
    opened: duckdb.DuckDBPyConnection,
) -> None:
    rows = [
        ("both", "ann", ["email", "push"]),
        ("one", "ann", ["email"]),
        ("none", "ann", []),
        ("new", "zoe", ["email"]),
    ]
    asked = [{"delivery_id": name, "person_id": who, "purposes": purposes} for name, who, purposes in rows]
    opened.register("asked", pa.Table.from_pylist(asked))

    assert lacking_consent(opened) == {"both", "none", "new"}


def test_a_suppression_bars_the_purpose_of_its_channel_while_it_lasts_and_an_unknown_channel_bars_all() -> None:
    rows = [
        ("ann", "email", EARLY, None), ("bob", "email", EARLY, LATE), ("cat", "email", LATE, None),
        ("dan", "all", EARLY, None), ("eve", "fax", EARLY, None), (None, "all", EARLY, None),
    ]  # fmt: skip
    given = [{"person_id": who, "scope": scope, "since": since, "until": until} for who, scope, since, until in rows]
    complete = [{name: row.get(name) for name in SUPPRESSION.columns} for row in given]
    people = ("ann", "bob", "cat", "dan", "eve", "fay")
    asked = [
        {"delivery_id": f"{who}-{purpose}", "person_id": who, "purposes": [purpose], "channel": None}
        for who in people
        for purpose in ("email_marketing", "push_marketing")
    ]
    with duckdb.connect(":memory:") as database:
        database.register("given_suppression", pa.Table.from_pylist(complete, arrow_schema(SUPPRESSION)))
        database.register("asked", pa.Table.from_pylist(asked))
        lay_out_suppressed(database, {"email": "email_marketing", "push": "push_marketing"})

        found = suppressed_deliveries(database, EARLY + (LATE - EARLY) / 2)
        later = suppressed_deliveries(database, LATE)

    everything = {f"{who}-{purpose}" for who in ("dan", "eve") for purpose in ("email_marketing", "push_marketing")}
    assert found == {"ann-email_marketing", "bob-email_marketing", *everything}
    assert later == {"ann-email_marketing", "cat-email_marketing", *everything}


def test_a_suppression_bars_its_channel_whatever_is_asked_for_and_no_other_channel() -> None:
    given = [{"person_id": "ann", "scope": "email", "since": EARLY}]
    complete = [{name: row.get(name) for name in SUPPRESSION.columns} for row in given]
    asked = [
        {"delivery_id": f"{channel}-{purpose}", "person_id": "ann", "purposes": [purpose], "channel": channel}
        for channel in ("email", "push")
        for purpose in ("marketing", "service")
    ]
    with duckdb.connect(":memory:") as database:
        database.register("given_suppression", pa.Table.from_pylist(complete, arrow_schema(SUPPRESSION)))
        database.register("asked", pa.Table.from_pylist(asked))
        lay_out_suppressed(database, {"email": "marketing", "push": "marketing"})

        assert suppressed_deliveries(database, LATE) == {"email-marketing", "email-service", "push-marketing"}


def test_the_same_identifiers_ask_to_be_forgotten_as_with_spark(spark: SparkSession) -> None:
    asked = [
        ("email", " Jane@Example.com ", True), ("email", "no address", True), ("email", "bob@example.com", False),
        ("phone", "+1 (212) 555-0101", True), ("phone", "020 7946 0000", True), ("phone", "0044 20 7946 0001", True),
        ("phone", "000000", True), ("phone", "12", True), ("n", "C@7", True), ("n", "c-8", None),
    ]  # fmt: skip
    values = {" Jane@Example.com ", "jane@example.com", "bob@example.com", "no address", "12125550101", "442079460000",
              "442079460001", "C@7", "c@7", "c-8", "44000000", "4400000", "12", "4412", "000000"}  # fmt: skip
    links = [(kind, value, f"{kind} {value}") for kind in ("email", "phone", "n") for value in sorted(values)]
    requests = spark.createDataFrame(asked, "namespace string, customer_id string, is_verified boolean")
    owners = spark.createDataFrame(links, "namespace string, value string, person_id string")

    found = identifiers_asking([row.asDict() for row in requests.collect()], "44")

    expected = {row["person_id"] for row in persons_asking(requests, owners, "44").collect()}
    assert {person for kind, value, person in links if (kind, value) in found} == expected
    assert {"email jane@example.com", "phone 442079460000", "n C@7"} <= expected
