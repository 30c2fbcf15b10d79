"""Stable person ids: a group keeps the id that most of its identifiers had; merges and splits are told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from personalake.common.standardise import BLANKS
from personalake.config.identity import IDENTIFIERS
from personalake.identity.moves import CHANGES
from personalake.identity.resolution import Resolution
from personalake.identity.scratch import scratch

_GROUPS = pa.schema({"grp": pa.int64(), "person_id": pa.string()})
_NO_KEYS = pa.schema({"namespace": pa.string(), "value": pa.string()}).empty_table()
_KEY = "namespace, value"
# The id of a lone identifier, as common.hashing has it; `nth` counts ids that were taken.
_HASH = """'p_' || substr(sha256(namespace || ':' || value || CASE WHEN nth > 1 THEN '#' || nth ELSE '' END), 1, 24)"""


@dataclass(frozen=True)
class Assigned:
    """Who the identifiers belong to.

    Args:
        links: `namespace`, `value`, `person_id`, `sources`, `first_known_at` of each identifier.
        changes: `kind`, `old_person_id`, `new_person_id`, `identifiers` of each move from one person to another.
    """

    links: pa.Table
    changes: pa.Table


def members(resolution: Resolution) -> pa.Table:
    """The identifiers of each group of records, as far as their holders are all there.

    A value that several groups hold, without being a hub, belongs to the one with most records of it, ties to the oldest;
    a hub is a group of its own.

    Returns:
        One row per `namespace` and `value`: `grp`, sorted `sources`, `first_known_at`.
    """
    records = resolution.graph.records
    told = records[["record_key", "source", "namespace", "customer_id", "known_at", *IDENTIFIERS]]
    told = told.assign(grp=resolution.group)
    with scratch() as opened:
        opened.register("records", told)
        opened.register("judged", resolution.judged)
        # Groups of records are numbered from 0, hubs below it.
        opened.register("hubs", resolution.hubs[["namespace", "value"]].assign(hub=range(-len(resolution.hubs), 0)))
        own = "SELECT namespace, customer_id AS value, grp, source, known_at, record_key FROM records"
        shared = [
            f"SELECT '{kind}', {kind}, grp, source, known_at, record_key FROM records WHERE {kind} IS NOT NULL"
            for kind in IDENTIFIERS
        ]
        return opened.sql(
            f"""
            WITH held AS ({" UNION ALL ".join([own, *shared])}),
            kept AS (
                SELECT held.* REPLACE (coalesce(hub, grp) AS grp)
                FROM held SEMI JOIN judged USING ({_KEY}) LEFT JOIN hubs USING ({_KEY})
            ),
            chosen AS (
                SELECT {_KEY}, grp FROM kept GROUP BY {_KEY}, grp
                QUALIFY row_number() OVER (
                    PARTITION BY {_KEY} ORDER BY count(*) DESC, min(known_at), min(record_key)) = 1
            )
            SELECT {_KEY}, any_value(chosen.grp) AS grp, list_sort(list_distinct(list(source))) AS sources,
                min(known_at) AS first_known_at
            FROM kept JOIN chosen USING ({_KEY}) GROUP BY {_KEY}
            """
        ).to_arrow_table()


def links_of(records: pa.Table, links: pa.Table) -> pa.Table:
    """The links of identifiers that some record has.

    Args:
        records: Rows of `silver.match_record`, all of them.
        links: Rows of `silver.person_link`.
    """
    with scratch() as opened:
        opened.register("records", records.select(["namespace", "customer_id", *IDENTIFIERS]))
        opened.register("links", links)
        shared = [f"SELECT '{kind}', {kind} FROM records" for kind in IDENTIFIERS]
        held = " UNION ALL ".join(["SELECT namespace, customer_id AS value FROM records", *shared])
        return opened.sql(f"SELECT * FROM links SEMI JOIN ({held}) USING ({_KEY})").to_arrow_table().cast(links.schema)


def settled_persons(resolution: Resolution, settled: "pd.Series[Any]") -> pa.Table:
    """The person of each settled group: `grp`, `person_id`."""
    keys = resolution.graph.keys[resolution.is_settled]
    told = pd.DataFrame({"grp": resolution.group[resolution.is_settled], "person_id": settled.reindex(keys).to_numpy()})
    return pa.Table.from_pandas(told.drop_duplicates("grp"), _GROUPS, preserve_index=False)


def assign_ids(
    found: pa.Table,
    previous: pa.Table,
    settled: pa.Table | None = None,
    named: Callable[[pa.Table], pa.Table] | None = None,
    vanished: pa.Table | None = None,
) -> Assigned:
    """Give each group its person id.

    An id goes to the group that holds most of the identifiers that had it, ties to the oldest identifier; a group that is
    offered several takes the one with most, ties to the oldest. A group without one gets the hash of its oldest identifier.

    Args:
        found: Rows of `members`.
        previous: Rows of `silver.person_link` before: `namespace`, `value`, `person_id`, `first_known_at`. A person without
            records, known by an identifier as somebody wrote it, is known by its one spelling here.
        settled: Rows of `settled_persons`: groups that keep their person whatever else happens.
        named: Where `previous` holds no more than the persons of what was found: gives all rows before of other persons,
            for a table of their `person_id`.
        vanished: `namespace`, `value` of identifiers that no record holds any more: nobody is who has no others.
    """
    with scratch() as opened:
        opened.register("found", found)
        opened.register("told", previous)
        opened.register("vanished", _NO_KEYS if vanished is None else vanished)
        opened.register("settled", _GROUPS.empty_table() if settled is None else settled)
        of_persons = named or (lambda persons: _named(previous, persons))
        _respell(opened, of_persons)
        opened.execute(_KEPT)
        opened.execute(_FRESH)
        _avoid_taken(opened, of_persons)
        opened.execute(
            f"CREATE TEMP TABLE links AS SELECT {_KEY}, person_id, sources, first_known_at "
            "FROM found JOIN (FROM kept UNION ALL SELECT grp, person_id FROM fresh) USING (grp)"
        )
        links = opened.sql("FROM links").to_arrow_table()
        return Assigned(links, opened.sql(_MOVES).to_arrow_table().cast(CHANGES))


# As `links` names who is known by an identifier alone, however it is written there; the latter where a person of records had
# that id.
_LONE = f"""
SELECT {_KEY}, 'p_' || substr(sha256(namespace || ':' || value || ending), 1, 24) AS person_id
FROM (FROM found ANTI JOIN told USING ({_KEY})), (VALUES (''), ('#lone')) AS endings(ending)
WHERE namespace IN {IDENTIFIERS}
"""
_RESPELLED = """
SELECT lone.namespace, lone.value, person_id, min(theirs.first_known_at) AS first_known_at
FROM lone JOIN theirs USING (person_id)
GROUP BY ALL HAVING bool_and(theirs.namespace = lone.namespace AND (theirs.namespace IN ('email', 'phone')
    OR trim(theirs.value, $blanks) = lone.value))
