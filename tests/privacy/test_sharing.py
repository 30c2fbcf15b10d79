"""A family's e-mail is its owner's where it is a key, and says nothing of whose the other rows are; without a session."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from personalake.common.hashing import keyed_hash_of
from personalake.config import Settings
from personalake.config.sources import Source
from personalake.lake import Lake, Locations
from personalake.pipelines import erase_customers
from personalake.pipelines.consents_now import suppressed_now
from personalake.pipelines.erasure_requests import Request
from personalake.pipelines.job import JobContext
from personalake.pipelines.person_search import find_subject, is_shared, matching
from personalake.pipelines.privacy_key import erasure_key
from personalake.pipelines.progress import Progress
from personalake.privacy.payloads import LineTest, PayloadRows
from personalake.privacy.subject import Subject
from personalake.privacy.suppression import suppressions
from personalake.privacy.ways import rows_of, way_of
from personalake.tables import Table
from personalake.tables.bronze import RECORD
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import CONSENT, CUSTOMER_RECORD, PERSON_LINK
from personalake.tables.touchpoints import INTERACTION, SUPPORT_TICKET
from tests.pipelines.erasure_lake import MAY

FAMILY = "family@x.example"
LINKS = {("crm", "1"): "p_ann", ("crm", "2"): "p_bob", ("email", FAMILY): "p_ann", ("phone", "12125550101"): "p_ann"}


def no_session() -> SparkSession:
    raise AssertionError("nobody needs a session to be found")


def settings_of(folder: Path) -> Settings:
    columns = {"customer_id": "no", "first_name": "name", "email": "mail"}
    crm = {"contract": "customer_record", "format": "csv", "namespace": "crm", "path": folder / "crm", "columns": columns}
    return Settings.model_validate({"root": folder / "lake", "sources": {"crm": crm}})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Ann and Bob, to whom a family's mail is written, and who call by a phone that only Bob spells out."""
    lake = Lake(Locations(tmp_path / "lake"), no_session)
    people = [("1", "Ann", FAMILY.upper(), "212 555-0101"), ("2", "Bob", f" {FAMILY}", "+1 (212) 555-0101")]
    known = {"source": "crm", "namespace": "crm"}
    lake.ledger.append(
        CUSTOMER_RECORD,
        [{**known, "record_id": no, "customer_id": no, "email": mail, "phone": phone} for no, _, mail, phone in people],
    )
    lake.ledger.append(RECORD, [raw({"no": no, "name": name, "mail": mail}) for no, name, mail, _ in people])
    lake.ledger.append(PERSON_LINK, [linked(*key, person) for key, person in LINKS.items()])
    answers = [
        ("crm", "1", "granted"),
        ("crm", "2", "granted"),
        ("email", FAMILY, "granted"),
        ("email", FAMILY, "withdrawn"),
    ]
    lake.ledger.append(
        CONSENT,
        [
            {"record_id": f"{no}-{status}", "namespace": kind, "customer_id": no, "status": status, "purpose": "mail"}
            for kind, no, status in answers
        ],
    )
    calls = [(None, None, "t1"), ("crm", "2", "t2")]  # the help desk knows a caller by nothing but the number
    lake.ledger.append(
        SUPPORT_TICKET,
        [{"record_id": name, "namespace": kind, "customer_id": no, "phone": "12125550101"} for kind, no, name in calls],
    )
    return lake


def raw(payload: dict[str, Any]) -> dict[str, Any]:
    return {"source": "crm", "payload": json.dumps(payload)}


def linked(namespace: str, value: str, person: str) -> dict[str, Any]:
    return {"namespace": namespace, "value": value, "person_id": person}


def rows(lake: Lake, tmp_path: Path, table: Table, subject: Subject, is_strict: bool = False) -> list[dict[str, Any]]:
    found = matching(settings_of(tmp_path), lake, table, subject, is_strict)
    return [row for batch in found for row in batch.to_pylist()]


