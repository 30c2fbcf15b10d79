"""Names of places, as ${landing}, that stand in values: what they stand for, and those that stand for nothing."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from personalake.config.nearest import closest

_NAMED = re.compile(r"\$\{([^{}]*)\}")


def expand(node: Any, places: Mapping[str, str]) -> Any:
    """The same value with what its names stand for; dictionaries are changed in place.

    Args:
        node: Any value of the settings.
        places: Name to what it stands for.
    """
    if isinstance(node, dict):
        for key, value in node.items():
            node[key] = expand(value, places)
    elif isinstance(node, list):
        return [expand(value, places) for value in node]
    elif isinstance(node, str):
        for key, value in places.items():
            node = node.replace("${" + key + "}", value)
    return node


def unknown_places(node: Any, places: Mapping[str, str], at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Key and text of names that stand for nothing, in values that have been expanded.

    Args:
        node: Any value of the settings; texts of templates have signs of their own and are passed over.
        places: The names that there are.
        at: The key of the value.
    """
    if at == ("templates",):
        return
    if isinstance(node, dict | list):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from unknown_places(value, places, (*at, str(key)))
    elif isinstance(node, str):
        known = "|".join(places)
        for name in _NAMED.findall(node):
            meant = closest(name, places)
            there = f"did you mean ${{{meant}}}?" if meant else f"there are: {', '.join('${' + key + '}' for key in places)}"
            yield at, f"${{{name}}} stands for nothing; {there}"
        bare = re.match(rf"(?:\$({known})\b|\{{({known})\}})", node)
        if bare is not None:
            yield at, f"{bare[0]} stands for nothing; write ${{{bare[1] or bare[2]}}}"
