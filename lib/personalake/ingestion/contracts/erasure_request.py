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
        ContractField("regulation", default="'GDPR'", form="upper({text})"),
        # Where a source tells of it, only a yes is one: whoever else asks waits, with a deadline that people see.
        ContractField(
            "is_verified", "boolean", default="'true'", blank="'false'", noun="yes or no", unless="true", instead="false"
        ),
        ContractField("occurred_at", "timestamp", required=True, noun="date and time", unless="true", instead="landed_at"),
        ContractField("known_at", "timestamp", noun="date and time"),
    ),
    expectations=(
        Expectation(
            "known_regulation",
            "regulation IN ('GDPR', 'CCPA')",
            "regulation: not one of GDPR, CCPA; its deadline is a month",
            severity="warn",
        ),
    ),
)
