"""What pydantic finds wrong, in the words of who wrote the YAML: the key as it stands there, and never a secret."""

import re
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from personalake.config.base import Section
from personalake.config.connections.hosts import SecretReference
from personalake.config.nearest import which_of
from personalake.config.unknown_keys import where_it_belongs

_SECRET_WORDS = frozenset(
    {"password", "passwd", "passphrase", "secret", "token", "key", "credential", "credentials", "jaas", "bearer"}
)
_SECRET_NAMES = frozenset({"client_id", "service_account", "username"})
_SECRET_TEXT = re.compile(r"://[^/@\s]*:[^/@\s]+@|(?:password|passwd|pwd|secret|token|key|sig)\s*=", re.IGNORECASE)
_WHOLE, _NUMBER, _FLAG = "expected a whole number", "expected a number", "expected true or false"
_LIST, _KEYS = "expected a list, e.g. [a, b]", "expected keys and values"
_DAY = "expected a day, e.g. 2025-12-31"
_NOTHING = "nothing stands here: indent what belongs under it, or leave the key out"
_WORDS = {
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _KEYS,
    "model_type": _KEYS,
    "string_type": "expected text; put it in quotes",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "bool_type": _FLAG,
    "bool_parsing": _FLAG,
    "path_type": "expected a path",
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "finite_number": "expected a finite number",
    "string_too_short": "expected text; nothing stands here",
    "too_short": "expected at least one entry; the list is empty",
    "string_pattern_mismatch": "expected a name of small letters, digits and _",
}
_OF_SECTIONS = {
    "ColumnMap": "expected the name of a column, or one of {column: …}, {expression: …}, {constant: …}; a fixed value is "
    "{constant: '3'}",
    "Mapped": "expected a column or Spark SQL as text, or {source: …}",
}
_READ_AS_FLAG = "YAML reads NO, OFF, YES and ON as true or false: put the value in quotes"


def told(
    error: ValidationError, merged: Mapping[str, Any], settings: type[Section]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Key and text of each problem.

    Args:
        error: What pydantic found.
        merged: The keys and values that it was given; parts of its places that are in none of them are its own.
        settings: The model that was filled.
    """
    days: set[tuple[str, ...]] = set()
    for details in error.errors():
        problem: dict[str, Any] = {**details}
        place = _place(problem["loc"], merged, problem["type"] == "missing")
        if problem["type"] == "literal_error" and place in days:
            continue  # the other half of "a day, or latest"
        text = where_it_belongs(place, settings) if problem["type"] == "extra_forbidden" and place else _text(problem)
        if problem["type"].startswith("date_"):
            days.add(place)
            text += _or_word(error.errors(), problem["loc"])
        yield place, text + _found(problem, place, secret_fields(settings))


@lru_cache
def secret_fields(settings: type[Section]) -> frozenset[str]:
    """Names of all fields, however deep, that hold a reference to a secret."""
    found: set[str] = set()
    seen: set[type[Section]] = set()
    left = [settings]
    while left:
        section = left.pop()
        seen.add(section)
        for name, annotation in typing.get_type_hints(section, include_extras=True).items():
            parts = list(_parts(annotation))
            if SecretReference in parts:
                found.add(name)
            left.extend(part for part in parts if isinstance(part, type) and issubclass(part, Section) and part not in seen)
    return frozenset(found)


def is_secret(place: Sequence[str]) -> bool:
    """Whether a key, or one above it, is called like something secret.

    >>> is_secret(("connections", "crm", "api_key")), is_secret(("audiences", "a", "key_field"))
    (True, False)
    """
    return any(part in _SECRET_NAMES or re.split(r"[^a-z]+", part.lower())[-1] in _SECRET_WORDS for part in place)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in typing.get_args(annotation):
        yield from _parts(part)


def _place(loc: Sequence[int | str], merged: Any, is_missing: bool) -> tuple[str, ...]:
    """The key as it stands in the files: without pydantic's names for the member of a union and the like."""
    place, node = [], merged
    for index, part in enumerate(loc):
        is_entry = isinstance(node, list | tuple) and isinstance(part, int) and part < len(node)
        if is_entry or (isinstance(node, dict) and part in node):
            node = node[part]
        elif not (is_missing and index == len(loc) - 1):
            continue
        place.append(str(part))
    return tuple(place)


def _text(problem: Mapping[str, Any]) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    if kind == "missing":
        return "missing"
    if kind == "union_tag_not_found":
        return "kind is missing; docs/configuration.md lists the kinds"
    if kind == "union_tag_invalid":
        kinds = [each.strip(" '") for each in str(context["expected_tags"]).split(",")]
        return f"no kind {context['tag']!r}; {_meant(context['tag'], kinds) or 'there are: ' + ', '.join(kinds)}"
    if kind == "string_type" and isinstance(problem["input"], bool):
        return _READ_AS_FLAG
    if problem["input"] is None and kind in ("model_type", "dict_type", "tuple_type", "list_type"):
        return _NOTHING
    if kind == "model_type":
        return _OF_SECTIONS.get(str(context.get("class_name")), _KEYS)
    words = _WORDS.get(kind, problem["msg"].removeprefix("Value error, "))
    return re.sub(r"^Input should be", "expected", words) + _hint(kind, problem["input"], context)


def _hint(kind: str, value: object, context: Mapping[str, Any]) -> str:
    """What was perhaps meant by a number, or by one of a few words."""
    if not isinstance(value, str):
        return ""
    if kind == "literal_error":
        meant = _meant(value, re.findall(r"'([^']*)'", str(context.get("expected"))))
        return f"; {meant}" if meant else ""
    if kind not in ("int_parsing", "float_parsing"):
        return ""
    text = value.strip()
    if re.fullmatch(r"\d+([.,]\d+)?\s*%", text):
        return f"; a share of {text} is {float(text.rstrip('% ').replace(',', '.')) / 100:g}"
    if re.fullmatch(r"\d{1,3}([,.' ]\d{3})+", text):
        return f"; write {re.sub(r'[^0-9]', '', text)}, without separators"
    if re.fullmatch(r"\d+,\d+", text):
        return f"; write {text.replace(',', '.')}, with a point"
    unit = re.fullmatch(r"(\d+) *[A-Za-z]+", text)
    return f"; write {unit[1]} alone, the unit is in docs/configuration.md" if unit else ""


def _meant(value: object, words: Collection[str]) -> str:
    found = which_of(str(value), words)
    return f"did you mean {' or '.join(filter(None, (', '.join(found[:-1]), found[-1])))}?" if found else ""


def _or_word(errors: Sequence[Any], loc: Sequence[int | str]) -> str:
    """The word that may stand in the place of a day, if there is one."""
    others = [one for one in errors if one["type"] == "literal_error" and one["loc"][:-1] == loc[:-1]]
    return "".join(f" or {one['ctx']['expected']}{_hint(one['type'], one['input'], one['ctx'])}" for one in others[:1])


def _found(problem: Mapping[str, Any], place: Sequence[str], secrets: frozenset[str]) -> str:
    value = problem["input"]
    is_shown = isinstance(value, str | int | float | bool)
    if not place or not is_shown or problem["type"] in ("extra_forbidden", "missing"):
        return ""
    if is_secret(place) or secrets.intersection(place) or _SECRET_TEXT.search(str(value)):
        return ""
    return f" (found {value!r})"
