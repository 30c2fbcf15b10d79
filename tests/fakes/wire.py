"""What came over the wire: strict JSON with the exact bytes of each item of a list; and how a connection is broken."""

import asyncio
import json
import re
import socket
import struct
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def loads(body: bytes) -> Any:
    """A value; NaN and Infinity, which Python would take, are refused as every vendor does."""
    return _DECODER.decode(body.decode("utf-8"))


def measured(body: bytes, *keys: str) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """An object, and the bytes that each item of some of its lists takes.

    Args:
        body: JSON.
        keys: Keys of the outermost object whose values may be lists.

    Raises:
        ValueError: If it is no JSON object.
    """
    text = body.decode("utf-8")
    found: dict[str, Any] = {}
    sizes: dict[str, list[int]] = {}
    place = _expect(text, _skip(text, 0), "{")
    place = _skip(text, place)
    if text[place : place + 1] == "}":
        return _end(text, place + 1, found, sizes)
    while True:
        key, place = _DECODER.raw_decode(text, _skip(text, place))
        if not isinstance(key, str):
            raise ValueError("a key is not a string")
        place = _skip(text, _expect(text, _skip(text, place), ":"))
        if key in keys and text[place : place + 1] == "[":
            found[key], sizes[key], place = _items(text, place + 1)
        else:
            found[key], place = _DECODER.raw_decode(text, place)
        place = _skip(text, place)
        if text[place : place + 1] != ",":
            return _end(text, _expect(text, place, "}"), found, sizes)
        place += 1


def _items(text: str, place: int) -> tuple[list[Any], list[int], int]:
    items: list[Any] = []
    sizes: list[int] = []
    is_ascii = text.isascii()
    place = _skip(text, place)
    if text[place : place + 1] == "]":
        return items, sizes, place + 1
    while True:
        start = _skip(text, place)
        item, place = _DECODER.raw_decode(text, start)
        items.append(item)
        sizes.append(place - start if is_ascii else len(text[start:place].encode()))
        place = _skip(text, place)
        if text[place : place + 1] != ",":
            return items, sizes, _expect(text, place, "]")
        place += 1


def _skip(text: str, place: int) -> int:
    return _SPACE.match(text, place).end()  # type: ignore[union-attr]


def _expect(text: str, place: int, wanted: str) -> int:
    if text[place : place + 1] != wanted:
        raise ValueError(f"{wanted} expected at {place}")
    return place + 1


def _end(
    text: str, place: int, found: dict[str, Any], sizes: dict[str, list[int]]
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    if _skip(text, place) != len(text):
        raise ValueError("something follows the object")
    return found, sizes


def break_off(transport: asyncio.BaseTransport | None) -> None:
    """Close a connection with a reset instead of an end, as a crashed balancer does."""
    if transport is None:
        return
    found: socket.socket | None = transport.get_extra_info("socket")
    if found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
