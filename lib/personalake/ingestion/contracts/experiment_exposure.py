"""One visitor seeing one variant of an experiment."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.touchpoints import EXPERIMENT_EXPOSURE as TABLE

EXPERIMENT_EXPOSURE = Contract(
    name="experiment_exposure",
    kind="event",
    table=TABLE,
    row_id="event_id",
    fields=(
        ContractField("event_id"),
        ContractField("experiment_id", required=True),
        ContractField("variant", required=True),
        ContractField("customer_id"),
        ContractField("cookie_id"),
        ContractField("device_type"),
        *TIMES,
    ),
    expectations=(
        *TIMELY,
        Expectation(
            "has_identifier", "coalesce(customer_id, cookie_id) IS NOT NULL", "customer_id, cookie_id: both missing", "warn"
        ),
    ),
)
