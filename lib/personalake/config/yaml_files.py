"""Reads YAML so that a slip is told by file and line, and no line of the file is repeated: it may hold a secret."""

from pathlib import Path
from typing import Any

import yaml

from personalake.config.yaml_slips import slips

UNREAD = ": cannot be read as YAML: "
# Words of the parser: what to say in their place. Names of aliases and tags are not repeated.
_PLAINER = {
    r"'\t'": "a tab; indent with spaces",
    "undefined alias": "a value that begins with * points to another place of the file; put text in quotes",
    "constructor for the tag": "a value that begins with ! is a tag; put text in quotes",
    "single document": "--- begins a second document; one file holds one",
    "mapping values": "a colon where none can stand; write `key: value` with a blank behind the colon, and put text with a "
    "colon in quotes",
    "expected ':'": "a line without `key: value`; a blank follows the colon",
    "<block end>": "a line that is indented unlike its neighbours, or text behind a closing quote, bracket or brace",
    "expected ',' or": "a bracket or brace that is not closed, or text inside it with a colon, quote or bracket; put that "
    "text in quotes",
}


def read_mapping(path: Path, problems: list[str]) -> dict[str, Any]:
    """Keys and values of a YAML file; empty, with problems told, if they cannot be had.

    Args:
        path: The file.
        problems: Takes up what is wrong with it: unreadable, no keys and values, a key that stands twice.
    """
    try:
        content, odd = _loaded(path.read_text(encoding="utf-8"))
    except PermissionError:
        problems.append(f"{path}{UNREAD}no permission; give this user the right to read it")
        return {}
    except FileNotFoundError:
        problems.append(f"{path}: no such file")
        return {}
    except UnicodeDecodeError as error:
        problems.append(f"{path}{UNREAD}not UTF-8, at byte {error.start}; save the file as UTF-8")
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        problems.append(f"{path}{UNREAD}{why_unreadable(error)}")
        return {}
    problems.extend(f"{path}: {told}" for told in odd)
    if content is None:
        return {}
    if not isinstance(content, dict):
        found = "text; a blank follows the colon" if isinstance(content, str) else type(content).__name__
        problems.append(f"{path}: expected keys and values, found {found}")
        return {}
    return content


def read_value(text: str) -> Any:
    """The value of an environment variable or option.

    Raises:
        ValueError: If it is not YAML; says why without repeating it.
    """
    try:
        content, odd = _loaded(text)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(why_unreadable(error)) from None
    if odd:
        raise ValueError("; ".join(odd))
    return content


def why_unreadable(error: Exception) -> str:
    """A parser's reason with its line; never the line itself."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    reason = " ".join(part for part in (error.context, error.problem) if part)
    if "cannot start any token" in reason:
        reason = f"{reason.partition('found ')[2]}; put the value in quotes"
    reason = next((plainer for words, plainer in _PLAINER.items() if words in reason), reason)
    mark = error.problem_mark or error.context_mark
    return reason if mark is None else f"line {mark.line + 1}: {reason}"


def without_echoes(problems: list[str]) -> list[str]:
    """The problems but those that only follow from a file that could not be read, as what is missing there."""
    unread = tuple(f"{problem.partition(UNREAD)[0]}: " for problem in problems if UNREAD in problem)
    return [problem for problem in problems if UNREAD in problem or not problem.startswith(unread)]


def _loaded(text: str) -> tuple[Any, list[str]]:
    """The content, and what in it is odd."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, []
        odd = list(slips(node))
        return loader.construct_document(node), odd
    finally:
        loader.dispose()
