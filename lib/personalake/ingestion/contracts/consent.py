"""One answer of a customer about one purpose."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import BY_NOW
from personalake.quality.expectations import Expectation
from personalake.tables.silver import CONSENT as TABLE

# A refusal whose time cannot be read would leave the grant before it in force, if it were put aside: it stands.
_REFUSES = "coalesce(status <> 'granted', true)"
CONSENT = Contract(
    name="consent",
    kind="record",
    table=TABLE,
    row_id="record_id",
    fields=(
        ContractField("record_id"),
        ContractField("customer_id", required=True),
        ContractField("purpose", required=True),
        # Who answers in words that nobody knows has not granted: the answer stands, and allows nothing.
        ContractField("status", required=True, form="coalesce(lower({text}), 'unknown')"),
        ContractField("legal_basis", default="'consent'"),
        ContractField("text_version"),
        ContractField("origin"),
        ContractField("occurred_at", "timestamp", required=True, noun="date and time", unless=_REFUSES, instead="landed_at"),
        ContractField("expires_at", "timestamp", noun="date and time", unless=_REFUSES),
        ContractField("known_at", "timestamp", noun="date and time"),
    ),
    expectations=(
        Expectation(
            "known_status",
            "status IN ('granted', 'denied', 'withdrawn')",
            "status: not one of granted, denied, withdrawn; it allows nothing",
            severity="warn",
        ),
        # Kept: a grant waits for its day, a refusal counts from the moment it is known.
        Expectation("given_by_now", BY_NOW, "occurred_at: in the future", severity="warn"),
        Expectation(
            "ends_after_it_begins", "expires_at > occurred_at", "expires_at: not after occurred_at", severity="warn"
        ),
    ),
)
