"""One product of the assortment."""

from personalake.ingestion.contracts.contract import Contract, ContractField
from personalake.tables.silver import CATALOG_ITEM as TABLE

CATALOG_ITEM = Contract(
    name="catalog_item",
    kind="record",
    table=TABLE,
    row_id="record_id",
    versions_of=("product_id",),
    fields=(
        ContractField("record_id"),
        ContractField("product_id", required=True),
        ContractField("name"),
        ContractField("department"),
        ContractField("category"),
        ContractField("product_type"),
        ContractField("brand"),
        ContractField("manufacturer_id"),
        ContractField("package_size"),
        ContractField("description"),
        ContractField("known_at", "timestamp", noun="date and time"),
    ),
)
