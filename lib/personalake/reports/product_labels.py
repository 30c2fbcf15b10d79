"""Products by names that tell them apart, where several share one."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any


def labels(products: Collection[str], known: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What to call each product of one list: its name, with its size where others have that name, else with its id.

    Args:
        products: Ids of the products that stand in the list.
        known: Name and size of products, by id; what has no name is called by its id.

    >>> milk = {"name": "Milk", "size": "1 l"}
    >>> labels(["1", "2"], {"1": milk, "2": {"name": "Milk", "size": "2 l"}, "3": milk})
    {'1': 'Milk, 1 l', '2': 'Milk, 2 l'}
    >>> labels(["1", "3", "4"], {"1": milk, "3": milk})
    {'1': 'Milk, 1 l (1)', '3': 'Milk, 1 l (3)', '4': '4'}
    """
    names = {product: str(known.get(product, {}).get("name") or product) for product in products}
    sized = {product: _sized(name, known.get(product, {})) for product, name in names.items()}
    told = {product: sized[product] if shared else names[product] for product, shared in _shared(names).items()}
    return {
        product: f"{told[product]} ({product})" if shared else told[product] for product, shared in _shared(told).items()
    }


def _shared(names: Mapping[str, str]) -> dict[str, bool]:
    counts = Counter(name.lower() for name in names.values())
    return {product: counts[name.lower()] > 1 for product, name in names.items()}


def _sized(name: str, product: Mapping[str, Any]) -> str:
    return f"{name}, {product['size']}" if product.get("size") else name
