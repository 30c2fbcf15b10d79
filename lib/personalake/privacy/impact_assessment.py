"""docs/privacy-impact-assessment.md: what the declarations know of it; what only people can judge is left to them."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from personalake.common.markdown import markdown_table
from personalake.config import Settings
from personalake.config.purposes import purposes_of_models
from personalake.privacy.data_map import PSEUDONYM, personal_fields, personal_tables, recipients
from personalake.tables import ALL, Table

_OPEN = "*to be filled in*"
_INTRODUCTION = """# Privacy impact assessment

Made by `make docs` from tags, purposes, recipients and retention (Article 35 GDPR asks for a description, an assessment of
necessity, of risks, and the measures against them). The tables follow from the code and its configuration. Where *to be
filled in* stands, a person has to judge; copy the page for that, and sign the copy. It is an assessment once it is signed.
"""
_MEASURES = (
    (
        "Persons are acted upon against their will",
        "consent per purpose, which fails closed, is asked before features, scores, segments and recommendations are made "
        "of somebody or anything is learnt from them, by decisions, and again when sending",
    ),
    (
        "A withdrawal comes late or gets lost",
        "an append-only ledger by identifier; merges of persons keep every answer; the next run removes what was computed "
        "of who withdrew, at every as-of, and says of how many",
    ),
    ("Data is used for something else", "purposes on columns and destinations; a feature without a purpose is refused"),
    ("More people see persons than need to", "masks from tags for analysts, grants by group; secrets are references only"),
    ("A recipient joins data with others'", "keyed pseudonyms, a key for each destination, keys that are rotated"),
    ("Data is read on its way", "TLS is required outside of one's own machine"),
    ("Published figures give somebody away", "least sizes of cells, noise with a budget that runs out"),
    ("A person cannot find out, or be forgotten", "access export and erasure of all tables, files and destinations"),
    (
        "Rows are kept for longer than they are needed",
        "an age for each table, after which a job removes them, with receipts",
    ),
    (
        "A backup outlives an erasure",
        "where it is on: raw payloads under a key for each person, which an erasure destroys",
    ),
    ("Somebody looks at persons without need", "a log of who looked at or exported what, written before anything is shown"),
    ("Personal data lies where nobody expects it", "a detector over all columns; an untagged one fails the tests"),
    (
        "A decision harms somebody",
        "reasons with each score and decision, rules that people read, a holdout from every action",
    ),
)
_OUTSIDE = (
    "strong sign-in of people and services (multi-factor, short-lived tokens)",
    "encryption of disks and backups, and who holds the keys",
    "networks: which machines reach the lake, Kafka and databases",
    "contracts with processors and recipients, and transfers to other countries",
    "training, and who is told of a breach within 72 hours",
)


def impact_assessment(settings: Settings, tables: Iterable[Table] = ALL) -> str:
    """The assessment as Markdown, unsigned."""
    held = personal_tables(tables)
    purposes = sorted({*settings.privacy.purposes, *_purposes(held)})
    parts = [
        _INTRODUCTION,
        "## What is done, and with what\n",
        markdown_table(("kind of data", "tables", "kept at most"), _kinds(held)),
        "\n## For which purposes\n",
        markdown_table(
            (
                "purpose",
                "columns that need it",
                "models and groups",
                "destinations",
                "necessary, and why nothing less will do",
            ),
            (_purpose(purpose, held, settings) for purpose in purposes),
        ),
        "\n## Who gets it\n",
        markdown_table(
            ("destination", "knows persons by", "gets", "purposes", "contract and country"),
            ((*row, _OPEN) for row in recipients(settings)),
        ),
        "\n## Risks, and what is done against them\n",
        markdown_table(("risk", "measure", "what risk is left"), ((*row, _OPEN) for row in _MEASURES)),
        "\n## What the platform must give\n",
        *(f"- {demand}: {_OPEN}" for demand in _OUTSIDE),
        "\n## Whom we asked\n",
        f"Views of those concerned, or of those who speak for them: {_OPEN}",
        "\n## Signatures\n",
        markdown_table(
            ("role", "name", "date", "signature"),
            ((role, "", "", "") for role in ("Controller", "Data protection officer", "Owner of the system")),
        ),
        "",
    ]
    return "\n".join(parts)


def _purposes(held: Sequence[Table]) -> Iterator[str]:
    for table in held:
        for field in table.fields:
            yield from field.purposes


def _kinds(held: Sequence[Table]) -> Iterator[Sequence[str]]:
    tables: dict[str, list[Table]] = {}
    for table in held:
        for kind in dict.fromkeys(kind for _, kind in personal_fields(table)):
            tables.setdefault(kind, []).append(table)
    for kind in sorted(tables, key=lambda kind: (kind == PSEUDONYM, kind)):
        names = ", ".join(f"`{table.full_name}`" for table in tables[kind])
        longest = max((table.kept_days for table in tables[kind] if table.aged_by), default=None)
        standing = [] if all(table.aged_by for table in tables[kind]) else ["until replaced or erased"]
        yield kind, names, "; ".join([*([] if longest is None else [f"{longest:,} days"]), *standing])


def _purpose(purpose: str, held: Sequence[Table], settings: Settings) -> Sequence[str]:
    needing = [f"`{table.full_name}`" for table in held if any(purpose in field.purposes for field in table.fields)]
    given = [name for name, *_, purposes in recipients(settings) if purpose in purposes.split(", ")]
    made = sorted({f"`{'.'.join(key[:-1])}`" for key, asked in purposes_of_models(settings) if asked == purpose})
    return purpose, ", ".join(needing) or "none", ", ".join(made) or "none", ", ".join(given) or "none", _OPEN


if __name__ == "__main__":
    from personalake.config import load_settings

    Path(sys.argv[1]).write_text(impact_assessment(load_settings("local")), encoding="utf-8")
