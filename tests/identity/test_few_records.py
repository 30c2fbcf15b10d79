"""What is made of a few records in Python is what Spark makes of them."""

from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from personalake.config.identity import FIELDS, GuardSettings, IdentitySettings, MatchSettings
from personalake.identity.few_records import FewRecords
from personalake.identity.records import match_records

NAMES = (
    *("  Jean-Luc  O’Neill ", "MÜLLER-Ødegård, Zoë", "Straße", "ÀÉÎÕŪ ŠŽŻ ŁÐÞÆŒ", "Bill", "x", "", "  ", "!?", "a" * 10_000),
    *("d'Arcy `Tom'", "st st", "Anne_Marie", "ß" * 300, "  " * 40 + "late", "Ann~Lee", "7th", "ÿ Ÿ"),
)
STREETS = (
    "12, High St.",
    "St. Mary's Rd",
    "Av Ave. Ln Sq str",
    "Hauptstr. 5",
    "1st Street",
    "STREET",
    "é st",
    "a" * 130 + " st",
)
POSTCODES = (" sw1a 1aa", "8000", "D-80331", "---", "ünï", "1" * 40)
DAYS = (
    *(
        "1980-02-29",
        "1980-02-29T10:00:00Z",
        "29.2.1980",
        "2/29/1980",
        "19800229",
        "1981-02-29",
        "0001-01-01",
        "yesterday",
        "",
    ),
    *(
        "0000-01-01",
        "1.2.1879",
        "1.1.1880",
        "02/09/1980",
        "13/2/1980",
        "1980/02/29",
        "1980/2/29",
        "99999999",
        " 1980-01-05x ",
    ),
)
EMAILS = (
    " Ann.Lee@X.Example ",
    "ann at x",
    "a@b@c",
    "a" * 300 + "@x.example",
    "@x",
    "NONE@x.example",
    "é@x.example",
    "none",
)
PHONES = ("+44 20 7946 0018", "0044-20-7946-0018", "(212) 555-0101", "0212/5550101", "0000000000", "12", "call", "+0", "00",
          "442079460018", " " * 50 + "+4930901820", "1" * 45)  # fmt: skip
CODES = ("  L17 ", "", "null", "NULL", "0-0-0", "-1", "a" * 300, "Nå", "n/a", "  ", "x" * 45)
# A name that is missing may stand in the address, which decides by which keys a record is found.
TOLD = {
    "first_name": (None, None, None, None, None, "Bill", "William", "Ann Lee", "bo", None),
    "last_name": ("Smith", "O'Neill", "De la Cruz", "Li", "Carson", None, None, None, None, "Smith"),
    "email": ("bill.smith82@x.example", "j_oneill+shop@x.example", "kdelacruz@x.example", "annli@x.example", ".carson@x",
              "bill-smith7@x.example", "bill.de@x.example", "annlee.moore@x.example", "bo.x1y.z@x.example", "été.smith@x"),
    "birth_date": ("1980-02-29",) * 10,
    "phone": ("+44 20 7946 0018",) * 10,
}  # fmt: skip
_TEXTS = (NAMES, NAMES[::-1], DAYS, POSTCODES, STREETS, NAMES, CODES, CODES, EMAILS, PHONES, CODES, CODES)
COLUMNS = dict(zip(FIELDS, _TEXTS, strict=True))
SETTINGS = IdentitySettings(calling_code="49", nicknames={"bill": "william"})
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)


def told(**texts: tuple[str | None, ...]) -> pa.Table:
    """Rows of `silver.customer_record`: the first of each text, then the second."""
    rows = list(zip_longest(*texts.values()))
    schema = pa.schema([(name, pa.string()) for name in ("source", "record_id", "namespace", "customer_id", *FIELDS)])
    found = [{**dict(zip(texts, row, strict=True)), "record_id": f"r{place}"} for place, row in enumerate(rows)]
    table = pa.Table.from_pylist([{"source": "crm", "namespace": "crm", "customer_id": "7", **row} for row in found], schema)
    return table.append_column("known_at", pa.array([FIRST_DAY] * len(rows), pa.timestamp("us", "UTC")))


def by_key(rows: pa.Table) -> dict[str, dict[str, Any]]:
    return {
        row["record_key"]: {name: value for name, value in row.items() if name != "known_at"} for row in rows.to_pylist()
    }


def test_records_are_what_spark_makes_of_them(spark_session: SparkSession) -> None:
    shuffled = [{name: texts[place:] + texts[:place] for name, texts in COLUMNS.items()} for place in range(5)]
    rows = pa.concat_tables([told(**texts) for texts in [*shuffled, TOLD]])
    rows = rows.set_column(1, "record_id", pa.array([f"r{place}" for place in range(rows.num_rows)]))
    few = FewRecords.of(SETTINGS)
    assert few is not None
    assert few.known(rows).to_pylist().count(True) >= 0.8 * rows.num_rows

    known = rows.filter(few.known(rows))
    made = few.standardised(known)

    expected = by_key(match_records(spark_session.createDataFrame(known), SETTINGS).toArrow())
    differing = [
        (key, name, row[name], expected[key][name])
        for key, row in by_key(made).items()
        for name in row
        if row[name] != expected[key][name]
    ]
    assert not differing
    assert len(expected) == made.num_rows
    assert made["known_at"].to_pylist() == known["known_at"].to_pylist()


@pytest.mark.parametrize(
    "texts",
    [{"last_name": ("Παπαδόπουλος",)}, {"street": ("3½st",)}, {"city": ("İzmir",)}, {"login": ("a\tb",)},
     {"birth_date": ("1980/2/29",)}, {"birth_date": ("+12345-01-01",)}],
)  # fmt: skip
def test_what_java_may_read_otherwise_is_left_to_spark(texts: dict[str, tuple[str, ...]]) -> None:
    few = FewRecords.of(SETTINGS)

    assert few is not None
    assert few.known(told(**texts)).to_pylist() == [False]


@pytest.mark.parametrize(
    "settings",
    [
        IdentitySettings(matching=MatchSettings(blocking=("soundex(last_name)",))),
        IdentitySettings(matching=MatchSettings(blocking=("substr(last_name, -2, 2)",))),
        IdentitySettings(matching=MatchSettings(blocking=("length(last_name)",))),
        IdentitySettings(guards=GuardSettings(blocked_values=(r"\bnone\b",))),
        IdentitySettings(guards=GuardSettings(blocked_values=(r"[a[b]",))),
    ],
)
def test_rules_and_patterns_that_only_spark_reads_for_sure_are_left_to_it(settings: IdentitySettings) -> None:
    assert FewRecords.of(settings) is None
