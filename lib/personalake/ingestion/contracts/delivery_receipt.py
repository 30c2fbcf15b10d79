"""One thing that a destination reports of one message."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.receipts import DELIVERY_RECEIPT as TABLE

_TYPES = (
    "sent", "delivered", "soft_bounce", "hard_bounce", "opened", "clicked", "unsubscribed", "complained", "capped", "failed",
)  # fmt: skip

DELIVERY_RECEIPT = Contract(
    name="delivery_receipt",
    kind="record",
    table=TABLE,
    row_id="record_id",
    fields=(
        ContractField("record_id"),
        ContractField("receipt_type", required=True),
        ContractField("channel", required=True),
        ContractField("destination"),
        ContractField("delivery_id"),
        ContractField("reference"),
        ContractField("campaign_id"),
        ContractField("customer_id"),
        ContractField("address"),
        ContractField("reason"),
        *TIMES,
    ),
    expectations=(
        *TIMELY,
        Expectation(
            "known_receipt",
            f"receipt_type IN ({', '.join(repr(name) for name in _TYPES)})",
            f"receipt_type: not one of {', '.join(_TYPES)}",
        ),
        Expectation(
            "names_somebody",
            "coalesce(delivery_id, reference, customer_id, address) IS NOT NULL",
            "delivery_id, reference, customer_id, address: all missing",
        ),
    ),
)
