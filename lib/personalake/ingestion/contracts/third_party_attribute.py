"""One attribute of one person as a data provider tells it."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.tables.touchpoints import THIRD_PARTY_ATTRIBUTE as TABLE

THIRD_PARTY_ATTRIBUTE = Contract(
    name="third_party_attribute",
    kind="record",
    table=TABLE,
    row_id="record_id",
    fields=(
        ContractField("record_id"),
        ContractField("customer_id", required=True),
        ContractField("attribute", required=True),
        ContractField("value", required=True),
        ContractField("provider", required=True),
        ContractField("licence", required=True),
        # Silence is a no.
        ContractField("is_consented", "boolean", default="false", noun="yes or no"),
        *TIMES,
    ),
    expectations=TIMELY,
)
