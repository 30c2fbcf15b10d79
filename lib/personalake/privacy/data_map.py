"""docs/data-map.md: which personal data lies where, for which purposes, how long, and who gets it; made from the tags."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from personalake.common.markdown import markdown_table
from personalake.config import Settings
from personalake.config.audiences import Mapped
from personalake.privacy.places import kept, places
from personalake.tables import ALL, Field, Table

PERSON_ID = "person id"
KINDS = {
    "identifier": "tells who it is by itself: e-mail address, phone number, account, card, device, cookie",
    "contact": "names and postal addresses",
    "demographic": "what a person is or wishes: age, income, household, preferences",
    "protected": "may say whether groups are treated alike, and decides nothing: gender",
    "payload": "free text or a whole message, which may hold anything",
    PERSON_ID: "the id of a resolved person: no name, and no pseudonym either, as who knows an identifier may compute it",
}
_ABOUT_A_PERSON = ("person_id", "old_person_id", "new_person_id")
_INTRODUCTION = """# Data map

Made by `make docs` from the tags in `lib/personalake/tables/` and the settings in `conf/`; changes here are lost. It is the
map of the environment `{environment}`; that of another one is written by
`python -m personalake.privacy.data_map FILE ENVIRONMENT`.

Where personal data lies, what it may be used for, how long it may be kept, and who gets it. A column with *purposes* leaves
only through a destination that has them, for persons who grant them. *Kept* is the longest time that rows about persons may
be kept: `maintain_tables` removes what is older, with a row in `gold.retention_receipt`. What stands *until replaced or
erased* says what is so, is made of other rows, or is proof: of consent, of an erasure, of what a destination holds.
"""

_BESIDE = """## Where it lies outside of tables

Backups, and what a platform keeps of its own (audit logs, Spark's temporary files), are not here: the configuration does not
know of them.
"""


def personal_fields(table: Table) -> list[tuple[Field, str]]:
    """Columns of a table that are about persons, each with its kind."""
    kinds = ((field, field.pii or (PERSON_ID if field.name in _ABOUT_A_PERSON else None)) for field in table.fields)
    return [(field, kind) for field, kind in kinds if kind is not None]


def personal_tables(tables: Iterable[Table] = ALL) -> list[Table]:
    """Tables that hold anything about persons."""
    return [table for table in tables if personal_fields(table)]


def recipients(settings: Settings) -> Iterator[Sequence[str]]:
    """Each enabled destination and sync: name, how it knows persons, what it gets, for which purposes."""
    for name, destination in sorted(settings.destinations.items()):
        if destination.enabled:
            gets = ", ".join(f"`{column}`" for column in destination.columns)
            yield f"`{name}`", destination.identifier, gets, ", ".join(destination.purposes)
    for name, sync in sorted(settings.audiences.items()):
        connection = settings.connections.get(sync.destination)
        if sync.enabled and connection is not None and connection.enabled:
            gets = ", ".join(f"`{field}` ({_said(one)})" for field, one in sync.fields.items())
            yield f"`{sync.destination}`, by the sync `{name}`", _said(sync.key), gets, ", ".join(sync.purposes)


def _said(one: Mapped) -> str:
    return one.source if one.hashing == "none" else f"{one.source}, {one.hashing}"


def data_map(settings: Settings, tables: Iterable[Table] = ALL) -> str:
    """The data map as Markdown."""
    held = personal_tables(tables)
    days = settings.maintenance.retention_days
    parts = [
        _INTRODUCTION.format(environment=settings.environment),
        "## Kinds of personal data\n",
        markdown_table(("kind", "what it is"), KINDS.items()),
        "",
    ]
    rows = (_row(table, days) for table in held)
    parts += ["## Where it lies\n", markdown_table(("table", "one row is", "kinds", "kept"), rows), ""]
    parts += [_BESIDE, markdown_table(("place", "what lies there", "kept"), places(settings)), ""]
    parts += ["## Who gets it\n"]
    parts += [markdown_table(("destination", "knows persons by", "gets", "purposes"), recipients(settings)), ""]
    parts += ["## Columns\n"]
    for table in held:
        columns = (
            (f"`{field.name}`", kind, field.comment, ", ".join(field.purposes)) for field, kind in personal_fields(table)
        )
        parts += [f"### {table.full_name}\n", markdown_table(("column", "kind", "meaning", "purposes"), columns), ""]
    return "\n".join(parts)


def _row(table: Table, days: Mapping[str, int]) -> Sequence[str]:
    kinds = dict.fromkeys(kind for _, kind in personal_fields(table))
    return f"`{table.full_name}`", table.grain, ", ".join(kinds), kept(table, days)


if __name__ == "__main__":
    from personalake.config import load_settings

    # The page tells of no day, and production demands one.
    environment = sys.argv[2] if len(sys.argv) > 2 else "local"
    settings = load_settings(environment, overrides={"as_of": "2000-01-01"})
    Path(sys.argv[1]).write_text(data_map(settings), encoding="utf-8")
