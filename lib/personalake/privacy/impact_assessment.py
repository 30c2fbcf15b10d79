"""docs/privacy-impact-assessment.md: what the declarations know of it; what only people can judge is left to them."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from personalake.common.markdown import markdown_table
from personalake.config import Settings
from personalake.config.purposes import purposes_of_models
from personalake.privacy.data_map import PERSON_ID, personal_fields, personal_tables, recipients
from personalake.privacy.measures import measures
from personalake.privacy.places import days_kept
from personalake.tables import ALL, Table

_OPEN = "*to be filled in*"
_INTRODUCTION = """# Privacy impact assessment

Made by `make docs` from tags, purposes, recipients and retention (Article 35 GDPR asks for a description, an assessment of
necessity, of risks, and the measures against them). It is about the environment `{environment}` as it is configured: what
is **not set** protects nobody. `python -m personalake.privacy.impact_assessment FILE ENVIRONMENT` writes the one of the
environment that is to be judged. Where *to be filled in* stands, a person has to judge; copy the page for that, and sign the
copy. It is an assessment once it is signed.
"""
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
        _INTRODUCTION.format(environment=settings.environment),
        "## What is done, and with what\n",
        markdown_table(("kind of data", "tables", "kept at most"), _kinds(held, settings.maintenance.retention_days)),
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
        markdown_table(
            ("risk", "measure", "how it is set", "what risk is left"), ((*measure, _OPEN) for measure in measures(settings))
        ),
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


def _kinds(held: Sequence[Table], days: Mapping[str, int]) -> Iterator[Sequence[str]]:
    tables: dict[str, list[Table]] = {}
    for table in held:
        for kind in dict.fromkeys(kind for _, kind in personal_fields(table)):
            tables.setdefault(kind, []).append(table)
    for kind in sorted(tables, key=lambda kind: (kind == PERSON_ID, kind)):
        names = ", ".join(f"`{table.full_name}`" for table in tables[kind])
        longest = max((days_kept(table, days) for table in tables[kind] if table.aged_by), default=None)
        standing = [] if all(table.aged_by for table in tables[kind]) else ["until replaced or erased"]
        yield kind, names, "; ".join([*([] if longest is None else [f"{longest:,} days"]), *standing])


def _purpose(purpose: str, held: Sequence[Table], settings: Settings) -> Sequence[str]:
    needing = [f"`{table.full_name}`" for table in held if any(purpose in field.purposes for field in table.fields)]
    given = [name for name, *_, purposes in recipients(settings) if purpose in purposes.split(", ")]
    made = sorted({f"`{'.'.join(key[:-1])}`" for key, asked in purposes_of_models(settings) if asked == purpose})
    return purpose, ", ".join(needing) or "none", ", ".join(made) or "none", ", ".join(given) or "none", _OPEN


if __name__ == "__main__":
    from personalake.config import load_settings

    # The page tells of no day, and production demands one.
    environment = sys.argv[2] if len(sys.argv) > 2 else "local"
    settings = load_settings(environment, overrides={"as_of": "2000-01-01"})
    Path(sys.argv[1]).write_text(impact_assessment(settings), encoding="utf-8")
