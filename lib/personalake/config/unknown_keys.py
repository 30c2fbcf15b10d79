"""Of a key that no setting has: which one is meant, or where it belongs."""

import typing
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from personalake.config.base import Section
from personalake.config.nearest import nearest

_MANY = 24


def where_it_belongs(place: Sequence[str], settings: type[Section]) -> str:
    """What to say of an unknown key.

    Args:
        place: The key as it stands in the files, with those above it.
        settings: The model of all settings.
    """
    name, here = place[-1], _sections_at(settings, place[:-1])
    known = dict.fromkeys(key for section in here for key in section.model_fields)
    if name.strip().lower().replace("-", "_") in known:
        return f"unknown key; did you mean {name.strip().lower().replace('-', '_')}?"
    below = [key for section in here for key, inner in _inner(section) if name in inner.model_fields]
    if below:
        whole = ".".join((*place[:-1], below[0], name))
        return f"unknown key; it belongs under {below[0]}, as {whole}: indent it there"
    if len(place) > 1 and any(name in section.model_fields for section in _sections_at(settings, place[:-2])):
        return f"unknown key; it belongs beside {place[-2]}, not under it: indent it less"
    hint = nearest(name, known)
    return f"unknown key; {hint if len(known) <= _MANY or 'mean' in hint else 'docs/configuration.md has all'}"


def _inner(section: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    """Keys that hold one section each."""
    for key, field in section.model_fields.items():
        if typing.get_origin(field.annotation) not in (dict, tuple, list):
            yield from ((key, inner) for inner in _sections(field.annotation))


def _sections_at(settings: type[Section], place: Sequence[str]) -> list[type[Section]]:
    found: list[Any] = [settings]
    for key in place:
        found = [inner for annotation in found for inner in _step(annotation, key)]
    return [section for annotation in found for section in _sections(annotation)]


def _step(annotation: Any, key: str) -> Iterator[Any]:
    """Types of what stands under a key of something of a type."""
    if typing.get_origin(annotation) in (dict, tuple, list):
        yield next(part for part in reversed(typing.get_args(annotation)) if part is not ...)
    else:
        for section in _sections(annotation):
            if key in section.model_fields:
                yield section.model_fields[key].annotation


def _sections(annotation: Any) -> Iterator[type[Section]]:
    """Sections that a type is, or is one of."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    elif typing.get_origin(annotation) not in (dict, tuple, list, Literal):
        for part in typing.get_args(annotation):
            yield from _sections(part)
