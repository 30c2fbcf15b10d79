"""docs/contracts.md: what a source can fill, field by field, and what a row must satisfy, from the contracts."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from personalake.common.markdown import markdown_table
from personalake.ingestion.contracts import CONTRACTS, Contract, ContractField, Reference
from personalake.quality.expectations import Expectation

_INTRODUCTION = """# Contracts

Made by `make docs` from the declarations in `lib/personalake/ingestion/contracts/`; changes here are lost.

A file in `conf/sources/` names one of these as its `contract`, and says under `columns` how each field is filled: by a
column of the source (`customer_id: Kunde`), an expression over its columns (`{expression: "concat('till-', id)"}`), or
a constant (`{constant: web}`). Fields that are not named stay empty, or have their default. All other keys of such a
file are in [configuration.md](configuration.md); `personalake check-source NAME` looks at its files before anything is
read.

A row without a *required* field, or with one that cannot be read, goes to `silver.quarantine` with its reasons. So does
one that breaks a rule that *refuses*; a rule that *warns* marks the row in its column `warnings`. `severities:
{known_product: refuse}` in a source changes what a rule does for that source.

Map the source's own id onto `event_id` or `record_id`, if it has one: a row with an id that is known is a duplicate.
Else the id is made of the mapped values, so that a row that is told again is a duplicate; two equal order lines of one
file are two. Rows of `customer_record`, `catalog_item`, `product_offer` and `weather` are versions, of which the latest
counts: leave `record_id` out there, unless the source has an id for each version. Under a customer's own number all
later versions would be duplicates.
"""
_DOES = {"refuse": "refuses", "warn": "warns", "ignore": "does nothing"}


def contract_guide() -> str:
    """The page as Markdown: one section for each contract."""
    rows = [
        (f"[`{name}`](#{name})", _first_line(contract), f"`{contract.table.full_name}`", _job(contract))
        for name, contract in CONTRACTS.items()
    ]
    overview = markdown_table(("contract", "one row is", "becomes", "comes in by"), rows) + "\n"
    return "\n".join([_INTRODUCTION, overview, *(part for contract in CONTRACTS.values() for part in _of(contract))])


def _of(contract: Contract) -> Iterator[str]:
    yield f"## {contract.name}\n"
    table = contract.table.full_name
    yield f"{_first_line(contract)}, in [{table}](tables.md#{table.replace('.', '')}).\n"
    comments = {field.name: field.comment for field in contract.table.fields}
    fields = [_field(field, comments.get(field.name, "")) for field in contract.fields]
    yield markdown_table(("field", "needed", "read as", "meaning"), fields) + "\n"
    rules: list[Expectation | Reference] = [*contract.expectations, *contract.references]
    if rules:
        told = [(f"`{rule.name}`", _DOES[rule.severity], rule.reason) for rule in rules]
        yield markdown_table(("rule", "breaking it", "reason that a row is given"), told) + "\n"


def _field(field: ContractField, comment: str) -> Sequence[str]:
    default = "" if field.default == "NULL" else f"`{field.default}` by default"
    return f"`{field.name}`", "required" if field.required else default, field.noun, comment


def _first_line(contract: Contract) -> str:
    return contract.table.grain.rstrip(".")


def _job(contract: Contract) -> str:
    return f"`ingest_{contract.kind}s`"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(contract_guide(), encoding="utf-8")
