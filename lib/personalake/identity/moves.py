"""Which identifiers belong to another person than before, where events show identifiers that no record holds."""

import duckdb
import pyarrow as pa

from personalake.common.spellings import spelled
from personalake.common.standardise import BLANKS
from personalake.identity.scratch import scratch

CHANGES = pa.schema(
    {"kind": pa.string(), "old_person_id": pa.string(), "new_person_id": pa.string(), "identifiers": pa.int64()}
)
_KEY = "namespace, value"
_LONE = "'p_' || substr(sha256({kind} || ':' || {text}), 1, 24)"
_ALONE = _LONE.format(kind="keyed.namespace", text="key")
# Those whose person is the hash of the very text are most of them, and need no look at how they are spelled.
_SUSPECTS = f"""
SELECT {_KEY}, person_id FROM previous ANTI JOIN links USING ({_KEY})
WHERE person_id <> {_LONE.format(kind="namespace", text="value")} OR value <> trim(value, $blanks)
    OR person_id IN (SELECT person_id FROM links)
"""
_STRAYED = f"""
SELECT DISTINCT keyed.person_id FROM keyed
LEFT JOIN links ON keyed.namespace = links.namespace AND keyed.key = links.value
WHERE keyed.person_id <> coalesce(links.person_id, CASE
    WHEN {_ALONE} IN (SELECT person_id FROM links)
    THEN {_LONE.format(kind="keyed.namespace", text="key || '#lone'")} ELSE {_ALONE} END)
"""
_MOVES = f"""
WITH moved AS (
    SELECT theirs.person_id AS old_person_id, now.person_id AS new_person_id, count(*) AS identifiers
    FROM theirs JOIN now USING ({_KEY}) WHERE now.person_id <> theirs.person_id GROUP BY ALL
)
SELECT CASE WHEN old_person_id NOT IN (SELECT person_id FROM now UNION ALL SELECT person_id FROM links) THEN 'merged'
    WHEN new_person_id NOT IN (SELECT person_id FROM previous) THEN 'split' ELSE 'moved' END AS kind,
    old_person_id, new_person_id, identifiers FROM moved
UNION ALL
SELECT kind, old_person_id, new_person_id, identifiers FROM changes ANTI JOIN moved USING (old_person_id, new_person_id)
ORDER BY old_person_id, new_person_id
"""


def links_that_may_move(previous: pa.Table, links: pa.Table, changes: pa.Table, calling_code: str) -> pa.Table:
    """All links before of persons who may lose an identifier.

    Args:
        previous: Rows of `silver.person_link` before.
        links: Links of the identifiers that records hold now.
        changes: Moves of those, as `assign_ids` tells them.
        calling_code: Country calling code of phone numbers that are written without one.

    Returns:
        `namespace`, `value`, `person_id`; no row as a rule. Who they belong to now is for `joined_links` to say.
    """
    with scratch() as opened:
        opened.register("previous", previous)
        opened.register("links", links)
        opened.register("changes", changes)
        opened.register("keyed", _keyed(opened, calling_code))
        opened.execute(f"CREATE TEMP TABLE persons AS SELECT old_person_id AS person_id FROM changes UNION {_STRAYED}")
        return opened.sql(f"SELECT {_KEY}, person_id FROM previous SEMI JOIN persons USING (person_id)").to_arrow_table()


def moves(previous: pa.Table, links: pa.Table, changes: pa.Table, theirs: pa.Table, now: pa.Table) -> pa.Table:
    """Moves of identifiers from one person to another.

    Args:
        previous: As for `links_that_may_move`.
        links: As there.
        changes: As there.
        theirs: What it gives.
        now: `namespace`, `value`, `person_id` of those of its identifiers that are still known.

    Returns:
        `kind`, `old_person_id`, `new_person_id`, `identifiers`, as `silver.person_change` has them.
    """
    with scratch() as opened:
        given = {"previous": previous, "links": links, "changes": changes, "theirs": theirs, "now": now}
        for name, table in given.items():
            opened.register(name, table)
        return opened.sql(_MOVES).to_arrow_table().cast(CHANGES)


def _keyed(opened: duckdb.DuckDBPyConnection, calling_code: str) -> pa.Table:
    """Identifiers that no record holds and that may not be persons of their own, with their one spelling as `key`."""
    found = opened.sql(_SUSPECTS, params={"blanks": BLANKS}).to_arrow_table()
    pairs = zip(found["namespace"].to_pylist(), found["value"].to_pylist(), strict=True)
    keys = [spelled(kind, value, calling_code) for kind, value in pairs]
    return found.append_column("key", pa.array(keys, pa.string()))
