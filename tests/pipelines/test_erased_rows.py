"""Who has by now what somebody had who was erased: what they say by it is theirs; without a session."""

from pathlib import Path
from typing import Any

import pytest

from personalake.common.hashing import keyed_hash_of
from personalake.lake import Lake
from personalake.pipelines.erased_rows import held_by_others
from personalake.privacy.subject import Subject
from personalake.privacy.suppression import suppressions
from personalake.tables.identity import PERSON
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import PERSON_LINK
from tests.pipelines.erasure_lake import MAY
from tests.pipelines.outbox_rows import a_lake

MAILS = {("email", "ann@x.example"), ("email", "Ann@X.example"), ("email", "old@x.example")}
ANN = Subject(("crm", "1"), frozenset({"p_ann"}), frozenset({("crm", "1"), ("phone", "12125550101"), *MAILS}))


def hashes(*told: str) -> frozenset[str]:
    return frozenset(keyed_hash_of("k", each) for each in told)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = a_lake(tmp_path / "lake")
    lake.ledger.append(SUPPRESSION, [*suppressions(ANN, "k", MAY, "test")])
    return lake


def linked(namespace: str, value: str, person: str) -> dict[str, Any]:
    return {"namespace": namespace, "value": value, "person_id": person}


def test_an_address_of_somebody_erased_is_heard_for_whoever_has_it_by_a_link_or_by_the_golden_record(lake: Lake) -> None:
    links = [("email", "Ann@X.example", "p_bob"), ("phone", "12125550101", "p_cy"), ("crm", "2", "p_bob")]
    lake.ledger.append(PERSON_LINK, [linked(*each) for each in links])
    lake.ledger.append(PERSON, [{"person_id": "p_bob", "email": "old@x.example"}, {"person_id": "p_cy"}])

    by_mail = held_by_others(lake.ledger, "k", "1", {"email", "crm"})
    by_phone = held_by_others(lake.ledger, "k", "1", {"phone"})

    assert by_mail == hashes("email|ann@x.example", "email|Ann@X.example", "email|old@x.example")
    assert by_phone == hashes("phone|12125550101")


def test_what_nobody_else_has_yet_stays_that_of_whom_it_was(lake: Lake) -> None:
    lake.ledger.append(PERSON_LINK, [linked("email", "ann@x.example", "p_ann"), linked("crm", "1", "p_ann")])
    lake.ledger.append(PERSON, [{"person_id": "p_ann", "email": "ann@x.example"}])

    assert held_by_others(lake.ledger, "k", "1", {"email", "crm", "login"}) == frozenset()
