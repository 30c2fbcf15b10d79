"""What holds for the time of any event or dated record."""

from personalake.ingestion.contracts.contract import ContractField
from personalake.quality.expectations import Expectation

TIMES = (
    ContractField("occurred_at", "timestamp", required=True, noun="date and time"),
    ContractField("known_at", "timestamp", noun="date and time"),
)
TIMELY = (
    Expectation("time_range", "year(occurred_at) BETWEEN 1990 AND 2100", "occurred_at: year out of range"),
    Expectation(
        "known_before_it_happened", "known_at >= occurred_at - INTERVAL 1 DAY", "known_at: before it happened", "warn"
    ),
    Expectation("in_the_future", "occurred_at <= landed_at + INTERVAL 1 DAY", "occurred_at: after it arrived"),
)
