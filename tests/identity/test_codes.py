"""Looking up by hashes finds what looking up by texts finds."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.identity import codes
from personalake.identity.codes import codes_of, places_of, without

TEXTS = st.lists(st.sampled_from(["a", "b", "ab", "", None]), max_size=8)
PAIRS = st.lists(st.tuples(st.sampled_from(["x", "y"]), st.sampled_from(["a", "b", ""])), max_size=6)


def pairs(rows: list[tuple[str, str]]) -> pa.Table:
    kinds, values = [row[0] for row in rows], [row[1] for row in rows]
    return pa.table({"kind": pa.array(kinds, pa.string()), "value": pa.array(values, pa.string())})


@settings(max_examples=25)
@given(TEXTS, TEXTS)
def test_a_text_is_found_wherever_it_stands_and_a_null_nowhere(held: list[str | None], wanted: list[str | None]) -> None:
    (ours,), (theirs,) = (codes_of(pa.table({"text": pa.array(each, pa.string())}), ("text",)) for each in (held, wanted))

    found = places_of(ours, theirs).tolist()

    assert found == [place for place, text in enumerate(held) if text is not None and text in wanted]


@settings(max_examples=25)
@given(PAIRS, PAIRS)
def test_rows_with_any_of_some_keys_are_left_out(rows: list[tuple[str, str]], keys: list[tuple[str, str]]) -> None:
    kept = without(pairs(rows), pairs(keys))

    assert kept.to_pylist() == [{"kind": kind, "value": value} for kind, value in rows if (kind, value) not in keys]


def test_a_row_that_only_shares_a_hash_with_a_key_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "codes_of", lambda rows, *lots: [np.full(rows.num_rows, 7, np.uint64) for _ in lots])

    kept = without(pairs([("x", "a"), ("x", "b")]), pairs([("x", "b")]))

    assert kept.to_pylist() == [{"kind": "x", "value": "a"}]


def test_many_codes_are_told_apart_by_more_than_their_last_bits() -> None:
    held = np.arange(1, 5_001, dtype=np.uint64) << np.uint64(32)

    assert places_of(held, held[[4_999, 17]]).tolist() == [17, 4_999]
