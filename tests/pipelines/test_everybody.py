"""Files are asked for all who are to be forgotten at once, each by their own words."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from personalake.pipelines import erasure_work
from personalake.pipelines.everybody import Everybody
from personalake.privacy.subject import Subject


def _known_by(*values: str) -> Subject:
    return Subject(("email", values[0]), identifiers=frozenset(("email", value) for value in values))


def test_each_is_told_apart_though_one_name_is_a_word_of_another(tmp_path: Path) -> None:
    subjects = {
        "1": _known_by("555 0101-77"),
        "2": _known_by("0101-77"),
        "3": _known_by("ANN@x.example"),
        "4": _known_by("ann@x.example"),
    }
    (one := tmp_path / "one").write_text("call 555 0101-77 now")
    (two := tmp_path / "two").write_text("Ann@x.example; jo.ann@x.example")

    everybody = Everybody(subjects)

    assert everybody.named(one) == [1, 1, 0, 0]
    assert everybody.named(two) == [0, 0, 1, 1]
    assert everybody.named(one, two) == [1, 1, 1, 1]
    assert everybody.named() == [0, 0, 0, 0]


def test_only_those_whom_a_file_names_are_asked_for_line_by_line(tmp_path: Path) -> None:
    everybody = Everybody({"1": _known_by("ann@x.example"), "2": _known_by("bob@x.example")})
    (path := tmp_path / "one").write_text("bob@x.example")

    first, second = everybody.asked(path, [lambda line: True, lambda line: True])

    assert not first("any")
    assert second("any")


def test_one_search_tells_for_each_person_what_is_left_and_shows_no_name(tmp_path: Path, monkeypatch: Any) -> None:
    for name, text in {"one": "ann@x.example", "two": "nobody", "ann@x.example.csv": "bob@x.example"}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(erasure_work, "_every_file", lambda *_: sorted(tmp_path.iterdir()))
    erasure, lake = SimpleNamespace(search=True), SimpleNamespace(locations=SimpleNamespace(root=tmp_path))
    context: Any = SimpleNamespace(settings=SimpleNamespace(erasure=erasure), lake=lake)
    subjects = {"1": _known_by("ann@x.example"), "2": _known_by("bob@x.example"), "3": _known_by("eve@x.example")}

    told = list[str]()
    found = erasure_work.left_of(context, subjects, told.append)

    hidden = "a file that is named after the person"
    assert {each: it.places for each, it in found.items()} == {"1": (hidden, "one"), "2": (hidden,), "3": ()}
    assert {(it.files, it.needles) for it in found.values()} == {(3, 1)}
    assert told == ["file 1 of 3", "file 2 of 3", "file 3 of 3"]
