"""One step of a visit to the web shop or the app."""

from personalake.ingestion.contracts.contract import Contract, ContractField, Reference
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.silver import CATALOG_ITEM
from personalake.tables.touchpoints import INTERACTION as TABLE

INTERACTION = Contract(
    name="interaction",
    kind="event",
    table=TABLE,
    row_id="event_id",
    fields=(
        ContractField("event_id"),
        ContractField("interaction_type", required=True),
        ContractField("channel", default="'web'"),
        ContractField("customer_id"),
        ContractField("cookie_id"),
        ContractField("device_id"),
        ContractField("session_id"),
        ContractField("product_id"),
        ContractField("item_position", "int", noun="whole number"),
        ContractField("search_term"),
        ContractField("order_id"),
        ContractField("device_type"),
        ContractField("region"),
        ContractField("referrer"),
        *TIMES,
    ),
    expectations=(
        *TIMELY,
        Expectation(
            "has_identifier",
            "coalesce(customer_id, cookie_id, device_id) IS NOT NULL",
            "customer_id, cookie_id, device_id: all missing",
            "warn",
        ),
    ),
    references=(
        Reference("known_product", "product_id", CATALOG_ITEM, "product_id", "product_id: not in the catalog", "warn"),
    ),
)
