"""What was measured in one region in one hour."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.context import WEATHER as TABLE

WEATHER = Contract(
    name="weather",
    kind="record",
    table=TABLE,
    row_id="record_id",
    versions_of=("region", "occurred_at"),
    fields=(
        ContractField("record_id"),
        ContractField("region", required=True),
        ContractField("sky"),
        ContractField("temperature_celsius", "double", noun="number"),
        *TIMES,
    ),
    expectations=(
        *TIMELY,
        Expectation(
            "says_something", "sky IS NOT NULL OR temperature_celsius IS NOT NULL", "sky, temperature_celsius: both missing"
        ),
        Expectation("of_this_earth", "temperature_celsius BETWEEN -95 AND 65", "temperature_celsius: not -95 to 65"),
    ),
)
