"""An agent writes down what a person wishes: it lands as a line of the preference centre, and nothing else does."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from personalake.config import Settings
from personalake.errors import InputError
from personalake.lake import Lake
from personalake.pipelines.change_preference import run
from personalake.pipelines.job import JobContext
from personalake.tables.silver import PERSON_LINK

COLUMNS = {"record_id": "id", "customer_id": "who", "preference": "about", "value": "wish", "occurred_at": "at"}
WISHES = {"contact_channel": {"values": ["email", "push"]}}


@pytest.fixture
def asked(lake: Lake, context_of: Callable[..., JobContext], tmp_path: Path) -> Callable[..., JobContext]:
    source = {"contract": "preference", "path": tmp_path / "wishes", "namespace": "crm", "columns": COLUMNS}
    settings = Settings.model_validate(
        {"root": lake.locations.root, "sources": {"wishes": source}, "profiles": {"preferences": WISHES}}
    )
    links = [
        {"namespace": namespace, "value": value, "person_id": "p"} for namespace, value in (("crm", "7"), ("email", "a@x"))
    ]
    lake.ledger.append(PERSON_LINK, links)

    def context(**options: Any) -> JobContext:
        told = {"identifier": "email=a@x", "preference": "contact_channel", "value": "push", "by": "agent", **options}
        return context_of(settings, **told)

    return context


def landed(folder: Path) -> list[dict[str, Any]]:
    assert not list(folder.glob("_*"))
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def test_a_wish_lands_under_the_name_by_which_the_source_knows_the_person(
    asked: Callable[..., JobContext], tmp_path: Path
) -> None:
    first = run(asked())
    run(asked(value=None))

    rows = landed(tmp_path / "wishes")
    assert [(row["who"], row["about"]) for row in rows] == [("7", "contact_channel")] * 2
    assert {row["wish"] for row in rows} == {"push", None}
    assert len({row["id"] for row in rows}) == 2
    assert all(row["at"].endswith("+00:00") for row in rows)
    assert "push" not in first.message  # messages are kept, and wishes are personal


def test_what_is_not_declared_and_whom_nobody_can_name_is_refused_and_nothing_lands(
    asked: Callable[..., JobContext], tmp_path: Path
) -> None:
    for options, word in (
        ({"preference": "colour"}, "not declared"),
        ({"value": "fax"}, "not among those"),
        ({"preference": None}, "what the wish is about"),
        ({"identifier": "email=stranger@x"}, "Nobody is known by this identifier"),
        ({"identifier": "crm=8"}, "Nobody is known by this identifier"),
        ({"identifier": "crn=7"}, "a namespace that nothing here knows"),
    ):
        with pytest.raises(InputError, match=word):
            run(asked(**options))

    assert landed(tmp_path / "wishes") == []


@pytest.mark.parametrize(
    "odd",
    [
        {"columns": {**COLUMNS, "occurred_at": {"column": "at", "format": "dd.MM.yyyy HH:mm"}}},
        {"glob": "*.jsonl"},
        {"each": "items"},
        {"where": "who IS NOT NULL"},
    ],
    ids=["another spelling of times", "files of other names", "several in a line", "some rows only"],
)
def test_a_source_that_would_not_take_the_line_as_it_is_meant_is_not_written_to(
    odd: dict[str, Any], asked: Callable[..., JobContext], tmp_path: Path
) -> None:
    given = asked()
    (source,) = given.settings.sources.values()
    told = {"contract": "preference", "path": tmp_path / "wishes", "namespace": "crm", "columns": COLUMNS, **odd}
    settings = given.settings.model_copy(update={"sources": {"wishes": type(source).model_validate(told)}})

    with pytest.raises(InputError, match="know people by: none"):
        run(replace(given, settings=settings))

    assert landed(tmp_path / "wishes") == []


def test_a_wish_is_written_in_whatever_encoding_the_source_has(asked: Callable[..., JobContext], tmp_path: Path) -> None:
    given = asked(preference="drink", value="caf\u00e9 \u2615")
    (source,) = given.settings.sources.values()
    known = {"sources": {"wishes": source.model_copy(update={"encoding": "iso-8859-1"})}}
    wishes = Settings.model_validate({"profiles": {"preferences": {"drink": {}}}}).profiles
    settings = given.settings.model_copy(update={**known, "profiles": wishes})

    run(replace(given, settings=settings))

    assert [row["wish"] for row in landed(tmp_path / "wishes")] == ["caf\u00e9 \u2615"]
