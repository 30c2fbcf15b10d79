"""What one product costs, and how much of it there is."""

from personalake.ingestion.contracts.contract import Contract, ContractField, Reference
from personalake.quality.expectations import Expectation
from personalake.tables.context import PRODUCT_OFFER as TABLE
from personalake.tables.silver import CATALOG_ITEM

PRODUCT_OFFER = Contract(
    name="product_offer",
    kind="record",
    table=TABLE,
    row_id="record_id",
    versions_of=("product_id", "store_id"),
    fields=(
        ContractField("record_id"),
        ContractField("product_id", required=True),
        ContractField("store_id"),
        ContractField("price", "decimal(18,2)", noun="number"),
        ContractField("currency"),
        ContractField("stock", "decimal(12,3)", noun="number"),
        ContractField("known_at", "timestamp", noun="date and time"),
    ),
    expectations=(
        Expectation("says_something", "price IS NOT NULL OR stock IS NOT NULL", "price, stock: both missing"),
        Expectation("negative_price", "price >= 0", "price: negative"),
        # More was sold than there is: the shop's books say so, and nothing can be sold.
        Expectation("negative_stock", "stock >= 0", "stock: negative", "warn"),
        Expectation("currency_code", "currency RLIKE '^[A-Z]{3}$'", "currency: not a code of three capitals"),
        Expectation(
            "priced_in_a_currency",
            "price IS NULL OR currency IS NOT NULL",
            "currency: missing; the source's YAML can name one",
        ),
    ),
    references=(
        Reference("known_product", "product_id", CATALOG_ITEM, "product_id", "product_id: not in the catalog", "warn"),
    ),
)
