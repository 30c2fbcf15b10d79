"""What left for a destination a short while ago: bounds over a window of time hold over runs, not within one."""

from datetime import UTC, datetime

from personalake.activation.backlog import Rows
from personalake.activation.last_state import KEY, last_states
from personalake.common.in_memory import in_memory

_CLAIMED = f"arg_max(log.logged_at, {KEY}) FILTER (log.state = 'in_flight') AS claimed_at"
# What is known to have stayed here, or to have been taken back before it left, fills no window.
_LEFT = f"""
SELECT claimed_at, count(*) FROM ({last_states("log", _CLAIMED)})
WHERE claimed_at IS NOT NULL AND state NOT IN ('pending', 'cancelled')
GROUP BY claimed_at ORDER BY claimed_at
"""


def left_recently(log: Rows, now: datetime) -> tuple[tuple[float, int], ...]:
    """Claims whose deliveries left, or may have.

    Args:
        log: Rows of `gold.activation_log` about one destination, as far back as the window reaches.
        now: This moment.

    Returns:
        How many seconds ago, and how many deliveries; the oldest first.
    """
    with in_memory() as opened:
        opened.register("log", log.reader(("delivery_id", "state", "logged_at")))
        found = opened.execute(_LEFT).fetchall()
    return tuple((max(0.0, (now - at.astimezone(UTC)).total_seconds()), count) for at, count in found)
