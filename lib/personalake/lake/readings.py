"""How a text may be written so that it reads otherwise: escaped, encoded, in other character sets."""

import base64
import binascii
import html
import quopri
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import unquote_to_bytes

# The longest way to write one letter: `&#x000061;`, or two bytes of it as JSON escapes.
LONGEST = 12
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f"}
_QUOTED_PRINTABLE = re.compile(rb"=(?:[0-9A-F]{2}|\r?\n)")
_ENTITY = re.compile(rb"&(?:#\d|#[xX][0-9a-fA-F]|\w+;)")
# Base64 of mails and of notebooks goes over lines.
_WRAPPED = re.compile(rb"(?<=[A-Za-z0-9+/]{60})(?:\r?\n|\\n)(?=[A-Za-z0-9+/])")
# How gzip and zlib begin in base64.
_PACKED = re.compile(rb"(?:H4sI|eJ[w-z])[A-Za-z0-9+/_-]{16,}={0,2}")
_ZEROS = re.compile(rb"\0+")
_IN_BASE64, _IN_HEX = rb"[A-Za-z0-9+/_-]", rb"[0-9a-fA-F]"
_AROUND = 400
_LONG = 1 << 16
# Fewer bytes leave too little in base64 to be told from anything else.
_LEAST = 6


def written(text: str) -> set[bytes]:
    r"""A text in capitals and small letters, in each normal form, as UTF-8 and in one byte a letter.

    >>> sorted(written("é"))
    [b'E\xcc\x81', b'e\xcc\x81', b'\xc3\x89', b'\xc3\xa9', b'\xc9', b'\xe9']
    """
    cases = {text, text.lower(), text.upper(), text.title()}
    forms = cases | {unicodedata.normalize(form, case) for case in cases for form in ("NFC", "NFD")}
    found = {form.encode() for form in forms}
    for form in forms:
        with suppress(UnicodeEncodeError):
            found.add(form.encode("cp1252"))
    return found


def readings(content: bytes) -> Iterator[bytes]:
    """The content, with each way of escaping undone where there is a sign of it, and undone again in what comes out."""
    waiting, seen = [content], set[bytes]()
    # In long binary files every sign occurs by chance, and what comes out of one is no text to be undone again.
    rounds = 2 if len(content) > _LONG and b"\0" in content else 3
    for _ in range(rounds):
        found = list[bytes]()
        for one in waiting:
            if one not in seen:
                seen.add(one)
                yield one
                found += [reading for undo in _UNDO if (reading := undo(one)) is not None]
        waiting = found


def _without_backslashes(content: bytes) -> bytes | None:
    return _ESCAPE.sub(_letter, content) if b"\\" in content else None


def _letter(escape: re.Match[bytes]) -> bytes:
    code = escape[1] or escape[2]
    if code:
        return chr(int(code, 16)).encode("utf-8", "surrogatepass")
    return _PLAIN.get(escape[3], escape[3])


def _without_percents(content: bytes) -> bytes | None:
    return unquote_to_bytes(content) if b"%" in content else None


def _of_a_query(content: bytes) -> bytes | None:
    return unquote_to_bytes(content.replace(b"+", b" ")) if b"%" in content and b"+" in content else None


