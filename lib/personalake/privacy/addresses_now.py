"""Refusals by address at this moment, without Spark: `refused_addresses` of `privacy.addresses`, in DuckDB."""

from datetime import datetime

import duckdb

from personalake.privacy.addresses import ADDRESSES

# As common.standardise spells addresses; what is no address is nobody's. What is spelled so already counts as it is.
_SPELLED = r"""
CASE WHEN namespace = 'email' THEN lower(trim(customer_id))
    WHEN starts_with(trim(customer_id), '+') THEN regexp_replace(customer_id, '\D', '', 'g')
    WHEN starts_with(regexp_replace(customer_id, '\D', '', 'g'), '00') THEN regexp_replace(customer_id, '\D', '', 'g')[3:]
    ELSE $code || regexp_replace(regexp_replace(customer_id, '\D', '', 'g'), '^0', '') END
"""


def add_refused_addresses(opened: duckdb.DuckDBPyConnection, calling_code: str, now: datetime) -> None:
    """Add to the table `answer` the newest answers by addresses that refuse, for all who are written to there.

    Args:
        opened: A database with `answer` and `signal`, that can read `given_address_consent` (rows of `silver.consent` by
            e-mail or phone) and `given_person` (`person_id`, `email`, `phone` of `silver.person`), each once.
        calling_code: Of phone numbers that are written without one.
        now: The moment, with its zone.
    """
    opened.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE refused_address AS
        SELECT namespace, value, coalesce(spoken_for, said.purpose) AS purpose, status, occurred_at, known_at, record_id
        FROM (SELECT *, unnest(list_distinct([customer_id, {_SPELLED}])) AS value FROM given_address_consent) AS said
        LEFT JOIN signal ON said.purpose = signal.signal
        WHERE (status IS DISTINCT FROM 'granted' OR occurred_at IS NULL OR occurred_at <= $now)
            AND NOT (spoken_for IS NOT NULL AND status IS NOT DISTINCT FROM 'granted')
        QUALIFY row_number() OVER (
            PARTITION BY namespace, value, coalesce(spoken_for, said.purpose)
            ORDER BY occurred_at DESC NULLS LAST, (status IS NOT DISTINCT FROM 'granted'),
                known_at DESC NULLS LAST, record_id
        ) = 1
        """,
        {"code": calling_code, "now": now},
    )
    opened.execute(
        f"""
        INSERT INTO answer BY NAME
        SELECT person_id, purpose, status, occurred_at, known_at, record_id
        FROM (FROM given_person UNPIVOT (value FOR namespace IN ({", ".join(ADDRESSES)})))
        JOIN refused_address USING (namespace, value) WHERE status IS DISTINCT FROM 'granted'
        """
    )
    opened.execute("DROP TABLE refused_address")
