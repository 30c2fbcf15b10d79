"""One line of one order."""

from personalake.ingestion.contracts.contract import Contract, ContractField, Reference
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
        ContractField("occurred_at", "timestamp", required=True, noun="date and time"),
        ContractField("known_at", "timestamp", noun="date and time"),
    ),
    expectations=(
        Expectation("zero_quantity", "quantity <> 0", "quantity: zero"),
        Expectation("negative_quantity", "quantity >= 0", "quantity: negative, and this source has no returns"),
        Expectation("negative_amount", "amount >= 0 OR quantity < 0", "amount: negative for a sale"),
        Expectation("negative_discount", "discount_amount >= 0", "discount_amount: negative", "warn"),
        Expectation("currency_code", "currency RLIKE '^[A-Z]{3}$'", "currency: not a code of three capitals"),
        Expectation("has_currency", "currency IS NOT NULL", "currency: missing; the source's YAML can name one"),
        Expectation("time_range", "year(occurred_at) BETWEEN 1990 AND 2100", "occurred_at: year out of range"),
        Expectation(
            "known_before_it_happened", "known_at >= occurred_at - INTERVAL 1 DAY", "known_at: before it happened", "warn"
        ),
        Expectation("in_the_future", "occurred_at <= landed_at + INTERVAL 1 DAY", "occurred_at: after it arrived"),
        Expectation("has_customer", "customer_id IS NOT NULL", "customer_id: missing", "warn"),
    ),
    references=(
        Reference("known_product", "product_id", CATALOG_ITEM, "product_id", "product_id: not in the catalog", "warn"),
    ),
)
