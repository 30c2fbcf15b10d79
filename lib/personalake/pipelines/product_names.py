"""What products are called, read without Spark."""

from collections.abc import Iterable
from typing import Any

from personalake.lake import Ledger
from personalake.tables.silver import CATALOG_ITEM


def product_names(ledger: Ledger, products: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Name and category of products, from the latest version of each; the product type stands in for a missing name."""
    columns = ("product_id", "name", "category", "product_type", "department", "known_at", "record_id")
    wanted = sorted(set(products))
    versions = ledger.read(CATALOG_ITEM, columns, [("product_id", "in", wanted)]) if wanted else []
    latest = {row["product_id"]: row for row in sorted(versions, key=lambda row: (row["known_at"], row["record_id"]))}
    return {
        product: {
            "name": row["name"] or row["product_type"] or row["category"],
            "category": row["category"] or row["department"],
        }
        for product, row in latest.items()
    }