@pytest.mark.parametrize("namespace", ["customer_id", "record_id", "namespace"])
def test_a_key_whose_namespace_is_called_as_a_column_of_records_is_one_customers(tmp_path: Path, namespace: str) -> None:
    lake = Lake(Locations(tmp_path / "lake"), no_session)
    rows = [{"source": name, "record_id": name, "namespace": namespace, "customer_id": "13"} for name in ("a", "b")]
    lake.ledger.append(CUSTOMER_RECORD, rows)
    settings = settings_of(tmp_path)

    found = [is_shared(settings, lake, find_subject(settings, lake, (namespace, key))) for key in ("13", "14", "a")]

    assert found == [False, False, False]


def test_who_shares_an_address_with_somebody_keeps_every_row(lake: Lake, tmp_path: Path) -> None:
    ann = find_subject(settings_of(tmp_path), lake, ("crm", "1"))

    assert [row["customer_id"] for row in rows(lake, tmp_path, CUSTOMER_RECORD, ann)] == ["1"]
    assert [json.loads(row["payload"])["name"] for row in rows(lake, tmp_path, RECORD, ann)] == ["Ann"]
    assert [row["record_id"] for row in rows(lake, tmp_path, SUPPORT_TICKET, ann)] == ["t1"]
    assert ann.needles == {"p_ann"} | {person for person in ann.person_ids if person != "p_bob"}
    line = LineTest(settings_of(tmp_path).sources["crm"], ann, ("no", "name", "mail"))
    assert [line(f"{no},{name},{FAMILY}") for no, name in (("1", "Ann"), ("2", "Bob"))] == [True, False]
    bob = find_subject(settings_of(tmp_path), lake, ("crm", "2"))
    assert [row["customer_id"] for row in rows(lake, tmp_path, CUSTOMER_RECORD, bob)] == ["2"]


def test_raw_lines_of_answers_by_a_shared_address_stay_and_those_by_an_account_go(lake: Lake, tmp_path: Path) -> None:
    ann = find_subject(settings_of(tmp_path), lake, ("crm", "1"))
    columns = {"record_id": "id", "customer_id": "who", "purpose": "what", "status": "says", "occurred_at": "at"}
    told = {"contract": "consent", "path": "x", "columns": columns}
    sources = {kind: Source.model_validate({**told, "namespace": kind}) for kind in ("email", "crm")}
    answers = [("email", FAMILY), ("email", FAMILY.upper()), ("crm", "1"), ("crm", "2")]
    lines = [(kind, json.dumps({"who": who, "what": "mail", "says": "withdrawn"})) for kind, who in answers]
    batch = pa.RecordBatch.from_pylist([{"source": kind, "payload": line} for kind, line in lines])

    assert PayloadRows(sources, is_loose=False)(batch, ann).to_pylist() == [False, False, True, False]
    assert [LineTest(sources[kind], ann)(line) for kind, line in lines] == [False, False, True, False]


def test_a_raw_ticket_goes_by_a_phone_that_several_have_only_where_it_names_no_customer(lake: Lake, tmp_path: Path) -> None:
    ann = find_subject(settings_of(tmp_path), lake, ("crm", "1"))
    columns = {"record_id": "id", "customer_id": "who", "phone": "tel"}
    source = Source.model_validate({"contract": "support_ticket", "path": "x", "namespace": "crm", "columns": columns})
    tickets = [{"tel": "12125550101"}, {"who": None, "tel": "12125550101"}, {"tel": "12125550101", "who": " "}]
    tickets += [{"who": "2", "tel": "12125550101"}, {"tel": "12125550101", "who": 2}, {"tel": "12125550102"}]
    lines = [json.dumps(ticket) for ticket in tickets]
    batch = pa.RecordBatch.from_pylist([{"source": "desk", "payload": line} for line in lines])
    table = LineTest(source, ann, ("id", "who", "tel"))

    is_hers = [True, True, True, False, False, False]
    assert PayloadRows({"desk": source}, is_loose=False)(batch, ann).to_pylist() == is_hers
    assert [LineTest(source, ann)(line) for line in lines] == is_hers
    assert [table(f"t,{who},12125550101") for who in ("", "2")] == [True, False]
    assert table.words is None or any(word in "12125550101" for word in table.words)


