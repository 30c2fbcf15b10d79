"""One request to the help desk."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.touchpoints import SUPPORT_TICKET as TABLE

SUPPORT_TICKET = Contract(
    name="support_ticket",
    kind="record",
    table=TABLE,
    row_id="record_id",
    fields=(
        ContractField("record_id"),
        ContractField("customer_id"),
        ContractField("phone"),
        ContractField("channel"),
        ContractField("text", required=True),
        ContractField("rating", "int", noun="whole number"),
        *TIMES,
    ),
    expectations=(*TIMELY, Expectation("rating_range", "rating BETWEEN 1 AND 5", "rating: not 1 to 5")),
)
