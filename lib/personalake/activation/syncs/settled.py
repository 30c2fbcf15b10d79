"""What needs no plan: people who are held as they are wanted, or are not wanted and not there.

A destination that is kept in step differs from what is wanted in few keys. The many others are told apart here, in one
pass without Spark, by a narrower rule than that of `plan`: whatever is not certain is left to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from personalake.activation.syncs.acknowledged import DOUBTFUL, PLACED, PLACES, SETTLED
from personalake.activation.syncs.counts import still
from personalake.activation.syncs.diff import REFUSED, UNCHANGED

JUDGED = ("person_id", "sync_key", "payload_hash", "refusal")
SENT = ("delivery_id", "person_id", "payload_hash", "as_of", "plan_id", "sync", "sync_key", "removal")
LOGGED = ("delivery_id", "state", "logged_at")
_MEMORY = "1GB"

# Deliveries with the state that the last row of the log says, as `with_states`.
_STATED = f"""
CREATE TABLE stated AS
WITH last AS (
    SELECT delivery_id, max(epoch_us(logged_at) * {PLACED} + list_position($places, state)) AS moment
    FROM log GROUP BY delivery_id
)
SELECT sent.*, moment, CASE WHEN moment IS NULL THEN 'pending' ELSE $places[(moment % {PLACED})::INT] END AS state
FROM sent LEFT JOIN last USING (delivery_id)
"""
# Who stands alone: no other row of the person, no other row of the key.
_ALONE = """
CREATE TABLE alone AS
SELECT any_value(person_id) AS person_id, sync_key, any_value(payload_hash) AS payload_hash, any_value(refusal) AS refusal
FROM judged GROUP BY sync_key
HAVING count(*) = 1 AND any_value(person_id) NOT IN (SELECT person_id FROM judged GROUP BY person_id HAVING count(*) > 1)
"""
# Keys of which the last that became of them is certain: taken as it is wanted now, of the same person, or taken away.
_KEYS = """
CREATE TABLE keys AS
SELECT sync_key, bool_or(coalesce(state = 'pending', false)) AS waits,
    coalesce(max(moment) FILTER (is_as_wanted), -1) > coalesce(max(moment) FILTER (has_outcome AND NOT is_as_wanted), -1)
        AS is_kept,
    coalesce(max(moment) FILTER (is_away), -1) > coalesce(max(moment) FILTER (has_outcome AND NOT is_away), -1) AS is_gone
FROM (
    SELECT stated.sync_key, state, moment, list_contains($outcomes, state) AS has_outcome,
        coalesce(list_contains($settled, state) AND NOT removal AND alone.refusal IS NULL
            AND stated.payload_hash = alone.payload_hash AND stated.person_id = alone.person_id, false) AS is_as_wanted,
        coalesce(list_contains($settled, state) AND removal, false) AS is_away
    FROM stated LEFT JOIN alone USING (sync_key)
) GROUP BY sync_key
"""
_AT_REST = """
CREATE TABLE at_rest AS
WITH moving AS (
    SELECT DISTINCT person_id FROM stated JOIN keys USING (sync_key)
    WHERE person_id IS NOT NULL AND (waits OR NOT (is_kept OR is_gone))
)
SELECT alone.* FROM alone ANTI JOIN moving USING (person_id) LEFT JOIN keys USING (sync_key)
WHERE alone.person_id IS NOT NULL AND (refusal IS NOT NULL AND keys.sync_key IS NULL OR is_kept AND NOT waits)
"""
_COUNTS = "SELECT refusal, count(*) FROM at_rest GROUP BY refusal ORDER BY refusal"
_MOVING = "SELECT DISTINCT person_id FROM judged ANTI JOIN at_rest USING (person_id)"
_DELIVERIES = """
SELECT stated.* FROM stated JOIN keys USING (sync_key)
    ANTI JOIN (SELECT sync_key FROM at_rest WHERE refusal IS NULL) kept USING (sync_key)
WHERE waits OR NOT is_gone OR sync_key IN (SELECT sync_key FROM judged)
"""


@dataclass(frozen=True)
class Settled:
    """What needs no plan, and what is left for one.

    Args:
        groups: People who need none, counted as `counts.of_groups` takes them.
        moving: `person_id` of all others of the audience.
        deliveries: All deliveries that matter to the others, as rows of `with_states`.
    """

    groups: tuple[Mapping[str, Any], ...]
    moving: pa.Table
    deliveries: pa.Table


def settled(judged: pa.Table, sent: pa.RecordBatchReader, log: pa.RecordBatchReader) -> Settled:
    """Tell apart who is at rest; the same whatever the mode of the sync, its caps, and its plan that stands.

    A person at rest has one row, of a key that nobody else has, and no delivery of theirs waits, is in doubt, or was
    refused last. The destination took their key last as it is wanted now; or they are refused, and never had another key
    but such as were taken away.

    Args:
        judged: Columns of `JUDGED`, of all rows of `wanted.judged`.
        sent: Columns of `SENT`, of all deliveries of the sync.
        log: Columns of `LOGGED`, of at least these deliveries.
    """
    told = {"places": list(PLACES), "settled": list(SETTLED), "outcomes": [*SETTLED, *DOUBTFUL, "rejected"]}
    with duckdb.connect(":memory:") as opened:
        opened.execute(f"SET memory_limit = '{_MEMORY}'")
        opened.execute("SET TimeZone = 'UTC'")
        opened.register("judged", judged)
        opened.register("sent", sent)
        opened.register("log", log)
        opened.execute(_STATED, {"places": told.pop("places")})
        opened.execute(_ALONE)
        opened.execute(_KEYS, told)
        opened.execute(_AT_REST)
        groups = tuple(
            still(UNCHANGED if refusal is None else REFUSED, refusal, rows)
            for refusal, rows in opened.execute(_COUNTS).fetchall()
        )
        moving = opened.sql(_MOVING).to_arrow_table()
        return Settled(groups, moving, opened.sql(_DELIVERIES).to_arrow_table())