"""
_PREVIOUS = f"""
CREATE TEMP VIEW previous AS SELECT {_KEY}, person_id, first_known_at FROM told ANTI JOIN respelled USING (person_id)
UNION ALL SELECT {_KEY}, person_id, first_known_at FROM respelled
"""
_KEPT = f"""
CREATE TEMP TABLE kept AS
WITH overlap AS (
    SELECT grp, person_id, count(*) AS n, min(previous.first_known_at) AS since, min({"namespace || ':' || value"}) AS first
    FROM found JOIN previous USING ({_KEY}) ANTI JOIN settled USING (grp) ANTI JOIN settled AS kept_by USING (person_id)
    GROUP BY grp, person_id
),
offered AS (
    FROM overlap QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY n DESC, since, first) = 1
)
SELECT grp, person_id FROM (FROM offered QUALIFY row_number() OVER (PARTITION BY grp ORDER BY n DESC, since, person_id) = 1)
UNION ALL SELECT grp, person_id FROM settled
"""
_FRESH = f"""
CREATE TEMP TABLE fresh AS
WITH oldest AS (
    SELECT grp, {_KEY} FROM found ANTI JOIN kept USING (grp)
    QUALIFY row_number() OVER (PARTITION BY grp ORDER BY first_known_at, {_KEY}) = 1
)
SELECT grp, {_HASH} AS person_id, {_KEY}, nth FROM (SELECT *, 1 AS nth FROM oldest)
"""
_MOVES = f"""
WITH moved AS (
    SELECT previous.person_id AS old_person_id, links.person_id AS new_person_id, count(*) AS identifiers
    FROM links JOIN previous USING ({_KEY}) WHERE links.person_id <> previous.person_id GROUP BY ALL
),
parties AS (SELECT old_person_id AS person_id FROM moved UNION SELECT new_person_id FROM moved),
were AS (SELECT {_KEY}, person_id FROM previous SEMI JOIN parties USING (person_id)),
elsewhere AS (SELECT person_id FROM were ANTI JOIN found USING ({_KEY}) ANTI JOIN vanished USING ({_KEY}))
SELECT CASE WHEN old_person_id NOT IN (SELECT person_id FROM links UNION ALL SELECT person_id FROM elsewhere) THEN 'merged'
    WHEN new_person_id NOT IN (SELECT person_id FROM were) THEN 'split' ELSE 'moved' END AS kind,
    old_person_id, new_person_id, identifiers
