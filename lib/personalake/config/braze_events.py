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
    "action", "cancel_reason", "cart_id", "checkout_id", "image_url", "order_id", "product_id", "product_name",
    "product_url", "source", "variant_id",
})  # fmt: skip
NUMBERS = frozenset({"price", "shipping", "subtotal_value", "tax", "total_discounts", "total_value"})
CART, _PARTLY = "ecommerce.cart_updated", ("add", "remove")
# What an update does with a cart; without a word of it, it replaces what is in there.
ACTIONS = (*_PARTLY, "replace")


def needed(event: str, action: object = None) -> tuple[str, ...]:
    """Properties that an event must have; what changes a part of a cart need not say what all of it is worth.

    >>> needed("ecommerce.cart_updated", "add")
    ('cart_id', 'currency', 'products', 'source')
    """
    is_part = event == CART and action in _PARTLY
    return tuple(name for name in NEEDED.get(event, ()) if not (is_part and name == "total_value"))
