"""The last row of the log is a delivery's state: one meaning of "last", for DuckDB and for Spark."""

from datetime import UTC, datetime, timedelta

# Of rows of one instant, what comes later in a delivery's life is the later one.
PLACES = ("pending", "in_flight", "unknown", "cancelled", "rejected", "accepted", "confirmed")
# One number for time and place: no sort is needed to find the last row of each delivery.
PLACED = 8
# Rows of the log about deliveries of a table `planned`.
OF_PLANNED = "(SELECT * FROM log WHERE delivery_id IN (SELECT delivery_id FROM planned))"
KEY = f"epoch_us(log.logged_at) * {PLACED} + list_position({list(PLACES)}, log.state)"

# When a delivery left, in the same number; of what never was claimed, when its last row came.
LEFT = f"coalesce(max({KEY}) FILTER (log.state = 'in_flight'), max({KEY}))"


def placed(moment: datetime) -> int:
    """A moment as the number that `KEY` is: less than that of any row of it, or of a later one.

    >>> placed(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    8000000
    """
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * PLACED


def last_states(log: str = "log", *more: str) -> str:
    """A query for each delivery's last `state`.

    Args:
        log: A table with rows of `gold.activation_log`, or a query in brackets; it is called `log` inside.
        more: What else is asked for of all rows of a delivery: aggregates, with their names.

    Returns:
        SQL with `delivery_id`, `state`, and what else was asked for.
    """
    columns = ", ".join((f"arg_max(log.state, {KEY}) AS state", *more))
    return f"SELECT delivery_id, {columns} FROM {log} AS log GROUP BY delivery_id"
