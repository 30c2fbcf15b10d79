"""Refusals by address at this moment, without Spark: `refused_addresses` of `privacy.addresses`, in DuckDB."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.func import PythonUDFType

from personalake.common.spellings import spelled
from personalake.privacy.addresses import ADDRESSES

# Not in SQL: DuckDB makes letters small and knows digits and blanks otherwise than Spark does.
_SPELLED = "spelled_address"


def add_refused_addresses(opened: duckdb.DuckDBPyConnection, calling_code: str, now: datetime) -> None:
    """Add to the table `answer` the newest answers by addresses that refuse, for all who are written to there.

    Args:
        opened: A database with `answer`, `signal` and `declared_purpose`, that can read `given_address_consent` (rows of
            `silver.consent` by e-mail or phone) and `given_person` (`person_id`, `email`, `phone` of `silver.person`), each
            once.
        calling_code: Of phone numbers that are written without one.
        now: The moment, with its zone.
    """
    spelling: Any = _spelling(calling_code)  # the stubs know no functions of whole columns
    text = duckdb.sqltype("VARCHAR")
    opened.create_function(_SPELLED, spelling, [text, text], text, type=PythonUDFType.ARROW)
    opened.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE refused_address AS
        SELECT namespace, value, coalesce(spoken_for, said.named) AS purpose, status, occurred_at, known_at, record_id
        FROM (
            SELECT *, declared_purpose(purpose) AS named,
                unnest(list_distinct([customer_id, {_SPELLED}(namespace, customer_id)])) AS value
            FROM given_address_consent
        ) AS said
        LEFT JOIN signal ON said.named = signal.signal
        WHERE (status IS DISTINCT FROM 'granted' OR occurred_at IS NULL OR occurred_at <= $now)
            AND NOT (spoken_for IS NOT NULL AND status IS NOT DISTINCT FROM 'granted')
        QUALIFY row_number() OVER (
            PARTITION BY namespace, value, coalesce(spoken_for, said.named)
            ORDER BY occurred_at DESC NULLS LAST, (status IS NOT DISTINCT FROM 'granted'),
                known_at DESC NULLS LAST, record_id
        ) = 1
        """,
        {"now": now},
    )
    opened.remove_function(_SPELLED)
    opened.execute(
        f"""
        INSERT INTO answer BY NAME
        SELECT person_id, purpose, status, occurred_at, known_at, record_id
        FROM (FROM given_person UNPIVOT (value FOR namespace IN ({", ".join(ADDRESSES)})))
        JOIN refused_address USING (namespace, value) WHERE status IS DISTINCT FROM 'granted'
        """
    )
    opened.execute("DROP TABLE refused_address")


def _spelling(calling_code: str) -> Callable[[pa.ChunkedArray, pa.ChunkedArray], pa.Array]:
    def spelling(namespaces: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.Array:
        pairs = zip(namespaces.to_pylist(), values.to_pylist(), strict=True)
        return pa.array([spelled(kind, value, calling_code) for kind, value in pairs], pa.string())

    return spelling
