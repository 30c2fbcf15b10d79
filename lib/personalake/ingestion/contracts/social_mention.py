"""One post on a social network that mentions the shop."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.tables.touchpoints import SOCIAL_MENTION as TABLE

SOCIAL_MENTION = Contract(
    name="social_mention",
    kind="record",
    table=TABLE,
    row_id="record_id",
    fields=(
        ContractField("record_id"),
        ContractField("customer_id"),
        ContractField("platform", required=True),
        ContractField("handle"),
        ContractField("text", required=True),
        ContractField("licence", default="'unknown'"),
        # Silence is a no.
        ContractField("is_consented", "boolean", default="false", noun="yes or no"),
        *TIMES,
    ),
    expectations=TIMELY,
)
