"""Who is meant by an identifier: everybody they ever were, and nobody else."""

import hashlib

import pyarrow as pa
import pytest

from personalake.common.hashing import person_hash_of
from personalake.privacy.subject import Subject, persons_of, with_derived, with_links, with_merged, with_records

LINKS = pa.Table.from_pylist(
    [
        {"namespace": "email", "value": "ann@x.example", "person_id": "p1"},
        {"namespace": "crm", "value": "1", "person_id": "p1"},
        {"namespace": "email", "value": "bob@x.example", "person_id": "p2"},
        {"namespace": "login", "value": "both", "person_id": "p2"},
    ]
)
RECORD = {"source": "crm", "namespace": "crm", "phone": None, "login": None, "email": None}
RECORDS = pa.Table.from_pylist(
    [
        {**RECORD, "record_id": "r1", "customer_id": "1", "email": "ANN@x.example", "phone": "+1 (212) 555-0101"},
        {**RECORD, "record_id": "r4", "customer_id": "1", "login": "both"},
        {**RECORD, "record_id": "r2", "customer_id": "2", "email": "bob@x.example", "phone": "212 555 0102"},
        {**RECORD, "record_id": "r3", "customer_id": "1", "phone": "001-212-555-0102"},
    ]
)  # fmt: skip


def moved(*steps: tuple[str, str, str]) -> pa.Table:
    return pa.Table.from_pylist([{"kind": kind, "old_person_id": old, "new_person_id": new} for kind, old, new in steps])


@pytest.mark.parametrize("asked", ["ann@x.example", " Ann@X.Example "])
def test_an_identifier_is_found_however_it_is_written(asked: str) -> None:
    assert persons_of(("email", asked), LINKS, "1") == {"p1"}
    assert persons_of(("login", asked), LINKS, "1") == frozenset()


def test_merges_are_followed_over_steps_and_circles_and_end_at_ids_that_live_again() -> None:
    changes = moved(
        ("merged", "a", "b"), ("merged", "b", "p1"), ("merged", "p1", "a"), ("merged", "p2", "p1"), ("split", "x", "p1")
    )

    assert with_merged({"p1"}, changes, alive={"p1", "p2"}) == {"p1", "a", "b"}


def test_records_tell_further_identifiers_but_not_those_that_others_have_too() -> None:
    subject = with_links(Subject(("crm", "1"), frozenset({"p1"})), LINKS)

    found = with_records(subject, RECORDS, LINKS, "1")

    assert found.values("email") == {"ann@x.example", "ANN@x.example"}
    assert found.values("phone") == {"+1 (212) 555-0101", "12125550101"}
    assert found.values("login") == frozenset()
    assert found.record_keys == {"crm:r1", "crm:r3", "crm:r4"}


def test_ids_of_before_and_the_hash_of_an_address_follow_unless_somebody_else_has_them() -> None:
    subject = Subject(("crm", "1"), frozenset({"p1"}), frozenset({("crm", "1"), ("email", "ann@x.example")}))
    lone = person_hash_of("crm", "1")

    assert lone in with_derived(subject, alive={"p1"}).person_ids
    assert lone not in with_derived(subject, alive={"p1", lone}).person_ids
    hashed = hashlib.sha256(b"ann@x.example").hexdigest()
    assert with_derived(subject, alive=()).values("email_sha256") == {hashed}


def test_a_subject_survives_being_written_down() -> None:
    subject = Subject(("email", "a|b=ü"), frozenset({"p"}), frozenset({("crm", "1")}), row_ids=frozenset({"r"}))

    assert Subject.from_json(subject.as_json()) == subject


def test_short_identifiers_are_not_searched_for() -> None:
    assert Subject(("crm", "1"), frozenset({"p_1"}), frozenset({("crm", "1"), ("card", "123456")})).needles == {
        "p_1",
        "123456",
    }


def test_a_person_is_found_by_what_spark_links_however_long_or_odd_they_write_it() -> None:
    long = "7" * 10_000
    known = [("phone", long, "p1"), ("phone", "12125550101", "p2"), ("email", "ann@x.example", "p3"), ("crm", "7", "p4")]
    links = pa.Table.from_pylist([dict(zip(("namespace", "value", "person_id"), link, strict=True)) for link in known])

    assert persons_of(("phone", long), links, "1") == {"p1"}
    assert persons_of(("phone", "\xa0(212) 555-0101"), links, "1") == {"p2"}
    assert persons_of(("email", "\u200bANN@x.example\n"), links, "1") == {"p3"}
    assert persons_of(("crm", " 7\t"), links, "1") == {"p4"}
