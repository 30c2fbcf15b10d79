"""Braze's `/users/track` objects: user attributes, events, purchases."""

from collections.abc import Mapping, Sequence

from personalake.activation.messages.message import Item, Message, Person, Value, instant

# Trait as the Segment Spec names it: Braze's own profile field.
_FIELDS = {
    "firstName": "first_name",
    "first_name": "first_name",
    "lastName": "last_name",
    "last_name": "last_name",
    "birthday": "dob",
    "avatar": "image_url",
    "gender": "gender",
}
_ADDRESS = {"city": "home_city", "country": "country"}
_GENDERS = {
    **dict.fromkeys(("m", "male", "man"), "M"),
    **dict.fromkeys(("f", "female", "woman"), "F"),
    **dict.fromkeys(("o", "other"), "O"),
    **dict.fromkeys(("n", "not applicable"), "N"),
    **dict.fromkeys(("p", "prefer not to say"), "P"),
}
# Keys that would stand for something else in an event's properties, and fields of a purchase.
_RESERVED = frozenset({"time", "event_name"})
_PURCHASE = frozenset({"product_id", "sku", "price", "quantity", "currency"})
_MOST_AT_ONCE = 100
ORDERS = frozenset({"order completed"})


def items(message: Message, orders: frozenset[str] = ORDERS, app_id: str | None = None) -> Sequence[Item]:
    """Attributes for traits, an event for a track call, or one purchase for each product of an order.

    Args:
        message: What to say; a group has no counterpart in Braze.
        orders: Names of events, in small letters, whose products are purchases.
        app_id: App that events belong to.

    Raises:
        ValueError: If Braze could not find the person, or an order lacks what a purchase needs.
    """
    who = identifier(message.person)
    found = []
    traits = attributes(message.given_traits)
    if traits:
        found.append(Item("attributes", {**who, **traits}))
    if message.kind == "track":
        if not message.name:
            raise ValueError("an event needs a name")
        where = {**who, **({"app_id": app_id} if app_id else {})}
        is_order = message.name.lower() in orders
        found += _purchases(message, where) if is_order else [Item("event", {**where, **_event(message, message.name)})]
    return found


def identifier(person: Person) -> dict[str, Value]:
    """The one identifier that counts: external id, alias, Braze's own id, e-mail, phone."""
    if person.user_id:
        return {"external_id": person.user_id}
    alias = person.alias or (("anonymous_id", person.anonymous_id) if person.anonymous_id else None)
    if alias:
        return {"user_alias": {"alias_label": alias[0], "alias_name": alias[1]}, "_update_existing_only": False}
    for key, value in (("braze_id", person.braze_id), ("email", person.email), ("phone", person.phone)):
        if value:
            return {key: value}
    raise ValueError("Braze needs an external id, an alias, a Braze id, an e-mail address or a phone number")


def attributes(traits: Mapping[str, Value]) -> dict[str, Value]:
    """Traits under Braze's own names where it has one; all others are custom attributes, as they are.

    >>> attributes({"firstName": "Ann", "gender": "female", "birthday": "1980-05-17T00:00:00.000Z", "tier": "gold"})
    {'first_name': 'Ann', 'gender': 'F', 'dob': '1980-05-17', 'tier': 'gold'}
    """
    found: dict[str, Value] = {}
    for name, value in traits.items():
        if name == "address" and isinstance(value, Mapping):
            found |= {_ADDRESS[key]: inner for key, inner in value.items() if key in _ADDRESS}
        else:
            field = _FIELDS.get(name, name)
            found[field] = _standard(field, value)
    return {name: value for name, value in found.items() if name not in ("gender", "dob") or value != ""}


def _standard(field: str, value: Value) -> Value:
    if field == "gender" and isinstance(value, str):
        return _GENDERS.get(value.strip().lower(), "")
    if field == "dob" and isinstance(value, str):
        return value[:10]
    return value


def _event(message: Message, name: str) -> dict[str, Value]:
    kept = {key: value for key, value in message.given_properties.items() if key not in _RESERVED}
    event: dict[str, Value] = {"name": name, "time": instant(message.occurred_at)}
    return {**event, "properties": kept} if kept else event


def _purchases(message: Message, where: Mapping[str, Value]) -> list[Item]:
    order = message.given_properties
    products = [product for product in order.get("products") or [] if isinstance(product, Mapping)]
    if not products:
        raise ValueError("an order needs products")
    rest = {key: value for key, value in order.items() if key not in {"products", *_RESERVED, *_PURCHASE}}
    return [Item("purchase", {**where, **_purchase(product, order, rest, message)}) for product in products]


def _purchase(
    product: Mapping[str, Value], order: Mapping[str, Value], rest: Mapping[str, Value], message: Message
) -> dict[str, Value]:
    found = product.get("product_id") or product.get("sku")
    currency = order.get("currency") or product.get("currency")
    quantity = int(product.get("quantity") or 1)
    if not found or currency is None or product.get("price") is None:
        raise ValueError("a purchase needs product_id or sku, price and currency")
    if not 1 <= quantity <= _MOST_AT_ONCE:
        raise ValueError(f"quantity is {quantity}; Braze takes 1 to {_MOST_AT_ONCE}")
    more = {**rest, **{key: value for key, value in product.items() if key not in _PURCHASE | _RESERVED}}
    purchase: dict[str, Value] = {
        "product_id": str(found),
        "currency": str(currency).upper(),
        "price": float(product["price"]),
        "quantity": quantity,
        "time": instant(message.occurred_at),
    }
    return {**purchase, "properties": more} if more else purchase
