"""What analysts see of personal columns: the same tables, with each tagged column behind a mask made from its tag.

| tag | analysts see |
|---|---|
| identifier, contact, payload | `***` where there is a value |
| demographic | the value itself, since groups of people are their work; of a day of birth the year only; of a map nothing |

Locally, ids that are plain hashes of a person or of a payload, and keys of records, are keyed once more: rows still join by
them, and who knows somebody's e-mail address or number cannot compute the id under which the rows stand.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from personalake.config.privacy import AccessSettings
from personalake.tables import ALL, Field, Table

HIDDEN = "***"
_DAYS = ("birth_date",)
# Hashes without a key of an identifier, of a person and a moment, or of what is sent: who guesses that can compute them. And
# keys of records, which many sources make of the customer's own number.
GUESSABLE = (
    *("person_id", "old_person_id", "new_person_id", "decision_id", "delivery_id", "session_id"),
    *("change_id", "suppression_id", "payload_hash"),
    *("record_id", "row_id", "record_key", "left_key", "right_key"),
)
# HMAC-SHA-256 as RFC 2104 has it, by the key's blocks beside each row.
_KEYED = "'m_' || substr(sha256(_outer || unhex(sha256(_inner || encode({value})))), 1, 24)"
KEY_BLOCKS = ("_inner", "_outer")
_HEADER = """-- Made by `make docs` from the tags in lib/personalake/tables/; changes here are lost.
-- The job `protect_tables` of the bundle does the same, and needs no warehouse; run it after each release. Or run this in a
-- SQL warehouse after the tables are there, with the parameter `catalog`:
-- who is in `{full}` (the account of the jobs must be) sees every column, who is in `{analysts}` sees
-- masked ones, and nobody else sees any.
USE CATALOG IDENTIFIER(:catalog);
"""
# Name of a mask's function: what those see who may not see `value`; of other types than text they see nothing.
_OF_TEXT = {
    "mask_text": f"CASE WHEN {{value}} IS NULL THEN NULL ELSE '{HIDDEN}' END",
    # However a source writes a day, its year is the only part of four digits.
    "mask_day": "nullif(regexp_extract({value}, '(^|[^0-9])((19|20)[0-9][0-9])([^0-9]|$)', 2), '')",
}


def mask_of(field: Field) -> str | None:
    """The mask of a column: the name of its function, or None where it is shown as it is.

    >>> mask_of(Field("email", "string", "", pii="identifier")), mask_of(Field("age_band", "string", "", pii="demographic"))
    ('mask_text', None)
    >>> mask_of(Field("seen_in", "array<string>", "", pii="contact"))
    'mask_array_string'
    """
    if field.pii is None or (field.pii == "demographic" and field.type == "string" and field.name not in _DAYS):
        return None
    if field.type != "string":
        return f"mask_{re.sub(r'[^a-z0-9]+', '_', field.type).strip('_')}"
    return "mask_day" if field.pii == "demographic" else "mask_text"


def masked_columns(table: Table) -> str:
    r"""The select list of a masked view, in SQL that DuckDB reads, over rows with the blocks of a key beside them.

    >>> from personalake.tables.silver import PERSON_LINK
    >>> masked_columns(PERSON_LINK)[:68]
    '"namespace", CASE WHEN "value" IS NULL THEN NULL ELSE \'***\' END AS "'
    """
    return ", ".join(map(_masked, table.fields))


def _masked(field: Field) -> str:
    mask, name = mask_of(field), f'"{field.name}"'
    if mask is not None:
        return f"{_OF_TEXT.get(mask, 'NULL').format(value=name)} AS {name}"
    return f"{_KEYED.format(value=name)} AS {name}" if field.name in GUESSABLE else name


def protection(access: AccessSettings, tables: Iterable[Table] = ALL) -> str:
    """Grants and column masks for Unity Catalog, as one SQL script that may run again and again."""
    tables = tuple(tables)
    parts = [_HEADER.format(full=access.full_group, analysts=access.analyst_group)]
    parts += [f"{statement};" for statement in [*_of_schemas(access), *_masks(access, tables)]]
    for table in tables:
        parts.append(f"\n-- {table.full_name}: {table.grain}")
        parts += [f"{statement};" for statement in _of_table(access, table)]
    return "\n".join(parts) + "\n"


def protecting(access: AccessSettings, tables: Iterable[Table] = ALL) -> list[str]:
    """The same as statements, for tables that are all there; a table is masked before anyone may read it."""
    tables = tuple(tables)
    of_tables = (statement for table in tables for statement in _of_table(access, table))
    return [*_of_schemas(access), *_masks(access, tables), *of_tables]


def _of_schemas(access: AccessSettings) -> Iterator[str]:
    full, analysts = f"`{access.full_group}`", f"`{access.analyst_group}`"
    for layer in ("bronze", "silver", "gold"):
        yield f"CREATE SCHEMA IF NOT EXISTS {layer}"
        yield f"GRANT USE SCHEMA, SELECT, EXECUTE ON SCHEMA {layer} TO {full}"
    yield f"GRANT USE SCHEMA, EXECUTE ON SCHEMA gold TO {analysts}"
    yield f"GRANT USE SCHEMA ON SCHEMA silver TO {analysts}"
    yield f"REVOKE ALL PRIVILEGES ON SCHEMA bronze FROM {analysts}"


def _masks(access: AccessSettings, tables: Iterable[Table]) -> Iterator[str]:
    masked = [(mask, field.type) for table in tables for field in table.fields if (mask := mask_of(field))]
    for mask, kind in sorted(dict(masked).items()):
        hidden = _OF_TEXT.get(mask, f"CAST(NULL AS {kind})").format(value="value")
        yield (
            f"CREATE OR REPLACE FUNCTION gold.{mask}(value {kind}) RETURNS {kind}\n"
            f"  RETURN CASE WHEN is_account_group_member('{access.full_group}') THEN value ELSE {hidden} END"
        )


def _of_table(access: AccessSettings, table: Table) -> Iterator[str]:
    for field in table.fields:
        if mask := mask_of(field):
            yield f"ALTER TABLE {table.full_name} ALTER COLUMN {field.name} SET MASK gold.{mask}"
    if table.layer != "bronze":
        yield f"GRANT SELECT ON TABLE {table.full_name} TO `{access.analyst_group}`"


if __name__ == "__main__":
    from personalake.config import load_settings

    Path(sys.argv[1]).write_text(protection(load_settings("local").privacy.access), encoding="utf-8")
