"""One line of one order."""

from personalake.ingestion.contracts.contract import Contract, ContractField, Reference
from personalake.ingestion.contracts.timing import TIMELY, TIMES
from personalake.quality.expectations import Expectation
from personalake.tables.silver import CATALOG_ITEM
from personalake.tables.silver import ORDER_LINE as TABLE

ORDER_LINE = Contract(
    name="order_line",
    kind="event",
    table=TABLE,
    row_id="event_id",
    fields=(
        ContractField("event_id"),
        ContractField("order_id", required=True),
        ContractField("customer_id"),
        ContractField("product_id", required=True),
        ContractField("quantity", "decimal(12,3)", required=True, noun="number"),
        ContractField("amount", "decimal(18,2)", required=True, noun="number"),
        ContractField("discount_amount", "decimal(18,2)", default="0", noun="number"),
        ContractField("currency"),
        ContractField("store_id"),
        *TIMES,
    ),
    expectations=(
        Expectation("zero_quantity", "quantity <> 0", "quantity: zero"),
        Expectation("negative_quantity", "quantity >= 0", "quantity: negative, and this source has no returns"),
        Expectation("negative_amount", "amount >= 0 OR quantity < 0", "amount: negative for a sale"),
        Expectation("negative_discount", "discount_amount >= 0", "discount_amount: negative", "warn"),
        Expectation("currency_code", "currency RLIKE '^[A-Z]{3}$'", "currency: not a code of three capitals"),
        Expectation("has_currency", "currency IS NOT NULL", "currency: missing; the source's YAML can name one"),
        *TIMELY,
        Expectation("has_customer", "customer_id IS NOT NULL", "customer_id: missing", "warn"),
    ),
    references=(
        Reference("known_product", "product_id", CATALOG_ITEM, "product_id", "product_id: not in the catalog", "warn"),
    ),
)
