"""Names that nobody expects: each record has its person, nobody is joined by an oddity, and nothing is lost."""

import io
from datetime import date

import pytest
from pyspark.sql import SparkSession

from personalake.common.standardise import ADDRESS_LENGTH
from personalake.lake import Lake, Locations
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.pipelines.resolve_identities import run
from personalake.tables.identity import PERSON
from personalake.tables.silver import CUSTOMER_RECORD
from tests.pipelines.test_resolve_identities_of_records import crowd, customer, persons, settings_of

AS_OF = date(2017, 12, 1)
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


@pytest.fixture(scope="module")
def resolved(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(Locations(tmp_path_factory.mktemp("odd")), lambda: spark)
    assert len(LONG) > 10_000
    odd = [customer("crm", f"odd-{kind}", first_name=name, last_name=name, street=name) for kind, name in ODD.items()]
    lake.ledger.append(CUSTOMER_RECORD, [*crowd(), *odd])
    result = run(JobContext(settings_of(lake), lake, AS_OF, AS_OF, "run", {}, Progress(stream=io.StringIO())))
    assert result.figures["records_compared"] == 24 + len(ODD)
    return lake


def test_every_record_has_a_person_of_its_own_whatever_it_is_called(resolved: Lake) -> None:
    links = persons(resolved)

    odd = [links["crm", f"odd-{kind}"] for kind in ODD]
    assert len(set(odd)) == len(ODD)
    assert not set(odd) & {links["crm", str(number)] for number in range(12)}
    assert all(links["crm", str(number)] == links["web", str(number)] for number in range(12))


def test_a_name_without_a_letter_tells_nothing_about_a_person_and_is_kept_as_it_came(resolved: Lake) -> None:
    golden = {row["person_id"]: row for row in resolved.ledger.read(PERSON)}
    links = persons(resolved)

    untold = {kind for kind in ODD if links["crm", f"odd-{kind}"] not in golden}
    assert untold == {"empty", "blank", "emoji", "other-emoji"}
    assert sum(row["records"] for row in golden.values()) == 24 + len(ODD) - len(untold)
    assert len(golden[links["crm", "odd-long"]]["last_name"]) <= ADDRESS_LENGTH
    kept = {row["customer_id"]: row["first_name"] for row in resolved.ledger.read(CUSTOMER_RECORD)}
    assert {kind: kept[f"odd-{kind}"] for kind in ODD} == ODD
