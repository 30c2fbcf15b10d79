"""A text as its letters: small, without accents, escapes and the signs between them."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from itertools import accumulate

# How many signs may stand between letters: of one word, of one that is long, of parts of a name.
JOINED, APART, BETWEEN = 0, 1, 3
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})
# Instead of a letter that is lost: a sign that nobody can read.
_LOST = "\ufffd"
_SIGNS = re.compile(r"(?s).")
# Bytes (%2E, =2E), HTML, JSON; and what letters that are not ASCII have become.
_ESCAPES = re.compile(r"(?is)((?:[%=][0-9a-f]{2})+)|(&#?\w{1,8};)|\\u([0-9a-f]{4})|([?\ufffd]{1,4})|.")


class Letters:
    """Letters and digits, and what stands before each of them and behind the last."""

    def __init__(self, signs: Iterator[tuple[str, int, int]]) -> None:
        letters: list[str] = []
        self.gaps = [""]
        self._places: list[tuple[int, int]] = []
        for sign, begin, end in signs:
            if sign.isalnum() or sign == _LOST:
                letters.append(sign)
                self.gaps.append("")
                self._places.append((begin, end))
            else:
                self.gaps[-1] += sign
        self.letters = "".join(letters)
        widths = [self._width(at) for at in range(len(letters))]
        self._wider = {most: [0, *accumulate(width > most for width in widths)] for most in (JOINED, APART, BETWEEN)}

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Where some letters are in the text."""
        return self._places[begin][0], self._places[end - 1][1]

    def is_gap(self, begin: int, end: int, most: int) -> bool:
        """Whether no more than so many signs stand before any of some letters; a blank beside a digit is no gap at all."""
        return self._wider[most][max(begin, end)] == self._wider[most][begin]

    def is_edge(self, at: int) -> bool:
        """Whether a word may begin or end here; scripts without capitals write them without gaps, or with particles."""
        if at in (0, len(self.letters)) or self.gaps[at]:
            return True
        return not (_is_in_words(self.letters[at - 1]) and _is_in_words(self.letters[at]))

    def _width(self, at: int) -> int:
        gap = self.gaps[at]
        is_number = self.letters[at].isdecimal() or (at > 0 and self.letters[at - 1].isdecimal())
        return BETWEEN + 1 if is_number and any(map(str.isspace, gap)) else len(gap)


def readings(text: str) -> Iterator[Letters]:
    """A text as it is and with its escapes read, each with umlauts in both ways."""
    for tokens in (_SIGNS, _ESCAPES):
        for with_e in (False, True):
            yield Letters(_signs(text, tokens, with_e))


def folded(word: str) -> set[str]:
    """How a word is spelled: umlauts in both ways, and letters that are not ASCII lost."""
    lost = re.sub(r"[^\x00-\x7f]+", _LOST, word.lower())
    return {_fold(word, False), _fold(word, True)} | ({lost} if len(lost) > 2 or word.isascii() else set())


def _signs(text: str, tokens: re.Pattern[str], with_e: bool) -> Iterator[tuple[str, int, int]]:
    for token in tokens.finditer(text):
        for sign in _fold(_read(token), with_e):
            yield sign, *token.span()


def _read(token: re.Match[str]) -> str:
    match token.lastindex:
        case 1:
            raw = bytes.fromhex(re.sub("[%=]", "", token[1]))
            try:
                return raw.decode()
            except UnicodeDecodeError:
                return raw.decode("latin-1")
        case 2:
            return unescape(token[2])
        case 3:
            return chr(int(token[3], 16))
        case 4:
            return _LOST
        case _:
            return " " if token[0] == _LOST else token[0]


@lru_cache(4096)
def _fold(text: str, with_e: bool) -> str:
    small = unicodedata.normalize("NFC", text).casefold()
    apart = unicodedata.normalize("NFKD", (small.translate(_UMLAUTS) if with_e else small).translate(_PLAIN))
    bare = (sign for sign in apart if not unicodedata.combining(sign) and unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFC", "".join(bare))


def _is_in_words(letter: str) -> bool:
    return letter.isdigit() or letter.lower() != letter.upper()
