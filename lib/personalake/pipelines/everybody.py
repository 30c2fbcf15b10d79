"""A look into files for all who are to be forgotten."""

from collections.abc import Mapping
from pathlib import Path

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
