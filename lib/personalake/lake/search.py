"""A search through files as they decode: compressed bytes never show what they hold."""

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from urllib.parse import quote

from personalake.common.marks import Marks
from personalake.lake.containers import contents
from personalake.lake.readings import (
    LONGEST,
    from_base64,
    from_hex,
    from_utf16,
    in_base64,
    in_hex,
    in_utf16,
    readings,
    unpacked_from_base64,
    written,
)
from personalake.lake.sealed import Sealed

# What cannot be part of an identifier that is whole; an address ends where a sentence does.
_BEFORE, _AFTER = rb"(?<![A-Za-z0-9._%+@-])", rb"(?![A-Za-z0-9_@-]|\.[A-Za-z0-9])"
# No domain has a low line: what stands behind one is no more of the address.
_AFTER_ADDRESS = rb"(?![A-Za-z0-9@-]|\.[A-Za-z0-9])"
# In binary files a length or a type stands beside a text, one byte that may look like a letter; two are a longer word.
_BINARY_BEFORE, _BINARY_AFTER = rb"(?<![A-Za-z0-9._%+@-]{2})", rb"(?![A-Za-z0-9._@-]{2})"
_LONG = 1 << 14
# Suffixes behind the suffix that tells the kind of a file.
_WRAPPINGS = frozenset((".gz", ".bz2", ".xz", ".zst", ".lz4", ".snappy", ".zip", ".crc", ".tmp", ".part", ".bak", ".age"))
Decoded = Callable[[bytes, bytes], Iterator[bytes]]


@dataclass(frozen=True)
class Look:
    """What a look into a file came to.

    Args:
        found: The texts that stand in it.
        sealed: What of it is not opened here, in words: nobody can say what stands there.
    """

    found: set[str]
    sealed: frozenset[str]


class Search:
    """Looks for texts in files of any kind.

    Args:
        needles: The texts; each is found where it stands alone, in whatever spelling of JSON, HTML, addresses, mails, base64
            or another character set.
    """

    def __init__(self, needles: Iterable[str]) -> None:
        texts = {needle: written(needle) for needle in needles}
        self._folded: dict[bytes, set[str]] = {}
        for needle, forms in texts.items():
            for form in forms:
                self._folded.setdefault(form.lower(), set()).add(needle)
        self._texts = Marks(self._folded, is_folded=True)
        every = {form for forms in texts.values() for form in forms}
        self._encoded: list[tuple[Marks, Decoded]] = [
            (Marks({mark for form in every for mark in write(form)}), read)
            for write, read in ((in_base64, from_base64), (in_hex, from_hex), (in_utf16, from_utf16))
        ]
        self._overlap = (max(map(len, every), default=0) + 8) * LONGEST
        self._blacked = sorted({form for needle in texts for form in _forms(needle)}, key=len, reverse=True)

    def file(self, path: Path) -> set[str]:
        """The needles that a file holds, in its name or inside, however it is packed; a file that is gone holds none."""
        return self.look(path).found

    def look(self, path: Path) -> Look:
        """The same, with what of the file nobody here can open."""
        found, sealed = self.path(path), set[str]()
        try:
            with path.open("rb") as stream:
                for content in _joined(contents(stream, self._overlap)):
                    if isinstance(content, Sealed):
                        sealed.add(content.decode())
                    else:
                        found |= self.content(content)
        except FileNotFoundError:
            pass
        return Look(found, frozenset(sealed))

    def path(self, path: Path | str) -> set[str]:
        """The needles in a path, behind which the kind of file may be written as if it were more of an address."""
        return self.content("\n".join((str(path), *_bare_names(str(path)))).encode("utf-8", "surrogateescape"))

    def content(self, content: bytes) -> set[str]:
        """The needles in some bytes, however they are spelled."""
        found = set[str]()
        for reading in readings(content):
            found |= self._standing(reading, b"\0" in content)
            for decoded in self._decoded(reading):
                found |= {each for one in readings(decoded) for each in self._standing(one, b"\0" in decoded)}
        return found

    def blackened(self, text: str) -> str:
        """The text without the needles."""
        return self._pattern.sub(b"[erased]", text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        return _standing_alone(tuple(self._blacked), False)

    def _standing(self, content: bytes, is_binary: bool) -> set[str]:
        """Those that stand there as they are; each is asked by itself, since one may be a word of another."""
        there = (form for form in self._texts.standing_in(content) if _standing_alone((form,), is_binary).search(content))
        return {needle for form in there for needle in self._folded[form]}

    def _decoded(self, content: bytes) -> Iterator[bytes]:
        for marks, decoded in self._encoded:
            for mark in marks.standing_in(content):
                yield from decoded(content, mark)
        yield from unpacked_from_base64(content)


def _joined(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Small pieces of text as one, since to look into each for every text takes longer; binary ones stay what they are."""
    held, size = list[bytes](), 0
    for piece in pieces:
        if isinstance(piece, Sealed) or b"\0" in piece or len(piece) > _LONG:
            yield piece
            continue
        held.append(piece)
        size += len(piece)
        if size > _LONG:
            yield b"\n".join(held)
            held, size = [], 0
    yield b"\n".join(held)


@lru_cache(maxsize=4096)
def _standing_alone(texts: tuple[bytes, ...], is_binary: bool) -> re.Pattern[bytes]:
    any_text = b"(" + (b"|".join(map(re.escape, texts)) or rb"\b\B") + b")"
    is_address = all(b"@" in text for text in texts)
    before, after = (_BINARY_BEFORE, _BINARY_AFTER) if is_binary else (_BEFORE, _AFTER_ADDRESS if is_address else _AFTER)
    return re.compile(before + any_text + after, re.IGNORECASE)


def _bare_names(path: str) -> Iterator[str]:
    """Names on a path without the dot of a hidden file and without suffixes: `.a@b.example.csv.gz` is `a@b.example`.

    More than one suffix goes only where the last one tells how the file is packed or kept: else each address would lose
    its own end, and a file of `ann.miller` would be one of `ann`.
    """
    for part in path.split("/"):
        name = part.lstrip(".")
        if name != part:
            yield name
        while (stem := Path(name)).suffix.lower() in _WRAPPINGS:
            name = stem.stem
            yield name
        bare = Path(name).stem
        if bare not in ("", part):
            yield bare


def files_below(folders: Iterable[Path]) -> Iterator[Path]:
    """Every file below some folders, each once; a folder may be a file."""
    seen = set[Path]()
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            if path.is_file() and path not in seen:
                seen.add(path)
                yield path


def _forms(text: str) -> set[bytes]:
    """How a text may stand in a database of texts."""
    plain = written(text)
    told = {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], html.escape(text), quote(text, safe="")}
    return plain | {each.encode() for each in told}
