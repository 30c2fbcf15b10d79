"""One thing that a destination reports of one message."""

from dataclasses import replace

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import BY_NOW, IN_RANGE, KNOWN_LATER, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.receipts import DELIVERY_RECEIPT as TABLE

_TYPES = (
    "sent", "delivered", "soft_bounce", "hard_bounce", "opened", "clicked", "unsubscribed", "complained", "capped", "failed",
)  # fmt: skip
# Who says stop, and an address behind which nobody is, are heard though the time cannot be read or is still to come: put
# aside, the row would leave them written to.
_STOPS = "coalesce(receipt_type IN ('unsubscribed', 'complained', 'hard_bounce'), false)"
_OCCURRED, _KNOWN = TIMES

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
        replace(_OCCURRED, unless=_STOPS, instead="landed_at"),
        _KNOWN,
    ),
    expectations=(
        IN_RANGE,
        KNOWN_LATER,
        Expectation("in_the_future", f"{BY_NOW} OR {_STOPS}", "occurred_at: after it arrived"),
        Expectation(
            "stops_in_the_future", f"{BY_NOW} OR NOT {_STOPS}", "occurred_at: in the future; it counts at once", "warn"
        ),
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
