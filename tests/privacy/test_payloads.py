"""Whose a raw row is: by the columns that say so."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from personalake.config.sources import Source
from personalake.privacy.payloads import LineTest, PayloadRows
from personalake.privacy.subject import Subject

SOURCE = Source.model_validate(
    {
        "contract": "support_ticket", "path": Path("x"), "namespace": "crm",
        "columns": {"record_id": "id", "customer_id": {"expression": "concat('c', who)"}, "phone": "tel", "text": "said"},
    }
)  # fmt: skip
BY_COLUMN = SOURCE.columns["phone"].model_copy(update={"column": "who"})
PLAIN = SOURCE.model_copy(update={"columns": {**SOURCE.columns, "customer_id": BY_COLUMN}})
ANN = Subject(
    ("crm", "12"), identifiers=frozenset({("crm", "12"), ("phone", "+1 212 555-0101"), ("email", "ann@x.example")})
)


@pytest.mark.parametrize(
    ("payload", "is_hers"),
    [
        ('{"who": 12, "price": 3}', True),
        ('{"price":1,"who":"12"}', True),
        ('{"who": "13", "price": 12, "day": "12"}', False),
        ('{"who": "112"}', False),
        ('{"who": "120"}', False),
        ('{"tel" : "+1 212 555-0101", "who": "9"}', True),
        ('{"who": "9", "said": "write to ann@x.example"}', False),
    ],
)
def test_a_row_is_judged_by_its_identifier_columns(payload: str, is_hers: bool) -> None:
    batch = pa.RecordBatch.from_pylist([{"source": "s", "payload": payload}])

    assert PayloadRows({"s": PLAIN}, is_loose=False)(batch, ANN).to_pylist() == [is_hers]
    assert LineTest(PLAIN, ANN)(payload) == is_hers


def test_a_computed_column_is_looked_for_behind_the_names_that_it_is_made_of() -> None:
    test = LineTest(SOURCE, Subject(("crm", "c12"), identifiers=frozenset({("crm", "c12")})))

    assert not test('{"who": "12"}')
    assert test('{"who": {"id": "c12"}}')


@pytest.mark.parametrize(
    ("text", "is_hers"), [("ann@x.example", True), ("jo.ann@x.example", False), ("ann@x.example.org", False)]
)
def test_a_row_that_nobody_could_read_is_hers_if_it_names_her_as_a_whole_word(text: str, is_hers: bool) -> None:
    batch = pa.RecordBatch.from_pylist(
        [{"source": "s", "payload": f'{{"mail": "{text}"'}, {"source": "gone", "payload": text}]
    )

    assert PayloadRows({"s": PLAIN}, is_loose=True)(batch, ANN).to_pylist() == [is_hers, is_hers]
    assert PayloadRows({"s": PLAIN}, is_loose=False)(batch, ANN).to_pylist() == [False, is_hers]


def test_what_was_refused_is_known_by_its_hash() -> None:
    payload = '{"mail": "ann@x.example"'
    refused = Subject(
        ANN.asked, identifiers=ANN.identifiers, payload_hashes=frozenset({hashlib.sha256(payload.encode()).hexdigest()})
    )
    batch = pa.RecordBatch.from_pylist([{"source": "s", "payload": text} for text in (payload, payload + "!")])

    assert PayloadRows({"s": PLAIN}, is_loose=False)(batch, refused).to_pylist() == [True, False]


def test_a_row_of_csv_is_judged_by_its_columns_and_by_its_words_if_it_has_others() -> None:
    test = LineTest(PLAIN, ANN, header=("id", "who", "tel"))

    assert [test(line) for line in ("1,12,", "12,1,", '1,9,"+1 212 555-0101"', "ann@x.example", "1,2")] == [
        True,
        False,
        True,
        True,
        False,
    ]
