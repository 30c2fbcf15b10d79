"""JSON files that are one document, as webhooks drop them: an object, or an array of objects, over any number of lines."""

import json
from collections.abc import Iterator
from pathlib import Path

from personalake.lake.unpacked import opened

_BLANKS = " \t\r\n"


def lines_of(text: str) -> Iterator[str]:
    r"""The objects of a document, one line each, in the words in which they came.

    Raises:
        json.JSONDecodeError: If it is no whole document; the message tells where, and nothing of what stands there.

    >>> list(lines_of('[{"a": 1.50},\n {"a":\n2}]'))
    ['{"a": 1.50}', '{"a": 2}']
    """
    decoder, place = json.JSONDecoder(), _after_blanks(text, 0)
    if text[place : place + 1] != "[":
        _, end = decoder.raw_decode(text, place)
        _require_end(text, end)
        yield _on_one_line(text[place:end])
        return
    place = _after_blanks(text, place + 1)
    if text[place : place + 1] == "]":
        _require_end(text, place + 1)
        return
    while True:
        _, end = decoder.raw_decode(text, place)
        yield _on_one_line(text[place:end])
        place = _after_blanks(text, end)
        if text[place : place + 1] == "]":
            _require_end(text, place + 1)
            return
        if text[place : place + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' or ']'", text, place)
        place = _after_blanks(text, place + 1)


def document_problem(path: Path, encoding: str) -> str | None:
    """Why a file is no whole document, or None; an empty file is none, and no harm."""
    text = read_text(path, encoding)
    if not text.strip():
        return None
    try:
        for _ in lines_of(text):
            pass
    except json.JSONDecodeError as error:
        return f"not a JSON document: {error.msg}: line {error.lineno}, column {error.colno}"
    return None


def read_text(path: Path, encoding: str) -> str:
    """The text of a file, unpacked if it is a gzip; without the mark that some put before it."""
    with opened(path) as stream:
        return stream.read().decode(encoding).removeprefix("\ufeff")


def _after_blanks(text: str, place: int) -> int:
    while place < len(text) and text[place] in _BLANKS:
        place += 1
    return place


def _require_end(text: str, place: int) -> None:
    if _after_blanks(text, place) < len(text):
        raise json.JSONDecodeError("Extra data", text, place)


def _on_one_line(text: str) -> str:
    """Line ends within an object are blanks between its tokens: in a text of it they would be escaped."""
    return text.replace("\r", " ").replace("\n", " ")
