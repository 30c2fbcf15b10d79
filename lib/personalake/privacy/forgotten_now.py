"""Who asks to be forgotten, and who is known at all, at this moment, without Spark: `persons_asking` in Python."""

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from personalake.common.spellings import spellings

Identifier = tuple[str, str]


def identifiers_asking(requests: Iterable[Mapping[str, Any]], calling_code: str) -> set[Identifier]:
    """Identifiers by which people ask to be forgotten, as they were written and in their one spelling.

    Args:
        requests: Rows of `silver.erasure_request`; only verified ones count.
        calling_code: Country calling code of phone numbers that are written without one.

    Returns:
        Pairs of namespace and value.

    >>> sorted(identifiers_asking([{"namespace": "email", "customer_id": "A@b.c", "is_verified": True}], "1"))
    [('email', 'A@b.c'), ('email', 'a@b.c')]
    """
    return {
        (row["namespace"], value)
        for row in requests
        if row["is_verified"] and row["namespace"] is not None and row["customer_id"] is not None
        for value in spellings(row["namespace"], row["customer_id"], calling_code)
    }


def lay_out_known(opened: duckdb.DuckDBPyConnection) -> None:
    """Make the table `known` (`person_id`): everybody who has an identifier.

    Args:
        opened: A database that can read `given_person_link` once: all rows of `silver.person_link`.
    """
    opened.execute("CREATE OR REPLACE TABLE known AS SELECT DISTINCT person_id FROM given_person_link")


def unknown_deliveries(opened: duckdb.DuckDBPyConnection) -> set[str]:
    """Deliveries to whom nobody is known as any more: merged into another person, or erased.

    Args:
        opened: A database with `known`, and `asked`: rows of `delivery_id`, `person_id`.
    """
    return {row[0] for row in opened.execute("SELECT delivery_id FROM asked ANTI JOIN known USING (person_id)").fetchall()}
