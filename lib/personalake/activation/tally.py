"""Where the deliveries of plans stand, counted: by plan, destination and state, with the reasons that were given most."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from personalake.activation.backlog import Rows
from personalake.activation.last_state import KEY, last_states
from personalake.common.in_memory import in_memory

_MOST_REASONS = 10
_KEYED = ("delivery_id", "destination", "plan_id", "sync", "sync_key", "payload_hash")


def tally(outbox: Rows, log: Rows, plans: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Count deliveries.

    Args:
        outbox: Rows of `gold.activation_outbox` that are part of a plan.
        log: All rows of `gold.activation_log` about them.
        plans: Names of all plans, in the order in which they were made.

    Yields:
        For each plan, destination, state and reason: `plan_id`, `destination`, `state`, `reason`, `deliveries`,
        `may_repeat`, `again` (in doubt, and said again by a later plan: the same content of the same key) and `last_at` (of
        what the log says of them). Beyond the reasons that were given most, a state's deliveries are counted together,
        under `other reasons`.
    """
    with in_memory(threads=2) as opened:
        opened.register("log", log.reader(("delivery_id", "state", "reason", "may_repeat", "logged_at")))
        opened.execute(f"CREATE TABLE told AS {_TOLD}")
        _lay_out_again(opened, outbox, plans)
        opened.register("planned", outbox.reader(("delivery_id", "destination", "plan_id")))
        found = opened.execute(_QUERY)
        names = [column[0] for column in found.description or ()]
        yield from [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _lay_out_again(opened: duckdb.DuckDBPyConnection, outbox: Rows, plans: Sequence[str]) -> None:
    """Make `again`: deliveries in doubt that a later plan repeats; the keys of all others are not read."""
    opened.execute("CREATE TABLE again (delivery_id VARCHAR)")
    opened.execute(f"CREATE TABLE doubtful AS SELECT delivery_id FROM told WHERE {_IN_DOUBT}")
    if opened.execute("FROM doubtful LIMIT 1").fetchall():
        opened.execute("CREATE TABLE place AS SELECT unnest($1) AS plan_id, unnest(range($2)) AS n", [plans, len(plans)])
        opened.register("planned", outbox.reader(_KEYED))
        opened.execute("CREATE TABLE open AS FROM planned SEMI JOIN doubtful USING (delivery_id) JOIN place USING (plan_id)")
        opened.register("planned", outbox.reader(_KEYED))
        opened.execute(f"INSERT INTO again {_AGAIN}")


_IN_DOUBT = "state IN ('in_flight', 'unknown')"
_TOLD = last_states(
    "log",
    f"arg_max_null(reason, {KEY}) AS reason",
    "bool_or(coalesce(may_repeat, false)) AS may_repeat",
    "max(logged_at) AS last_at",
)
_AGAIN = """
SELECT DISTINCT open.delivery_id
FROM planned JOIN place USING (plan_id) JOIN open ON planned.destination = open.destination
        AND planned.sync IS NOT DISTINCT FROM open.sync AND planned.sync_key = open.sync_key
        AND planned.payload_hash = open.payload_hash
    LEFT JOIN told ON told.delivery_id = planned.delivery_id
WHERE place.n > open.n AND told.state IS DISTINCT FROM 'cancelled'
"""
_QUERY = f"""
WITH counted AS (
    SELECT plan_id, destination, coalesce(state, 'pending') AS state, reason, count(*) AS deliveries,
        count_if(coalesce(may_repeat, false)) AS may_repeat, count(again.delivery_id) AS again, max(last_at) AS last_at
    FROM planned LEFT JOIN told USING (delivery_id) LEFT JOIN again USING (delivery_id) GROUP BY ALL
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY plan_id, destination, state ORDER BY deliveries DESC, reason) AS place
    FROM counted
)
SELECT plan_id, destination, state,
    CASE WHEN place <= {_MOST_REASONS} THEN reason ELSE 'other reasons' END AS reason,
    sum(deliveries)::BIGINT AS deliveries, sum(may_repeat)::BIGINT AS may_repeat, sum(again)::BIGINT AS again,
    max(last_at) AS last_at
FROM placed GROUP BY ALL ORDER BY ALL
"""
