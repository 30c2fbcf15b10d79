"""Where the deliveries of plans stand, counted: by plan, destination and state, with the reasons that were given most."""

from collections.abc import Iterator, Mapping
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from personalake.activation.backlog import Rows
from personalake.activation.last_state import KEY, last_states

_MEMORY = "1GB"
_MOST_REASONS = 10


def tally(outbox: Rows, log: Rows) -> Iterator[Mapping[str, Any]]:
    """Count deliveries.

    Args:
        outbox: Rows of `gold.activation_outbox` that are part of a plan.
        log: All rows of `gold.activation_log` about them.

    Yields:
        For each plan, destination, state and reason: `plan_id`, `destination`, `state`, `reason`, `deliveries`,
        `may_repeat`, `first_at` and `last_at` (of what the log says of them). Beyond the reasons that were given most, a
        state's deliveries are counted together, under `other reasons`.
    """
    with TemporaryDirectory(prefix="personalake-tally-") as folder, duckdb.connect(":memory:") as opened:
        opened.execute("SET threads = 2")
        opened.execute("SET memory_limit = $1", [_MEMORY])
        opened.execute("SET temp_directory = $1", [folder])
        opened.execute("SET enable_progress_bar = false")
        opened.execute("SET TimeZone = 'UTC'")
        opened.register("planned", outbox.reader(("delivery_id", "destination", "plan_id")))
        opened.register("log", log.reader(("delivery_id", "state", "reason", "may_repeat", "logged_at")))
        found = opened.execute(_QUERY)
        names = [column[0] for column in found.description or ()]
        yield from [dict(zip(names, row, strict=True)) for row in found.fetchall()]


_TOLD = last_states(
    "log",
    f"arg_max_null(reason, {KEY}) AS reason",
    "bool_or(coalesce(may_repeat, false)) AS may_repeat",
    "min(logged_at) AS first_at",
    "max(logged_at) AS last_at",
)
_QUERY = f"""
WITH told AS ({_TOLD}), counted AS (
    SELECT plan_id, destination, coalesce(state, 'pending') AS state, reason, count(*) AS deliveries,
        count_if(coalesce(may_repeat, false)) AS may_repeat, min(first_at) AS first_at, max(last_at) AS last_at
    FROM planned LEFT JOIN told USING (delivery_id) GROUP BY ALL
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY plan_id, destination, state ORDER BY deliveries DESC, reason) AS place
    FROM counted
)
SELECT plan_id, destination, state,
    CASE WHEN place <= {_MOST_REASONS} THEN reason ELSE 'other reasons' END AS reason,
    sum(deliveries)::BIGINT AS deliveries, sum(may_repeat)::BIGINT AS may_repeat,
    min(first_at) AS first_at, max(last_at) AS last_at
FROM placed GROUP BY ALL ORDER BY ALL
"""