def test_a_visit_without_a_customer_goes_by_its_cookie_before_the_tablet_that_several_have() -> None:
    tablet = ("device_id", "tablet")
    ann = Subject(("crm", "1"), identifiers=frozenset({tablet, ("cookie_id", "c1")}), shared=frozenset({tablet}))
    visits = [(None, None), (None, "c2"), ("2", None), (None, "c1")]
    batch = pa.RecordBatch.from_pylist(
        [{"namespace": who and "crm", "customer_id": who, "cookie_id": cookie, "device_id": "tablet", "event_id": "e"}
         for who, cookie in visits]
    )  # fmt: skip

    found = rows_of(batch, way_of(INTERACTION), ann, lambda *_: pa.array([False] * len(visits)))

    assert found.to_pylist() == [True, False, False, True]


def test_of_answers_by_a_shared_address_the_grant_goes_and_the_refusal_stays_for_whoever_is_written_to_there(
    lake: Lake, tmp_path: Path
) -> None:
    ann = find_subject(settings_of(tmp_path), lake, ("crm", "1"))

    erased = {row["record_id"] for row in rows(lake, tmp_path, CONSENT, ann)}
    told = {row["record_id"] for row in rows(lake, tmp_path, CONSENT, ann, is_strict=True)}

    assert erased == {"1-granted", f"{FAMILY}-granted"}
    assert told == {*erased, f"{FAMILY}-withdrawn"}


def test_whoever_asks_by_what_several_persons_have_is_asked_who_it_is(lake: Lake, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)

    asked = [("crm", "1"), ("crm", "2"), ("email", f"{FAMILY} "), ("phone", "(212) 555-0101"), ("crm", "Anonymous")]

    found = [is_shared(settings, lake, find_subject(settings, lake, one)) for one in asked]

    assert found == [False, False, True, True, True]


def test_what_only_those_have_who_are_erased_together_is_searched_for_and_barred(lake: Lake, tmp_path: Path) -> None:
    context = JobContext(settings_of(tmp_path), lake, MAY.date(), MAY.date(), "run", {}, Progress())
    requests = [Request(name, ("crm", name), is_verified=True, facts={}, state="received") for name in ("1", "2")]

    alone = find_subject(context.settings, lake, ("crm", "1"))
    found, _ = erase_customers._accepted(context, "k", requests)

    assert FAMILY not in alone.needles
    assert FAMILY in found["1"][1].needles
    assert not found["1"][1].shared
    barred = {row["identifier_hash"] for row in lake.ledger.read(SUPPRESSION, ("identifier_hash",))}
    assert keyed_hash_of("k", f"email|{FAMILY}") in barred
    assert {row["record_id"] for row in rows(lake, tmp_path, CONSENT, found["1"][1])} >= {f"{FAMILY}-withdrawn"}


def test_a_guest_under_a_key_that_names_nobody_is_no_other_person_who_has_the_address(lake: Lake, tmp_path: Path) -> None:
    settings, guest = settings_of(tmp_path), {"source": "shop", "namespace": "crm", "customer_id": "Anonymous"}
    people = [("3", "Eve@X.example"), ("eve-as-guest", "eve@x.example"), ("other-guest", "z@x.example")]
    told = [{**guest, "record_id": name, "email": mail} for name, mail in people]
    lake.ledger.append(CUSTOMER_RECORD, [{**told[0], "customer_id": "3"}, *told[1:]])
    links = [("crm", "3", "p_eve"), ("email", "eve@x.example", "p_eve"), ("crm", "Anonymous", "p_guest")]
    lake.ledger.append(PERSON_LINK, [linked(*each) for each in links])

    eve = find_subject(settings, lake, ("email", "eve@x.example"))

    assert not is_shared(settings, lake, eve)
    assert "eve@x.example" in eve.needles
    assert ("email", "Eve@X.example") in eve.alone
    assert [row["record_id"] for row in rows(lake, tmp_path, CUSTOMER_RECORD, eve)] == ["3", "eve-as-guest"]
    further = [("email", "z@x.example")]  # which only a guest has told: of the other guests nothing goes with it
    both = find_subject(settings, lake, ("crm", "3"), further)
    assert ("crm", "Anonymous") not in both.identifiers
    assert not is_shared(settings, lake, eve, [("email", "eve@x.example")])
    # By a guest's address alone all guests would be found: who it is must be asked.
    lake.ledger.append(PERSON_LINK, [linked("email", "z@x.example", "p_guest")])
    assert is_shared(settings, lake, find_subject(settings, lake, further[0]))
    assert not is_shared(settings, lake, find_subject(settings, lake, ("email", "eve@x.example")))


