"""Consent at this moment, without Spark: `granted_purposes` and `without_refusals` of `privacy.consent`, in DuckDB.

Sending asks again for every chunk, in processes that may have no session.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import duckdb

from personalake.common.purposes import purpose_form_now
from personalake.privacy.addresses_now import add_refused_addresses
from personalake.privacy.consent import EXPIRED, GRANTED

_GRANTED = ", ".join(f"'{status}'" for status in GRANTED)


def lay_out_granted(
    opened: duckdb.DuckDBPyConnection,
    signals: Mapping[str, Sequence[str]],
    now: datetime,
    calling_code: str | None = None,
    purposes: Iterable[str] = (),
) -> None:
    """Make the table `granted` (`person_id`, `purpose`): granted in `silver.consent_current`, and not refused since.

    A grant waits for its day, a refusal never does; of answers given at the same moment, a refusal wins. A consent that
    has ended is a refusal, and a signal refuses every purpose that it speaks for. Who has given no answer is not in it.

    Args:
        opened: A database that can read `given_consent_current`, `given_consent` and `given_person_link`: all rows of those
            tables, each once.
        signals: Purposes by signal, e.g. Global Privacy Control; see `with_signals`.
        now: The moment, with its zone.
        calling_code: Of phone numbers that are written without one, where something is about to leave: who refuses by an
            address then refuses for all who are written to there, see `add_refused_addresses`. Null where nothing leaves.
        purposes: Those that are declared: rows that were refined earlier may spell them otherwise, see `with_signals`.
    """
    _lay_out_names(opened, signals, purposes)
    opened.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE answer AS
        SELECT person_id, coalesce(spoken_for, declared_purpose(purpose)) AS purpose,
            CASE WHEN status = 'granted' AND expires_at <= $now THEN '{EXPIRED}' ELSE status END AS status,
            occurred_at, known_at, record_id
        FROM given_consent AS consent JOIN given_person_link AS link
        ON consent.namespace = link.namespace AND consent.customer_id = link.value
        LEFT JOIN signal ON declared_purpose(consent.purpose) = signal.signal
        WHERE (status IS DISTINCT FROM 'granted' OR occurred_at IS NULL OR occurred_at <= $now)
            AND NOT (spoken_for IS NOT NULL AND status IS NOT DISTINCT FROM 'granted')
        """,
        {"now": now},
    )
    if calling_code is not None:
        add_refused_addresses(opened, calling_code, now)
    opened.execute(
        f"""
        CREATE OR REPLACE TABLE granted AS
        WITH newest AS (
            SELECT person_id, purpose, status FROM answer
            SEMI JOIN (SELECT person_id, purpose FROM answer WHERE status IS DISTINCT FROM 'granted') AS doubted
            USING (person_id, purpose)
            QUALIFY row_number() OVER (
                PARTITION BY person_id, purpose
                ORDER BY occurred_at DESC NULLS LAST, (status IS NOT DISTINCT FROM 'granted'),
                    known_at DESC NULLS LAST, record_id
            ) = 1
        )
        SELECT DISTINCT person_id, purpose FROM given_consent_current
        ANTI JOIN (SELECT person_id, purpose FROM newest WHERE coalesce(status NOT IN ({_GRANTED}), true)) AS refused
        USING (person_id, purpose)
        WHERE status IN ({_GRANTED})
        """
    )
    opened.execute("DROP TABLE answer")


def _lay_out_names(opened: duckdb.DuckDBPyConnection, signals: Mapping[str, Sequence[str]], purposes: Iterable[str]) -> None:
    """Make the table `signal`, and `declared_purpose`, which names a purpose or signal as the settings do."""
    form = purpose_form_now([*purposes, *signals])
    opened.execute(f"CREATE OR REPLACE TEMP MACRO declared_purpose(said) AS {form}")
    opened.execute("CREATE OR REPLACE TEMP TABLE signal (signal VARCHAR, spoken_for VARCHAR)")
    spoken = [(signal, purpose) for signal, purposes in signals.items() for purpose in purposes]
    if spoken:
        opened.executemany("INSERT INTO signal VALUES (?, ?)", spoken)


def lacking_consent(opened: duckdb.DuckDBPyConnection) -> set[str]:
    """Deliveries without a purpose, or whose person does not grant all of its purposes now.

    Args:
        opened: A database with `granted`, and `asked`: rows of `delivery_id`, `person_id`, `purposes` (a list).
    """
    found = opened.execute(
        """
        SELECT DISTINCT delivery_id FROM (
            SELECT delivery_id, person_id, unnest(CASE WHEN len(purposes) > 0 THEN purposes ELSE [NULL] END) AS purpose
            FROM asked
        ) AS needed
        ANTI JOIN granted USING (person_id, purpose)
        """
    )
    return {row[0] for row in found.fetchall()}
