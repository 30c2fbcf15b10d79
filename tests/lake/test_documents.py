"""JSON documents, laid out in lines."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.lake.documents import document_problem, lines_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=3)


@settings(max_examples=60)
@given(objects=st.lists(OBJECTS, max_size=4), indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans())
def test_each_object_of_a_document_is_one_line_and_says_the_same(
    objects: list[dict[str, Any]], indent: int | None, ascii_only: bool
) -> None:
    lines = list(lines_of(json.dumps(objects, indent=indent, ensure_ascii=ascii_only)))

    assert [json.loads(line) for line in lines] == objects
    assert all("\n" not in line and "\r" not in line for line in lines)


def test_numbers_keep_the_digits_in_which_they_came() -> None:
    assert list(lines_of(' {"paid":\r\n 1.50} ')) == ['{"paid":   1.50}']


@pytest.mark.parametrize("text", ["[", '{"a": 1', '[{"a": 1} {"b": 2}]', '{"a": 1} x', "[1,]", "nothing"])
def test_what_is_no_whole_document_is_told_by_its_place_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)

    problem = document_problem(tmp_path / "a.json", "utf-8")

    assert problem is not None
    assert problem.startswith("not a JSON document: ")
    assert '"a"' not in problem


def test_an_empty_file_and_a_marked_one_are_whole(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("\ufeff \n")
    (tmp_path / "marked.json").write_text('\ufeff[{"a": 1}]')

    assert document_problem(tmp_path / "empty.json", "utf-8") is None
    assert document_problem(tmp_path / "marked.json", "utf-8") is None
