"""Names that nobody expects: each record has its person, nobody is joined by an oddity, and nothing is lost."""

from collections.abc import Callable

import pytest

from personalake.lake import Lake
from personalake.pipelines.job import JobContext
from personalake.pipelines.resolve_identities import run
from personalake.tables.identity import PERSON
from personalake.tables.silver import CUSTOMER_RECORD
from tests.pipelines.test_resolve_identities_of_records import crowd, customer, persons, settings_of

LONG = "Wolfeschlegelsteinhausenbergerdorff " * 285
ODD = {
    "empty": "",
    "blank": " \t ",
    "letter": "X",
    "other-letter": "Y",
    "emoji": "\U0001f469\u200d\U0001f467 \U0001f388",
    "other-emoji": "\U0001f984",
    "long": LONG,
    "quote": "O'Brien\"; DROP TABLE person; --",
    "control": "a\x00b\x1fc",
    "right-to-left": "\u202e\u05d0\u05d1\u05d2",
}


@pytest.fixture
def resolved(lake: Lake, context_of: Callable[..., JobContext]) -> Lake:
    assert len(LONG) > 10_000
    odd = [customer("crm", f"odd-{kind}", first_name=name, last_name=name, street=name) for kind, name in ODD.items()]
    lake.ledger.append(CUSTOMER_RECORD, [*crowd(), *odd])
    result = run(context_of(settings_of(lake)))
    assert result.figures["records_compared"] == 24 + len(ODD)
    return lake


def test_every_record_has_a_person_of_its_own_whatever_it_is_called(resolved: Lake) -> None:
    links = persons(resolved)

    odd = [links["crm", f"odd-{kind}"] for kind in ODD]
    assert len(set(odd)) == len(ODD)
    assert not set(odd) & {links["crm", str(number)] for number in range(12)}
    assert all(links["crm", str(number)] == links["web", str(number)] for number in range(12))
    golden = {row["person_id"]: row["records"] for row in resolved.ledger.read(PERSON)}
    assert sum(golden.values()) == 24 + len(ODD)
