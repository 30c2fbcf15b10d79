"""Suppression at this moment, without Spark: whom not to reach, by the purposes of the channels in question."""

from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import datetime

import duckdb
import pyarrow as pa

from personalake.common.hashing import keyed_hash_of
from personalake.common.spellings import spellings
from personalake.privacy.reach import ALL_CHANNELS


def holders(
    hashes: Mapping[str, Set[str]], links: Iterable[pa.RecordBatch], key: str, calling_code: str
) -> Iterator[tuple[str, str]]:
    """Who holds a suppressed address now, and its hash; the same as `suppressed_persons` finds.

    Args:
        hashes: Namespace to the keyed hashes of addresses that are suppressed.
        links: Rows of `silver.person_link`: namespace, value, person_id.
        key: Key of the hashes.
        calling_code: Country calling code of phone numbers that are written without one.
    """
    for batch in links:
        for namespace, value, person in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            wanted = hashes.get(namespace)
            if wanted:
                told = {keyed_hash_of(key, f"{namespace}|{one}") for one in spellings(namespace, value, calling_code)}
                yield from ((person, hashed) for hashed in told & wanted)


def lay_out_suppressed(opened: duckdb.DuckDBPyConnection, purposes: Mapping[str, str]) -> None:
    """Make `suppressed` (`person_id`, `scope`, `purpose`, `since`, `until`); a null purpose stands for all of them.

    Args:
        opened: A database that can read `given_suppression` once: all rows of `silver.suppression`.
        purposes: Channel to purpose; a scope that is none of them bars everything, rather than nothing.
    """
    known = {scope: purpose for scope, purpose in purposes.items() if scope != ALL_CHANNELS}
    opened.execute(
        """
        CREATE OR REPLACE TABLE suppressed AS
        SELECT person_id, scope, ($1::MAP(VARCHAR, VARCHAR))[scope] AS purpose, since, until
        FROM given_suppression WHERE person_id IS NOT NULL
        """,
        [known],
    )


def suppressed_deliveries(opened: duckdb.DuckDBPyConnection, at: datetime) -> set[str]:
    """Deliveries to whom must not be reached for one of their purposes, or on the channel on which they leave.

    Args:
        opened: A database with `suppressed`, and `asked`: rows of `delivery_id`, `person_id`, `purposes` (a list), and
            `channel`, null where it is not known.
        at: The moment.
    """
    found = opened.execute(
        """
        SELECT DISTINCT delivery_id FROM asked JOIN suppressed USING (person_id)
        WHERE since <= $1 AND coalesce(until > $1, true)
            AND (purpose IS NULL OR scope = channel OR list_contains(purposes, purpose))
        """,
        [at],
    )
    return {row[0] for row in found.fetchall()}
