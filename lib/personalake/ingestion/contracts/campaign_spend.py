"""What one campaign cost on one day."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.touchpoints import CAMPAIGN_SPEND as TABLE

CAMPAIGN_SPEND = Contract(
    name="campaign_spend",
    kind="record",
    table=TABLE,
    row_id="record_id",
    fields=(
        ContractField("record_id"),
        ContractField("campaign_id", required=True),
        ContractField("channel", required=True),
        ContractField("impressions", "bigint", noun="whole number"),
        ContractField("clicks", "bigint", noun="whole number"),
        ContractField("amount", "decimal(18,2)", required=True, noun="number"),
        ContractField("currency"),
        *TIMES,
    ),
    expectations=(
        *TIMELY,
        Expectation("negative_amount", "amount >= 0", "amount: negative"),
        Expectation("has_currency", "currency IS NOT NULL", "currency: missing; the source's YAML can name one"),
        Expectation("currency_code", "currency RLIKE '^[A-Z]{3}$'", "currency: not a code of three capitals"),
    ),
)
