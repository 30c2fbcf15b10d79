"""One request to be forgotten."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.quality.expectations import Expectation
from personalake.tables.erasure import ERASURE_ASKED as TABLE

ERASURE_REQUEST = Contract(
    name="erasure_request",
    kind="record",
    table=TABLE,
    row_id="record_id",
    fields=(
        ContractField("record_id"),
        ContractField("customer_id", required=True),
        ContractField("regulation", default="'GDPR'"),
        ContractField("is_verified", "boolean", default="'true'", noun="yes or no"),
        ContractField("occurred_at", "timestamp", required=True, noun="date and time"),
        ContractField("known_at", "timestamp", noun="date and time"),
    ),
    expectations=(Expectation("known_regulation", "regulation IN ('GDPR', 'CCPA')", "regulation: not one of GDPR, CCPA"),),
)
