"""docs/tables.md: every table in words, made from the declarations."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from personalake.common.markdown import markdown_table
from personalake.tables import ALL, Field, Table

_INTRODUCTION = """# Tables

Made by `make docs` from the declarations in `lib/personalake/tables/`; changes here are lost.

A table lies at `<root>/<layer>/<table>`, and is `<catalog>.<layer>.<table>` on Databricks. Times are UTC.
*Personal data* names the kind that a column holds; *purposes* are the consents without which the column may not leave
through a destination.
"""
_LAYERS = {
    "bronze": "what arrived, unparsed",
    "silver": "typed by a contract, validated, deduplicated",
    "gold": "one table for one question",
}


def dictionary(tables: Iterable[Table] = ALL) -> str:
    """The table dictionary as Markdown: contents first, then each table with its grain, key and columns."""
    tables = tuple(tables)
    contents = markdown_table(
        ("table", "one row is", "key"),
        ((f"[{table.full_name}](#{_anchor(table)})", table.grain, _names(table.key)) for table in tables),
    )
    parts = [_INTRODUCTION, contents, ""]
    for layer, meaning in _LAYERS.items():
        members = [table for table in tables if table.layer == layer]
        if members:
            parts.append(f"## {layer}: {meaning}\n")
            parts.extend(_section(table) for table in members)
    return "\n".join(parts)


def _section(table: Table) -> str:
    facts = [f"{table.grain}.", f"Key: {_names(table.key)}."]
    if table.clustering:
        facts.append(f"Clustered by {_names(table.clustering)}.")
    if table.run_columns:
        facts.append(f"Differ between equal runs: {_names(table.run_columns)}.")
    columns = markdown_table(("column", "type", "meaning", "personal data", "purposes"), map(_row, table.fields))
    return f"### {table.full_name}\n\n{' '.join(facts)}\n\n{columns}\n"


def _row(field: Field) -> Sequence[str]:
    return (f"`{field.name}`", f"`{field.type}`", field.comment, field.pii or "", ", ".join(field.purposes))


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f"`{column}`" for column in columns) if columns else "none, it is a log"


def _anchor(table: Table) -> str:
    return table.full_name.replace(".", "")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(dictionary(), encoding="utf-8")
