"""What holds for the time of any event or dated record."""

from personalake.ingestion.contracts.contract import ContractField
from personalake.quality.expectations import Expectation

TIMES = (
    ContractField("occurred_at", "timestamp", required=True, noun="date and time"),
    ContractField("known_at", "timestamp", noun="date and time"),
)
# A day's leave for clocks and zones.
BY_NOW = "occurred_at <= landed_at + INTERVAL 1 DAY"
IN_RANGE = Expectation("time_range", "year(occurred_at) BETWEEN 1990 AND 2100", "occurred_at: year out of range")
KNOWN_LATER = Expectation(
    "known_before_it_happened", "known_at >= occurred_at - INTERVAL 1 DAY", "known_at: before it happened", "warn"
)
TIMELY = (IN_RANGE, KNOWN_LATER, Expectation("in_the_future", BY_NOW, "occurred_at: after it arrived"))
