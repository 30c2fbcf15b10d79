"""Who needs no new look: people of whom all is as it was, whose key stands at the destination as the plan wants it.

The same as `acknowledged` and `plan` say of them, in DuckDB, since Spark needs seconds for what is not worth one.
"""

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from personalake.activation.last_state import LEFT, last_states
from personalake.activation.syncs.acknowledged import DOUBTFUL, HELD, SETTLED
from personalake.activation.syncs.counts import NOTHING
from personalake.activation.syncs.diff import REFUSED, UNCHANGED
from personalake.activation.syncs.wanted import SAME_KEY

OUTSIDE = "outside"
_TEXT = pa.string()
HELD_SCHEMA = pa.schema([(name, pa.int64() if name == "stale" else _TEXT) for name in HELD])


def _listed(states: Sequence[str]) -> str:
    return ", ".join(f"'{state}'" for state in states)


def lay_out_held(opened: duckdb.DuckDBPyConnection, is_message: bool, standing: str | None, is_held: bool = False) -> None:
    """Make the table `held`, as `acknowledged` does.

    Args:
        opened: A database that can read `given_outbox` (deliveries of one sync) and `given_log` once, and `became`:
            `old_person_id` and `new_person_id` of whoever was merged into another.
        is_message: Whether deliveries are messages.
        standing: A plan that waits to be sent, if there is one.
        is_held: Whether a lost reply is held there.
    """
    opened.execute(
        f"""
        CREATE TABLE held AS
        WITH last AS ({last_states("given_log", f"{LEFT} AS moment")}), delivery AS (
            SELECT sync_key, plan_id, payload_hash, coalesce(state, 'pending') AS state,
                state IN ({_listed(SETTLED)}) OR (state IN ({_listed(DOUBTFUL)})
                    AND ($is_message OR ($is_held AND NOT coalesce(removal, false)))) AS counts, {{
                'moment': moment, 'payload_hash': payload_hash, 'removal': removal, 'delivery_id': delivery_id,
                'person_id': coalesce(new_person_id, person_id), 'state': coalesce(state, 'pending')}} AS told
            FROM given_outbox LEFT JOIN last USING (delivery_id) LEFT JOIN became ON person_id = old_person_id
        ), again AS (
            SELECT sync_key FROM delivery GROUP BY sync_key HAVING count(*) > 1
        ), by_key AS (
            -- Most keys have one delivery: rows need not be compared to find the last of one.
            SELECT sync_key,
                CASE WHEN counts THEN told END AS taken,
                CASE WHEN state IN ({_listed((*SETTLED, *DOUBTFUL, "rejected"))}) THEN told END AS latest,
                CASE WHEN state = 'pending' AND plan_id IS NOT DISTINCT FROM $standing THEN payload_hash END AS pending_hash,
                (state = 'pending' AND plan_id IS DISTINCT FROM $standing)::BIGINT AS stale
            FROM delivery ANTI JOIN again USING (sync_key)
            UNION ALL
            SELECT sync_key,
                max(told) FILTER (counts) AS taken,
                max(told) FILTER (state IN ({_listed((*SETTLED, *DOUBTFUL, "rejected"))})) AS latest,
                max(payload_hash) FILTER (state = 'pending' AND plan_id IS NOT DISTINCT FROM $standing) AS pending_hash,
                count(*) FILTER (state = 'pending' AND plan_id IS DISTINCT FROM $standing) AS stale
            FROM delivery SEMI JOIN again USING (sync_key) GROUP BY sync_key
        ), judged AS (
            SELECT *, coalesce(latest.state IN ({_listed(DOUBTFUL)}), false) AND NOT $is_message
                    AND (NOT $is_held OR coalesce(latest.removal, false)) AS in_doubt,
                taken IS NOT NULL AND NOT coalesce(taken.removal, false) AS there
            FROM by_key
        )
        SELECT sync_key,
            coalesce(CASE WHEN there THEN taken.person_id END, CASE WHEN in_doubt THEN latest.person_id END) AS holder_id,
            CASE WHEN there AND NOT in_doubt THEN taken.payload_hash END AS held_hash,
            CASE WHEN latest.state = 'rejected' THEN latest.payload_hash END AS rejected_hash,
            taken.delivery_id AS base, pending_hash, stale
        FROM judged
        """,
        {"standing": standing, "is_message": is_message, "is_held": is_held},
    )


