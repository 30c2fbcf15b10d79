"""A look into files for all who are to be forgotten."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from personalake.lake.search import Search
from personalake.privacy.subject import Subject


class Everybody:
    """A search for all persons at once: a file is decoded once, not once for each."""

    def __init__(self, subjects: Mapping[str, Subject]) -> None:
        self._needles = [subject.needles for subject in subjects.values()]
        self._search = Search({needle for needles in self._needles for needle in needles})

    def named(self, *paths: Path) -> list[int]:
        """For each person, in order, 1 if some of the files name them."""
        found = set[str]().union(*map(self._search.file, paths))
        return [int(not found.isdisjoint(needles)) for needles in self._needles]

    def asked(self, path: Path, tests: Sequence[Callable[[Any], bool]]) -> list[Callable[[Any], bool]]:
        """Tests of lines or rows, one for each person, in order: of those whom the file does not name, one that says no.

        The whole file is asked first, in large pieces: line by line a search costs far more, and most files name nobody.
        """
        return [test if is_named else _never for test, is_named in zip(tests, self.named(path), strict=True)]


def _never(line: object) -> bool:
    return False
