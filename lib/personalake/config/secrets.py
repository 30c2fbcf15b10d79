"""Secrets are references, `secret://scope/key`, never values."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from personalake.errors import ConfigError

_REFERENCE = re.compile(r"secret://(?P<scope>[\w.-]+)/(?P<key>[\w.-]+)")


def variable_of(reference: str) -> str:
    """The environment variable that holds a secret outside Databricks.

    >>> variable_of("secret://segment/write-key")
    'PERSONALAKE_SECRET_SEGMENT_WRITE_KEY'
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ConfigError([f"{reference!r} is not a secret reference; write secret://scope/key"])
    return re.sub(r"\W", "_", f"PERSONALAKE_SECRET_{match['scope']}_{match['key']}").upper()


def resolve_secret(reference: str, environ: Mapping[str, str] | None = None) -> str:
    """The value behind a reference.

    Raises:
        ConfigError: If the secret is not set.
    """
    environ = os.environ if environ is None else environ
    variable = variable_of(reference)
    if not environ.get(variable):
        raise ConfigError([f"{reference} is not set; export {variable}"])
    return environ[variable]


def unset_secrets(
    node: Any, environ: Mapping[str, str], origin: Callable[[tuple[str, ...]], str], at: tuple[str, ...] = ()
) -> Iterator[str]:
    """One problem for each reference below `node` whose secret is not set; disabled parts do not count."""
    if isinstance(node, dict):
        if node.get("enabled") is False:
            return
        for key, value in node.items():
            yield from unset_secrets(value, environ, origin, (*at, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from unset_secrets(value, environ, origin, (*at, str(index)))
    elif isinstance(node, str) and _REFERENCE.fullmatch(node) and not environ.get(variable_of(node)):
        yield f"{origin(at)}: {'.'.join(at)}: secret {node} is not set; export {variable_of(node)}"