def _without_entities(content: bytes) -> bytes | None:
    if b"&" not in content or not _ENTITY.search(content):
        return None
    return html.unescape(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _without_equal_signs(content: bytes) -> bytes | None:
    return quopri.decodestring(content) if b"=" in content and _QUOTED_PRINTABLE.search(content) else None


def _of_two_bytes(content: bytes) -> bytes | None:
    """UTF-16, in which every second byte of Western letters is zero; more zeros are between two texts."""
    return _ZEROS.sub(lambda zeros: b"" if len(zeros[0]) == 1 else b"\n", content) if b"\0" in content else None


def _of_four_bytes(content: bytes) -> bytes | None:
    """UTF-32, as numpy keeps texts."""
    if b"\0\0\0" not in content:
        return None
    return _ZEROS.sub(lambda zeros: b"" if len(zeros[0]) == 3 else b"\n", content)


def _unwrapped(content: bytes) -> bytes | None:
    return _WRAPPED.sub(b"", content) if _WRAPPED.search(content) else None


_UNDO: tuple[Callable[[bytes], bytes | None], ...] = (
    _without_backslashes,
    _without_percents,
    _of_a_query,
    _without_entities,
    _without_equal_signs,
    _of_two_bytes,
    _of_four_bytes,
    _unwrapped,
)


def in_base64(text: bytes) -> set[bytes]:
    """What stays of a text in base64, whatever stands before it; nothing of a text that is too short.

    >>> base64.b64encode(b"to: ann@x.example")
    b'dG86IGFubkB4LmV4YW1wbGU='
    >>> b"FubkB4LmV4YW1wbG" in in_base64(b"ann@x.example")
    True
    """
    found = set[bytes]()
    for shift in range(3) if len(text) >= _LEAST else ():
        whole = base64.b64encode(b"\0" * shift + text + b"\0" * 3)
        letters = whole[-(-shift * 8 // 6) : (shift + len(text)) * 8 // 6]
        found |= {letters, letters.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def in_hex(text: bytes) -> set[bytes]:
    """A text in hexadecimal digits, small and large; nothing of a text that is too short."""
    return {text.hex().encode(), text.hex().upper().encode()} if len(text) >= _LEAST else set()


def in_utf16(text: bytes) -> set[bytes]:
    """A text with letters beyond ASCII, whose UTF-16 is not recognised by its zeros."""
    with suppress(UnicodeDecodeError):
        if not text.isascii():
            return {text.decode().encode(codec) for codec in ("utf-16-le", "utf-16-be")}
    return set()


def from_base64(content: bytes, mark: bytes) -> Iterator[bytes]:
    """What stands around each place of a mark, decoded."""
    for run in _runs(content, mark, _IN_BASE64):
        yield from _from_base64(run)


def from_hex(content: bytes, mark: bytes) -> Iterator[bytes]:
    """The same of hexadecimal digits."""
    for run in _runs(content, mark, _IN_HEX):
        for shift in range(2):
            yield bytes.fromhex(run[shift : shift + (len(run) - shift) // 2 * 2].decode())


def from_utf16(content: bytes, mark: bytes) -> Iterator[bytes]:
    """What stands around each place of a mark, in both orders of bytes."""
    place = content.find(mark)
    while place >= 0:
        around = content[max(0, place - _AROUND) : place + len(mark) + _AROUND]
        for codec in ("utf-16-le", "utf-16-be"):
            yield from (around[shift:].decode(codec, "replace").encode("utf-8", "replace") for shift in (0, 1))
        place = content.find(mark, place + len(mark))


def unpacked_from_base64(content: bytes) -> Iterator[bytes]:
    """What is packed by gzip or zlib and then written in base64, as far as it can be read."""
    for packed in _PACKED.finditer(content):
        with suppress(zlib.error, StopIteration):
            yield zlib.decompressobj(47).decompress(next(_from_base64(packed[0])))


def _runs(content: bytes, mark: bytes, letters: bytes) -> Iterator[bytes]:
    before, after = re.compile(letters + rb"*\Z"), re.compile(letters + b"*")
    place = content.find(mark)
    while place >= 0:
        start, end = before.search(content[max(0, place - _AROUND) : place]), after.match(content, place + len(mark))
        if start is not None and end is not None:
            yield start[0] + mark + end[0][:_AROUND]
        place = content.find(mark, place + len(mark))


def _from_base64(run: bytes) -> Iterator[bytes]:
    """Decoded from each place in a group: what stands before, as the name of a folder, may read as base64, too."""
    plain = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    for shift in range(4):
        letters = plain[shift:]
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        with suppress(binascii.Error):
            yield binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
