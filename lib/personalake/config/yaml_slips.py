"""What YAML takes for something else than its writer meant, told by line; no value is repeated: it may be a secret."""

import re
from collections.abc import Iterator

import yaml

_TAG = "tag:yaml.org,2002:"
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_CURLED = "“”„‘’‚«»"
_COMMA = "what follows a comma inside { } is read as a key of its own; put text with a comma in quotes; numbers have none"
_NO_BLANK = "a key and its value need a blank behind the colon; put text with a comma or a colon in quotes"
_READ_AS = {
    "bool": "a key that YAML reads as true or false (NO, OFF, YES, ON): put it in quotes",
    "int": "a key that YAML reads as a number: put it in quotes",
    "float": "a key that YAML reads as a number: put it in quotes",
    "null": "a key that YAML reads as nothing: put it in quotes",
    "timestamp": "a key that YAML reads as a day: put it in quotes",
}


def slips(node: yaml.Node, at: tuple[str, ...] = ()) -> Iterator[str]:
    """Everything odd in a document; keys that are no text are taken out of it, for nothing can be said of them later.

    Args:
        node: The document, before its values are made.
        at: The keys above it.
    """
    if isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from slips(value, (*at, str(index)))
    elif isinstance(node, yaml.MappingNode):
        yield from _keys(node, at)
        for key, value in node.value:
            yield from slips(value, (*at, str(key.value)))
    elif isinstance(node, yaml.ScalarNode) and node.style is None:
        told = _scalar(node)
        if told is not None:
            yield _at(at, node, told)


def _keys(node: yaml.MappingNode, at: tuple[str, ...]) -> Iterator[str]:
    """What is odd in keys, and those that stand twice in one place, of which YAML would take the last without a word."""
    lines: dict[str, int] = {}
    kept = []
    for key, value in node.value:
        told = _key(key, value, bool(node.flow_style))
        if told is not None:
            yield _at(at, key, told)
            continue
        kept.append((key, value))
        name, line = str(key.value), key.start_mark.line + 1
        if name != name.strip():
            yield _at(at, key, f"the key {name!r} begins or ends with a blank; leave it out")
        if name in lines and key.tag != f"{_TAG}merge":
            yield f"{'.'.join((*at, name))}: stands twice, in lines {lines[name]} and {line}; keep one"
        lines.setdefault(name, line)
    node.value[:] = kept


def _key(key: yaml.Node, value: yaml.Node, is_in_braces: bool) -> str | None:
    if not isinstance(key, yaml.ScalarNode):
        return "a value that begins with { or [ is read as keys and values, or a list; put text in quotes"
    if is_in_braces and value.value == "" and value.start_mark.index == key.end_mark.index:
        return _NO_BLANK if ":" in str(key.value) else _COMMA
    return _READ_AS.get(key.tag.removeprefix(_TAG)) if key.style is None else None


def _scalar(node: yaml.ScalarNode) -> str | None:
    is_number = node.tag in (f"{_TAG}int", f"{_TAG}float")
    if is_number and ":" in node.value:
        return "digits with a colon, as 12:30, are read as one number of minutes or seconds; put a time in quotes"
    if is_number and _OCTAL.fullmatch(node.value):
        return "a number that begins with 0 is read as octal; leave the 0 out, or put digits that are text in quotes"
    if node.value[:1] in _CURLED and node.value:
        return "curled quotes are letters to YAML; use \" or '"
    return None


def _at(at: tuple[str, ...], node: yaml.Node, told: str) -> str:
    return ": ".join((*([".".join(at)] if at else []), f"line {node.start_mark.line + 1}", told))
