"""What a source knows about a customer."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.tables.silver import CUSTOMER_RECORD as TABLE

CUSTOMER_RECORD = Contract(
    name="customer_record",
    kind="record",
    table=TABLE,
    row_id="record_id",
    versions_of=("customer_id",),
    fields=(
        ContractField("record_id"),
        ContractField("customer_id", required=True),
        ContractField("age_band"),
        ContractField("income_band"),
        ContractField("home_ownership"),
        ContractField("marital_status"),
        ContractField("household_size"),
        ContractField("household_type"),
        ContractField("kids_count"),
        ContractField("gender"),
        ContractField("first_name"),
        ContractField("last_name"),
        ContractField("birth_date", noun="day", is_day=True),
        ContractField("street"),
        ContractField("postcode"),
        ContractField("city"),
        ContractField("email"),
        ContractField("phone"),
        ContractField("login"),
        ContractField("loyalty_id"),
        ContractField("device_id"),
        ContractField("cookie_id"),
        ContractField("known_at", "timestamp", noun="date and time"),
    ),
)
