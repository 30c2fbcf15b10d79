"""Reads YAML so that a slip is told by file and line, and no line of the file is repeated: it may hold a secret."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

UNREAD = ": cannot be read as YAML: "
_MERGE = "<<"


def read_mapping(path: Path, problems: list[str]) -> dict[str, Any]:
    """Keys and values of a YAML file; empty, with problems told, if they cannot be had.

    Args:
        path: The file.
        problems: Takes up what is wrong with it: unreadable, no keys and values, a key that stands twice.
    """
    try:
        content, twice = _loaded(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.append(f"{path}: no such file")
        return {}
    except UnicodeDecodeError as error:
        problems.append(f"{path}{UNREAD}not UTF-8, at byte {error.start}; save the file as UTF-8")
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        problems.append(f"{path}{UNREAD}{why_unreadable(error)}")
        return {}
    problems.extend(f"{path}: {told}" for told in twice)
    if content is None:
        return {}
    if not isinstance(content, dict):
        problems.append(f"{path}: expected keys and values, found {type(content).__name__}")
        return {}
    return content


def read_value(text: str) -> Any:
    """The value of an environment variable or option.

    Raises:
        ValueError: If it is not YAML; says why without repeating it.
    """
    try:
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(why_unreadable(error)) from None


def why_unreadable(error: Exception) -> str:
    """A parser's reason with its line; never the line itself."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    reason = " ".join(part for part in (error.context, error.problem) if part)
    if r"'\t'" in reason:
        reason = "a tab; indent with spaces"
    mark = error.problem_mark or error.context_mark
    return reason if mark is None else f"line {mark.line + 1}: {reason}"


def without_echoes(problems: list[str]) -> list[str]:
    """The problems but those that only follow from a file that could not be read, as what is missing there."""
    unread = tuple(f"{problem.partition(UNREAD)[0]}: " for problem in problems if UNREAD in problem)
    return [problem for problem in problems if UNREAD in problem or not problem.startswith(unread)]


def _loaded(text: str) -> tuple[Any, list[str]]:
    """The content, and each key that stands twice in one place, of which YAML would take the last without a word."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, []
        twice = list(_twice(node, ()))
        return loader.construct_document(node), twice
    finally:
        loader.dispose()


def _twice(node: yaml.Node, at: tuple[str, ...]) -> Iterator[str]:
    if isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _twice(value, (*at, str(index)))
    elif isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines and name != _MERGE:
                yield f"{'.'.join((*at, name))}: stands twice, in lines {lines[name]} and {line}; keep one"
            lines.setdefault(name, line)
            yield from _twice(value, (*at, name))
