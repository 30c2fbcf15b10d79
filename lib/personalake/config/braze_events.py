"""Events of a shop for which Braze has a schema of its own, and which it takes in no other form."""

from collections.abc import Mapping

BEGINNING = "ecommerce."
_OF_ORDERS = ("order_id", "total_value", "currency", "products", "source")
# Event to the properties that it must have.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "ecommerce.product_viewed": ("product_id", "product_name", "variant_id", "price", "currency", "source"),
    "ecommerce.cart_updated": ("cart_id", "total_value", "currency", "products", "source"),
    "ecommerce.checkout_started": ("checkout_id", "total_value", "currency", "products", "source"),
    "ecommerce.order_placed": _OF_ORDERS,
    "ecommerce.order_refunded": _OF_ORDERS,
    "ecommerce.order_cancelled": (*_OF_ORDERS, "cancel_reason"),
}
TEXTS = frozenset({
    "cancel_reason", "cart_id", "checkout_id", "image_url", "order_id", "product_id", "product_name", "product_url",
    "source", "variant_id",
})  # fmt: skip
NUMBERS = frozenset({"price", "total_discounts", "total_value"})
