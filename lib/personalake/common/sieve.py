"""Which of many tests a line can meet at all: told by words that stand in whatever a test holds for."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from personalake.common.marks import Marks

_BLOCK = 1 << 14
_WORD = re.compile(r"[A-Za-z0-9]+")
# Letters beyond ASCII that count as ASCII where capitals and small letters are the same: `\u212a` is a k, `\xdf` is ss.
_ODD = re.compile("[\xdf\u0130\u0131\u0149\u017f\u01f0\u1e96-\u1e9a\u1e9e\u212a\ufb00-\ufb06]")


def word_in(text: str) -> str | None:
    """The longest run of plain letters and digits in a text, in small ones: JSON and CSV write it as it is.

    Of an address it is one before the sign, if there is any: what comes behind stands in the lines of very many.

    >>> word_in("Ann.Bell@x.example"), word_in("…")
    ('bell', None)
    """
    words: list[str] = _WORD.findall(text.rpartition("@")[0]) or _WORD.findall(text)
    return max(words, key=len).lower() if words else None


def words_in(texts: Iterable[str]) -> frozenset[str] | None:
    """Such a word of each text; None if one has none."""
    words = {word_in(text) for text in texts}
    return None if None in words else frozenset(word for word in words if word is not None)


class Sieve:
    """Gives every line with the places of those tests that have to be asked about it.

    Args:
        words: For each test, small words of plain letters and digits of which one stands, in any capitals, in every line
            that the test holds for; None where the test is always to be asked.
    """

    def __init__(self, words: Sequence[Collection[str] | None]) -> None:
        self._always = [place for place, told in enumerate(words) if told is None]
        self._places: dict[str, list[int]] = {}
        for place, told in enumerate(words):
            for word in told or ():
                self._places.setdefault(word, []).append(place)
        self._marks = Marks({word.encode() for word in self._places}, is_folded=True)
        self._every = list(range(len(words)))

    def sifted(self, lines: Iterable[str]) -> Iterator[tuple[str, list[int]]]:
        """Every line, in order; lines are looked at some thousand bytes at once, since most name nobody."""
        for block in _blocks(lines):
            text = "".join(block)
            if _ODD.search(text):
                yield from ((line, self._every) for line in block)
                continue
            there = [mark.decode() for mark in self._marks.standing_in(text.encode("utf-8", "surrogateescape"))]
            for line in block:
                yield line, self._of(line, there)

    def _of(self, line: str, words: Sequence[str]) -> list[int]:
        if not words:
            return self._always
        small = line.lower()
        return sorted({place for word in words if word in small for place in self._places[word]}.union(self._always))


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    held, size = list[str](), 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size > _BLOCK:
            yield held
            held, size = [], 0
    yield held