def lay_out_changed(opened: duckdb.DuckDBPyConnection) -> None:
    """Make `changed` (`person_id`): who has to be looked at; and `rest`, the rows of `kept` of all others.

    Args:
        opened: A database with `inputs_now` (`person_id`, `inputs`), `held`, and `kept`: one row for each person of
            `gold.activation_basis`.
    """
    opened.execute(
        f"""
        CREATE TABLE changed AS
        SELECT person_id FROM inputs_now LEFT JOIN kept USING (person_id)
        WHERE kept.inputs IS DISTINCT FROM inputs_now.inputs
        UNION SELECT person_id FROM kept ANTI JOIN inputs_now USING (person_id)
        UNION SELECT kept.person_id FROM kept LEFT JOIN held USING (sync_key)
        WHERE kept.refusal IS NULL AND NOT coalesce(
            held_hash = kept.payload_hash AND holder_id = kept.person_id AND pending_hash IS NULL AND stale = 0, false)
        UNION SELECT holder_id FROM held ANTI JOIN (FROM kept WHERE refusal IS NULL) AS wanted USING (sync_key)
        WHERE holder_id IS NOT NULL
        UNION SELECT person_id FROM kept
        WHERE sync_key IN (SELECT sync_key FROM kept WHERE refusal = '{SAME_KEY}')
        """
    )
    opened.execute("CREATE TABLE rest AS SELECT * FROM kept ANTI JOIN changed USING (person_id)")


def held_of_changed(opened: duckdb.DuckDBPyConnection) -> pa.Table:
    """Rows of `held` but those of keys that stand as they are."""
    sql = "SELECT * FROM held ANTI JOIN (FROM rest WHERE refusal IS NULL) AS standing USING (sync_key)"
    return opened.sql(sql).to_arrow_table().select(HELD_SCHEMA.names).cast(HELD_SCHEMA)


def counts_of_rest(opened: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Groups as `counted` makes them, of everybody who needs no look."""
    found = opened.execute(
        "SELECT refusal, count(*) FROM rest WHERE refusal IS DISTINCT FROM $outside GROUP BY refusal", {"outside": OUTSIDE}
    )
    return [
        {
            "change": UNCHANGED if refusal is None else REFUSED,
            "refusal": refusal,
            "is_wanted": refusal is None,
            "is_held": refusal is None,
            "rows": rows,
            **NOTHING,
        }
        for refusal, rows in found.fetchall()
    ]


def takes_a_key_of_rest(opened: duckdb.DuckDBPyConnection, seen: pa.Table) -> bool:
    """Whether somebody who was looked at has the key of somebody who was not: then each must be judged beside the other.

    Args:
        opened: A database with `rest`.
        seen: Rows with `sync_key`.
    """
    opened.register("seen", seen)
    found = opened.execute(
        "SELECT count(*) FROM seen SEMI JOIN (FROM rest WHERE refusal IS NULL) AS standing USING (sync_key)"
    )
    return bool(found.fetchall()[0][0])


def basis_rows(opened: duckdb.DuckDBPyConnection, seen: pa.Table, only_changed: bool) -> pa.Table:
    """What is to be remembered of those who were looked at, or of everybody: without sync, mark and time.

    Args:
        opened: A database with `inputs_now` and, if only those are meant who changed, `changed`.
        seen: `person_id`, `sync_key`, `payload_hash`, `refusal` of people of the audience who were looked at.
        only_changed: Whether the others were not looked at.
    """
    opened.register("seen", seen)
    people = "changed LEFT JOIN inputs_now USING (person_id)" if only_changed else "inputs_now"
    sql = f"""
        SELECT person_id, sync_key, CASE WHEN refusal IS NULL THEN payload_hash END AS payload_hash,
            CASE WHEN seen.person_id IS NULL THEN '{OUTSIDE}' ELSE refusal END AS refusal, inputs
        FROM (FROM {people}) AS people LEFT JOIN seen USING (person_id)
        """
    return opened.sql(sql).to_arrow_table()
