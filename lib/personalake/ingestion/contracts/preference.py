"""One wish of a customer, as a preference centre or an agent notes it."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.privacy import PREFERENCE as TABLE

PREFERENCE = Contract(
    name="preference",
    kind="record",
    table=TABLE,
    row_id="record_id",
    fields=(
        ContractField("record_id"),
        ContractField("customer_id", required=True),
        ContractField("preference", required=True),
        ContractField("value"),
        ContractField("origin"),
        *TIMES,
    ),
    expectations=(
        *TIMELY,
        Expectation("short_value", "length(value) <= 256", "value: longer than 256 characters"),
        Expectation("short_name", "length(preference) <= 64", "preference: longer than 64 characters"),
    ),
)
