"""What products are called, read without Spark."""

from collections.abc import Iterable
from typing import Any

from personalake.lake import Ledger
from personalake.tables.silver import CATALOG_ITEM


def product_names(ledger: Ledger, products: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Name, category and size of products, from the latest version of each; a product type may stand in for a name."""
    columns = ("product_id", "name", "category", "product_type", "department", "package_size", "known_at", "record_id")
    wanted = sorted(set(products))
    versions = ledger.read(CATALOG_ITEM, columns, [("product_id", "in", wanted)]) if wanted else []
    latest = {row["product_id"]: row for row in sorted(versions, key=lambda row: (row["known_at"], row["record_id"]))}
    return {
        product: {
            "name": row["name"] or row["product_type"] or row["category"],
            "category": row["category"] or row["department"],
            "size": row["package_size"],
        }
        for product, row in latest.items()
    }
