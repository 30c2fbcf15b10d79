"""JSON Schemas (draft 7) of the vendors' request bodies, in our words, after their documentation."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

FOLDER = Path(__file__).parent
Refusal = fastjsonschema.JsonSchemaValueException


@cache
def document(vendor: str) -> dict[str, Any]:
    """All schemas of a vendor, as definitions of one document."""
    found: dict[str, Any] = json.loads((FOLDER / f"{vendor}.json").read_text(encoding="utf-8"))
    return found


def names() -> Iterator[tuple[str, str]]:
    """Vendor and name of every schema."""
    for path in sorted(FOLDER.glob("*.json")):
        yield from ((path.stem, name) for name in document(path.stem)["definitions"])


def alone(vendor: str, name: str) -> dict[str, Any]:
    """One schema of a vendor, with the others that it refers to."""
    return {**document(vendor), "$ref": f"#/definitions/{name}"}


@cache
def check(vendor: str, name: str) -> Callable[[Any], Any]:
    """A compiled schema: raises `Refusal` for a body that is not as the vendor documents it.

    fastjsonschema turns a schema into Python code: some fifty times as fast as walking it, and the fakes are a yardstick.
    """
    compiled: Callable[[Any], Any] = fastjsonschema.compile(alone(vendor, name), use_default=False)
    return compiled


def problem(vendor: str, name: str, body: Any) -> str | None:
    """What is wrong with a body, if anything."""
    try:
        check(vendor, name)(body)
    except Refusal as refusal:
        return str(refusal.message)
    return None
