"""What Braze's schemas say of the events of a shop; an event that is otherwise would not count as one."""

import re
from collections.abc import Mapping
from typing import Any

from personalake.config.braze_events import NEEDED, NUMBERS, TEXTS

_CURRENCY = re.compile("[A-Z]{3}")
_OF_PRODUCTS = ("product_id", "product_name", "variant_id", "quantity", "price")


def of_shop(name: str, properties: Mapping[str, Any]) -> str | None:
    """What is wrong with the properties of an event of a shop; null if nothing is.

    >>> of_shop("ecommerce.order_placed", {"order_id": "o1", "total_value": 9.9, "currency": "EUR", "source": "web"})
    'products is missing, which Braze wants of ecommerce.order_placed'
    """
    missing = _missing(properties, NEEDED[name])
    if missing:
        return f"{missing} is missing, which Braze wants of {name}"
    if not _CURRENCY.fullmatch(str(properties["currency"])):
        return "currency is not three letters of ISO 4217"
    products = properties.get("products", [])
    if not isinstance(products, list) or not all(isinstance(product, dict) for product in products):
        return "products is not a list of objects"
    return _mistyped(properties) or next(filter(None, map(_of_product, products)), None)


def _of_product(product: Mapping[str, Any]) -> str | None:
    missing = _missing(product, _OF_PRODUCTS)
    if missing:
        return f"a product has no {missing}"
    if type(product["quantity"]) is not int:
        return "quantity is not a whole number"
    return _mistyped(product)


def _missing(values: Mapping[str, Any], needed: tuple[str, ...]) -> str:
    return ", ".join(name for name in needed if values.get(name) in (None, "", []))


def _mistyped(values: Mapping[str, Any]) -> str | None:
    for name, value in values.items():
        if name in TEXTS and not isinstance(value, str | None):
            return f"{name} is not a text"
        if name in NUMBERS and type(value) not in (int, float):
            return f"{name} is not a number"
    return None
