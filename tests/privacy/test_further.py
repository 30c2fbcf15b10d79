"""What a person names besides: lone cookies become theirs whole, of anybody else only the account that was named."""

import pyarrow as pa

from personalake.privacy.further import are_shared, with_further
from personalake.privacy.subject import Identifier, Subject

LINKS = pa.Table.from_pylist(
    [
        {"namespace": kind, "value": value, "person_id": person}
        for kind, value, person in (
            ("crm", "1", "p1"), ("email", "ann@x.example", "p1"),
            ("cookie_id", "c-lone", "p2"),
            ("web", "7", "p3"), ("login", "annie", "p3"), ("cookie_id", "c-annie", "p3"),
            ("crm", "8", "p4"), ("web", "9", "p4"), ("email", "ann@work.example", "p4"), ("login", "bob", "p4"),
        )
    ]
)  # fmt: skip
RECORD = {"email": None, "login": None}
RECORDS = pa.Table.from_pylist(
    [
        {**RECORD, "namespace": "crm", "customer_id": "1", "email": "ann@x.example"},
        {**RECORD, "namespace": "web", "customer_id": "7", "login": "annie"},
        {**RECORD, "namespace": "crm", "customer_id": "8", "email": "Ann@Work.example", "login": "ann8"},
        {**RECORD, "namespace": "web", "customer_id": "9", "email": "us@x.example", "login": "bob"},
        {**RECORD, "namespace": "web", "customer_id": "10", "email": "us@x.example"},
        {**RECORD, "namespace": "crm", "customer_id": "1", "login": "home"},
        {**RECORD, "namespace": "crm", "customer_id": "11", "login": "home"},
        {**RECORD, "namespace": "crm", "customer_id": "8", "login": "both"},
        {**RECORD, "namespace": "web", "customer_id": "9", "login": "both"},
    ]
)
ANN = Subject(("crm", "1"), frozenset({"p1"}), frozenset({("crm", "1"), ("email", "ann@x.example")}))


def found(*further: Identifier) -> Subject:
    return with_further(ANN, further, LINKS, RECORDS, "1")


def test_a_cookie_that_never_met_a_sign_in_is_the_person_who_names_it() -> None:
    subject = found(("cookie_id", "c-lone"))

    assert subject.person_ids == {"p1", "p2"}
    assert subject.identifiers - ANN.identifiers == {("cookie_id", "c-lone")}


def test_a_person_who_is_nothing_but_the_named_account_is_the_subject_too() -> None:
    assert found(("login", "annie")).person_ids == {"p1", "p3"}


def test_of_a_person_with_other_accounts_only_the_account_that_holds_what_is_named_is_taken() -> None:
    subject = found(("email", "ann@work.example"))

    assert subject.person_ids == {"p1"}
    assert ("crm", "8") in subject.identifiers
    assert ("login", "ann8") in subject.identifiers
    assert not subject.identifiers & {("web", "9"), ("login", "bob")}


def test_what_several_accounts_of_one_other_person_hold_brings_these_accounts() -> None:
    subject = found(("login", "both"))

    assert not are_shared(ANN, [("login", "both")], LINKS, RECORDS, "1")
    assert subject.identifiers >= {("crm", "8"), ("web", "9")}


def test_what_accounts_of_several_persons_hold_is_nobody_s_alone() -> None:
    assert are_shared(ANN, [("email", "US@x.example")], LINKS, RECORDS, "1")
    assert are_shared(ANN, [("login", "home")], LINKS, RECORDS, "1")  # hers and one other's
    assert not are_shared(ANN, [("email", "ann@work.example"), ("cookie_id", "c-lone")], LINKS, RECORDS, "1")
