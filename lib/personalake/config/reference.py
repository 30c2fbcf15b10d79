"""docs/configuration.md: every setting in words, made from the settings models."""

import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union

from pydantic.fields import FieldInfo

from personalake.common.markdown import markdown_table
from personalake.config.base import Section
from personalake.config.settings import Settings

_INTRODUCTION = """# Settings

Made by `make docs` from the models in `lib/personalake/config/`; changes here are lost.

Later wins: `conf/base.yml` and the files beside it, `conf/environments/<env>.yml`, the files in `conf/regions/<region>/`
(named as in `conf/`, and `region.yml`), environment variables, the command line.
Files beside `conf/base.yml` leave out the first part of a key, and files of one source or template the first two: what is
`segments.rfm` here is `rfm` in `conf/segments.yml`, and `sources.orders.path` is `path` in `conf/sources/orders.yml`.
The setting `spark.driver_memory` is `PERSONALAKE_SPARK__DRIVER_MEMORY` in the environment, `--set spark.driver_memory=6g` on
the command line. `${root}`, `${landing}`, `${exports}` and `${region}` stand for those settings. A secret is a reference,
`secret://scope/key`, and comes from `PERSONALAKE_SECRET_<SCOPE>_<KEY>`. Unknown keys, wrong types and unset secrets are all
reported together, before anything starts.

Spark SQL in these files gives the same on any day, so it reads no clock: neither `now()` and its like, nor the texts
`'now'`, `'today'`, `'yesterday'` and `'tomorrow'` or a time without its day (`'10:00'`) where Spark makes a day or a time
of them, also as `r'today'`, `lower('TODAY')`, `trim(' today')`, `'to' || 'day'` or `coalesce(NULL, 'today')`, and beside
what a lambda goes through. What other functions make of constants (`reverse('yadot')`, `if(true, 'today', 'now')`) is not
looked into, nor what stands in a row: `cast(slot AS timestamp)` of a row's `10:00` is an hour of the day of the run, so
give a pattern (`to_timestamp(slot, 'HH:mm')`) where a column may hold such.
"""
_FILES = {
    "segments": "conf/segments.yml",
    "identity": "conf/identity.yml",
    "privacy": "conf/privacy.yml",
    "profiles": "conf/profiles.yml",
    "quality": "conf/quality.yml",
    "models": "conf/models.yml",
    "recommender": "conf/recommender.yml",
    "decisions": "conf/rules.yml",
    "sources": "conf/sources/",
    "templates": "conf/templates/",
    "destinations": "conf/destinations.yml",
    "connections": "conf/connections.yml",
    "audiences": "conf/audiences.yml",
}
_WORDS = {"str": "text", "int": "integer", "float": "number", "bool": "true or false", "date": "day", "Path": "path"}


def reference(settings: type[Section] = Settings) -> str:
    """The settings as Markdown: one table for each part of the configuration."""
    return "\n".join([_INTRODUCTION, *_sections(settings, (), set())])


def _sections(section: type[Section], at: tuple[str, ...], shown: set[tuple[object, ...]]) -> Iterator[str]:
    if (section, *at) in shown:
        return
    shown.add((section, *at))
    inner: list[tuple[type[Section], tuple[str, ...]]] = []
    rows = []
    for name, field in section.model_fields.items():
        found = list(_nested(name, field.annotation))
        inner.extend((model, (*at, *place)) for model, place in found)
        has_heading = found and found[0][1] == (name,) and found[0][0] is field.annotation
        if not has_heading or _default(field):
            rows.append((f"`{name}`", _type(field.annotation), _default(field), _meaning(field)))
    yield f"## {_title(at)}{_kind(section)}\n\n{(section.__doc__ or '').strip().splitlines()[0]}\n"
    if rows:
        yield markdown_table(("key", "type", "default", "meaning"), rows) + "\n"
    for model, place in inner:
        yield from _sections(model, place, shown)


def _kind(section: type[Section]) -> str:
    """Which of several models that may stand in one place it is."""
    field = section.model_fields.get("kind")
    is_one = (
        field is not None and typing.get_origin(field.annotation) is Literal and len(typing.get_args(field.annotation)) == 1
    )
    return f", kind `{typing.get_args(field.annotation)[0]}`" if field is not None and is_one and field.default else ""


def _title(at: tuple[str, ...]) -> str:
    if not at:
        return "conf/base.yml"
    key = ".".join(at)
    key = key.replace(".[]", "[]")
    return f"{_FILES[at[0]]}: `{key}`" if at[0] in _FILES else f"`{key}`"


def _nested(name: str, annotation: Any) -> Iterator[tuple[type[Section], tuple[str, ...]]]:
    """The models inside a field's type, each with the key at which it stands."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation, (name,)
        return
    origin = typing.get_origin(annotation)
    suffix = ("<name>",) if origin is dict else ("[]",) if origin in (tuple, list) else ()
    for part in typing.get_args(annotation):
        if origin is Literal:
            return
        for model, place in _nested(name, part):
            yield model, (*place[:1], *suffix, *place[1:])


def _type(annotation: Any) -> str:
    """A type in words.

    >>> _type(dict[str, int])
    'integer by name'
    >>> _type(Literal["a", "b"] | None)
    '`a` or `b`'
    """
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in parts if part is not type(None)))
    if origin is typing.Annotated:
        return _type(parts[0])
    if origin is dict:
        return f"{_in_one(_type(parts[1]))} by name"
    if origin in (tuple, list):
        return f"list of {_in_one(_type(parts[0]))}"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "section"
    name: str = annotation.__name__
    return _WORDS.get(name, name)


def _in_one(words: str) -> str:
    return f"({words})" if " or " in words and words not in _WORDS.values() else words


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ((), {}, ""):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Section) and _written(value) == "{}":
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{_written(part)}`" for part in value)
    return f"`{_written(value)}`"


def _written(value: Any) -> str:
    """A value as it would be written into a file."""
    if isinstance(value, Section) and type(value).__str__ is Section.__str__:  # some have a plainer form of their own
        return _written({name: getattr(value, name) for name in value.model_dump(exclude_defaults=True)})
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_written(each) for each in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meaning(field: FieldInfo) -> str:
    return (field.description or "") + _bounds(field)


def _bounds(field: FieldInfo) -> str:
    limits = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    found = [
        f"{words} {getattr(rule, key)}" for rule in field.metadata for key, words in limits.items() if hasattr(rule, key)
    ]
    return f" ({', '.join(found)})" if found else ""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
