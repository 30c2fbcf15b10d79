"""Whom a command or a request file names, without a session."""

from pathlib import Path
from typing import Any

import pytest

from personalake.errors import InputError
from personalake.pipelines.erasure_requests import identifiers_named
from personalake.pipelines.job import JobContext
from personalake.tables.silver import PERSON_LINK
from tests.pipelines.outbox_rows import a_lake, context, settings


@pytest.fixture
def given(tmp_path: Path) -> JobContext:
    lake = a_lake(tmp_path / "lake")
    lake.ledger.append(PERSON_LINK, [{"namespace": "crm", "value": "77", "person_id": "p"}])
    return context(lake, settings(lake, {}))


def named(given: JobContext, folder: Path, text: str, **options: Any) -> Any:
    (folder / "asked.txt").write_text(text, encoding="utf-8")
    given.options.update({"request-file": folder / "asked.txt", **options})
    return identifiers_named(given)


def test_all_faults_of_a_request_file_are_told_at_once_by_their_lines_and_repeat_nothing(
    given: JobContext, tmp_path: Path
) -> None:
    text = "email=ann@x.example\nemial=bob@x.example\n\ncrm=77; cy@x.example\nshoe=42; crmm=78\n"

    with pytest.raises(InputError) as problem:
        named(given, tmp_path, text)

    assert problem.value.what.splitlines() == [
        "Nothing was done for anybody: 4 identifiers cannot be used.",
        "  - line 2: an identifier has a namespace that nothing here knows; did you mean email=?",
        "  - line 4: an identifier is not written as namespace=value",
        "  - line 5: an identifier has a namespace that nothing here knows",
        "  - line 5: an identifier has a namespace that nothing here knows; did you mean crm=?",
    ]
    assert problem.value.remedy.startswith("Mend or remove those, and ask again. ")
    assert "namespaces are: " in problem.value.remedy
    assert "crm, " in problem.value.remedy
    for personal in ("bob", "cy@", "42", "emial", "shoe"):
        assert personal not in str(problem.value)


def test_of_many_faults_the_first_are_told_and_the_rest_counted(given: JobContext, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)24 identifiers cannot.*line 20: .*\n  - and 4 more ") as problem:
        named(given, tmp_path, "ann\n" * 24)

    assert "line 21:" not in problem.value.what


def test_what_is_wrong_on_the_command_line_is_told_beside_the_file(given: JobContext, tmp_path: Path) -> None:
    with pytest.raises(InputError) as problem:
        named(given, tmp_path, "nobody\n", identifier="crm=77", also="x=1")

    assert [line.split(":")[0] for line in problem.value.what.splitlines()[1:]] == [
        "  - --identifier or --also",
        "  - line 1",
    ]


def test_a_file_may_begin_with_the_mark_that_editors_of_windows_write(given: JobContext, tmp_path: Path) -> None:
    assert named(given, tmp_path, "\ufeffemail=ann@x.example\n") == {("email", "ann@x.example"): ()}
