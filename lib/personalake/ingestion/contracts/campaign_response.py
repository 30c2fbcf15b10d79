"""One reaction of a customer to a campaign."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.tables.silver import CAMPAIGN_RESPONSE as TABLE

CAMPAIGN_RESPONSE = Contract(
    name="campaign_response",
    kind="record",
    table=TABLE,
    row_id="record_id",
    fields=(
        ContractField("record_id"),
        ContractField("customer_id", required=True),
        ContractField("campaign_id", required=True),
        ContractField("offer_id"),
        ContractField("response_type", required=True),
        ContractField("occurred_at", "timestamp", required=True, noun="date and time"),
        ContractField("known_at", "timestamp", noun="date and time"),
    ),
)
