"""Suppression at this moment, without Spark: whom not to reach, by the purposes of the channels in question."""

from collections.abc import Mapping
from datetime import datetime

import duckdb

from personalake.privacy.reach import ALL_CHANNELS


def lay_out_suppressed(opened: duckdb.DuckDBPyConnection, purposes: Mapping[str, str]) -> None:
    """Make the table `suppressed` (`person_id`, `purpose`, `since`, `until`); a null purpose stands for all of them.

    Args:
        opened: A database that can read `given_suppression` once: all rows of `silver.suppression`.
        purposes: Channel to purpose; a scope that is none of them bars everything, rather than nothing.
    """
    known = {scope: purpose for scope, purpose in purposes.items() if scope != ALL_CHANNELS}
    opened.execute(
        """
        CREATE OR REPLACE TABLE suppressed AS
        SELECT person_id, ($1::MAP(VARCHAR, VARCHAR))[scope] AS purpose, since, until
        FROM given_suppression WHERE person_id IS NOT NULL
        """,
        [known],
    )


def suppressed_deliveries(opened: duckdb.DuckDBPyConnection, at: datetime) -> set[str]:
    """Deliveries to whom must not be reached for one of their purposes.

    Args:
        opened: A database with `suppressed`, and `asked`: rows of `delivery_id`, `person_id`, `purposes` (a list).
        at: The moment.
    """
    found = opened.execute(
        """
        SELECT DISTINCT delivery_id FROM asked JOIN suppressed USING (person_id)
        WHERE since <= $1 AND coalesce(until > $1, true) AND (purpose IS NULL OR list_contains(purposes, purpose))
        """,
        [at],
    )
    return {row[0] for row in found.fetchall()}