FROM moved ORDER BY old_person_id, new_person_id
"""


def _respell(opened: duckdb.DuckDBPyConnection, named: Callable[[pa.Table], pa.Table]) -> None:
    """Make `previous` of `told`, with who was known by an identifier alone under the spelling in which records have it."""
    opened.execute(f"CREATE TEMP TABLE lone AS {_LONE}")
    opened.register("theirs", named(opened.sql("SELECT person_id FROM lone").to_arrow_table()))
    opened.execute(f"CREATE TEMP TABLE respelled AS {_RESPELLED}", {"blanks": BLANKS})
    opened.execute(_PREVIOUS)


def _avoid_taken(opened: duckdb.DuckDBPyConnection, named: Callable[[pa.Table], pa.Table]) -> None:
    """A new group whose oldest identifier once named a person that others still are gets another id."""
    others = f"SELECT person_id FROM kept UNION ALL SELECT person_id FROM namesakes ANTI JOIN found USING ({_KEY})"
    taken = f"SELECT grp FROM fresh WHERE person_id IN ({others})"
    while True:
        opened.register("namesakes", named(opened.sql("SELECT person_id FROM fresh").to_arrow_table()))
        if not opened.sql(taken).fetchall():
            return
        opened.execute(f"UPDATE fresh SET nth = nth + 1 WHERE grp IN ({taken})")
        opened.execute(f"UPDATE fresh SET person_id = {_HASH}")


def _named(links: pa.Table, persons: pa.Table) -> pa.Table:
    with scratch() as opened:
        opened.register("links", links)
        opened.register("persons", persons)
        return opened.sql("FROM links SEMI JOIN persons USING (person_id)").to_arrow_table()


def persons_of(links: pa.Table, resolution: Resolution) -> "pd.Series[Any]":
    """The person of each record of a resolution, by position; none of a record whose group is settled."""
    records = resolution.graph.records[["namespace", "customer_id"]]
    with scratch() as opened:
        opened.register("records", records.assign(place=range(len(records))))
        opened.register("links", links)
        found = opened.sql(
            "SELECT person_id FROM records LEFT JOIN links ON records.namespace = links.namespace "
            "AND records.customer_id = links.value ORDER BY place"
        ).df()
    persons: pd.Series[Any] = found["person_id"]
    return persons