def test_a_shared_address_bars_nobody_but_the_account_of_which_it_is_the_key(lake: Lake, tmp_path: Path) -> None:
    def barred(subject: Subject) -> set[str]:
        return {row["namespace"] for row in suppressions(subject, "k", MAY, "test") if row["namespace"]}

    settings = settings_of(tmp_path)
    without_account = barred(find_subject(settings, lake, ("crm", "1")))
    account = {"source": "web", "record_id": "w", "namespace": "email", "customer_id": FAMILY}
    lake.ledger.append(CUSTOMER_RECORD, [account])
    ann = find_subject(settings, lake, ("email", FAMILY))

    assert without_account == {"crm", "person_id"}
    assert barred(ann) == {"crm", "person_id", "account:email"}
    assert not is_shared(settings, lake, ann)
    assert {row["customer_id"] for row in rows(lake, tmp_path, CUSTOMER_RECORD, ann)} == {"1", FAMILY}


@pytest.mark.parametrize("asked", [FAMILY, "Family@X.example", ("crm", "1")])
def test_an_account_under_a_shared_address_is_known_and_barred_in_every_spelling(
    lake: Lake, tmp_path: Path, asked: str | tuple[str, str]
) -> None:
    settings, key = settings_of(tmp_path), "Family@X.example"
    lake.ledger.append(
        CUSTOMER_RECORD, [{"source": "web", "record_id": "w", "namespace": "email", "customer_id": key, "email": key}]
    )
    lake.ledger.append(PERSON_LINK, [linked("email", key, "p_ann")])

    ann = find_subject(settings, lake, ("email", asked) if isinstance(asked, str) else asked)

    assert not is_shared(settings, lake, ann)
    barred = {row["identifier_hash"] for row in suppressions(ann, "k", MAY, "test")}
    assert {keyed_hash_of("k", f"account:email|{form}") for form in (FAMILY, key)} <= barred


def test_an_account_that_nobody_has_linked_yet_is_no_other_person(lake: Lake, tmp_path: Path) -> None:
    lake.ledger.append(
        CUSTOMER_RECORD,
        [{"source": "crm", "record_id": "3", "namespace": "crm", "customer_id": "3", "email": "ann@x.example"}],
    )
    lake.ledger.append(PERSON_LINK, [linked("email", "ann@x.example", "p_ann")])

    ann = find_subject(settings_of(tmp_path), lake, ("crm", "1"))

    assert "3" in {row["customer_id"] for row in rows(lake, tmp_path, CUSTOMER_RECORD, ann)}
    assert "ann@x.example" in ann.needles


def test_somebody_else_who_has_an_address_of_who_was_erased_may_be_reached(tmp_path: Path) -> None:
    lake, settings = Lake(Locations(tmp_path / "lake"), no_session), settings_of(tmp_path)
    ann = Subject(("crm", "1"), frozenset({"p_ann"}), frozenset({("crm", "1"), ("email", "ann@x.example")}))
    rows = suppressions(ann, erasure_key(settings, lake.locations), MAY, "test")
    # As it is once the rows went that name the person.
    lake.ledger.append(SUPPRESSION, [row for row in rows if row["person_id"] is None])
    lake.ledger.append(PERSON_LINK, [linked("crm", "1", "p_ann"), linked("email", "ann@x.example", "p_bob")])

    assert set(suppressed_now(lake.ledger, settings)["person_id"].to_pylist()) == {"p_ann"}
