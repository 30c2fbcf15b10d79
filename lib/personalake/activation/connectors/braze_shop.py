"""What Braze's schemas say of the events of a shop; an event that is otherwise would not count as one."""

from collections.abc import Mapping
from typing import Any

from personalake.activation.connectors.rules import CURRENCY, is_currency, is_number, is_whole
from personalake.config.braze_events import ACTIONS, CART, NUMBERS, TEXTS, needed

_OF_PRODUCTS = ("product_id", "product_name", "variant_id", "quantity", "price")
_OF_PRICES = frozenset({"price"})


def of_shop(name: str, properties: Mapping[str, Any]) -> str | None:
    """What is wrong with the properties of an event of a shop; null if nothing is.

    >>> of_shop("ecommerce.order_placed", {"order_id": "o1", "total_value": 9.9, "currency": "EUR", "source": "web"})
    'products is missing, which Braze wants of ecommerce.order_placed'
    """
    action = properties.get("action")
    missing = _missing(properties, needed(name, action))
    if missing:
        return f"{missing} is missing, which Braze wants of {name}"
    if name == CART and action is not None and action not in ACTIONS:
        return f"action is not one of {', '.join(ACTIONS)}"
    if not is_currency(properties["currency"]):
        return f"currency is not {CURRENCY}"
    products = properties.get("products", [])
    if not isinstance(products, list) or not all(isinstance(product, dict) for product in products):
        return "products is not a list of objects"
    return _mistyped(properties, NUMBERS) or next(filter(None, map(_of_product, products)), None)


def _of_product(product: Mapping[str, Any]) -> str | None:
    missing = _missing(product, _OF_PRODUCTS)
    if missing:
        return f"a product has no {missing}"
    if not is_whole(product["quantity"]) or product["quantity"] < 0:
        return "quantity is not a whole number of 0 or more"
    return _mistyped(product, _OF_PRICES)


def _missing(values: Mapping[str, Any], needed: tuple[str, ...]) -> str:
    return ", ".join(name for name in needed if values.get(name) in (None, "", []))


def _mistyped(values: Mapping[str, Any], numbers: frozenset[str]) -> str | None:
    for name, value in values.items():
        if name in TEXTS and not isinstance(value, str | None):
            return f"{name} is not a text"
        if name in numbers and not is_number(value):
            return f"{name} is not a number"
        if name in numbers and value < 0:
            return f"{name} is below 0; what was refunded or cancelled Braze takes off by itself"
    return None
