"""One thing that happened to one message."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT as TABLE

EMAIL_ENGAGEMENT = Contract(
    name="email_engagement",
    kind="event",
    table=TABLE,
    row_id="event_id",
    fields=(
        ContractField("event_id"),
        ContractField("message_id"),
        ContractField("campaign_id"),
        ContractField("engagement_type", required=True),
        ContractField("customer_id", required=True),
        *TIMES,
    ),
    expectations=(
        *TIMELY,
        Expectation(
            "known_engagement",
            "engagement_type IN ('sent', 'bounced', 'opened', 'clicked')",
            "engagement_type: not one of sent, bounced, opened, clicked",
        ),
    ),
)
