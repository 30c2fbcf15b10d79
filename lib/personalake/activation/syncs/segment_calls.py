"""Segment's calls: reserved traits and properties in the types of its specification, and the context of a call."""

from collections.abc import Callable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.syncs.values import (
    capitals,
    inner,
    joined,
    nested,
    nested_object_of,
    number,
    object_of,
    text_of,
)
from personalake.config.audience_kinds import SEGMENT_CONTEXT
from personalake.config.audiences import Sync

Fields = Mapping[str, Column]
# Traits that are texts, of a person and of a group, in both spellings of the specification.
_ADDRESS = tuple(f"address.{part}" for part in ("city", "country", "postalCode", "postal_code", "state", "street"))
_TEXTS = frozenset({
    "avatar", "description", "email", "firstName", "first_name", "gender", "id", "lastName", "last_name", "name", "phone",
    "title", "username", "website", *_ADDRESS, "company.name", "company.industry", "company.plan",
})  # fmt: skip
_TEXTS_OF_GROUP = frozenset({
    "avatar", "description", "email", "employees", "id", "industry", "name", "phone", "plan", "website", *_ADDRESS,
})  # fmt: skip
_NUMBERS = frozenset({"age", "company.employee_count"})
# Properties of every event, and of those of the specification of e-commerce.
_NUMBERS_OF_EVENTS = frozenset({"revenue", "value"})
_NUMBERS_OF_SHOPS = frozenset({
    "discount", "position", "price", "quantity", "shipping", "step", "subtotal", "tax", "total",
})  # fmt: skip
_TEXTS_OF_SHOPS = frozenset({
    "affiliation", "brand", "cart_id", "category", "checkout_id", "coupon", "coupon_id", "coupon_name", "creative",
    "image_url", "list_id", "name", "order_id", "payment_method", "product_id", "promotion_id", "rating", "reason",
    "recipient", "review_body", "review_id", "share_message", "share_via", "shipping_method", "sku", "url", "variant",
    "wishlist_id", "wishlist_name",
})  # fmt: skip
# The place of a promotion has a name, that of a product in a list a number.
_PLACED_BY_NAME, _PLACE = frozenset({"Promotion Viewed", "Promotion Clicked"}), frozenset({"position"})
_TEXTS_OF_CONTEXT = frozenset({"groupId", "ip", "locale", "timezone", "userAgent"})
_TEXTS_OF_PERSON = frozenset(f"traits.{name}" for name in _TEXTS)
_CONSENTS = "consent.categoryPreferences."
_OF_SHOPS = frozenset({
    "Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed", "Promotion Clicked",
    "Product Clicked", "Product Viewed", "Product Added", "Product Removed", "Cart Viewed", "Checkout Started",
    "Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered", "Order Updated", "Order Completed",
    "Order Refunded", "Order Cancelled", "Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed",
    "Product Added to Wishlist", "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Shared",
    "Cart Shared", "Product Reviewed",
})  # fmt: skip


def has_context(sync: Sync) -> bool:
    """Whether a sync says something of what surrounds its calls."""
    return any(name.startswith(SEGMENT_CONTEXT) for name in sync.fields)


def traits(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """An identify call: traits of a person; with a context, both by their names."""
    return _with_context(sync, fields, "traits", lambda own: _typed(own, _TEXTS, _NUMBERS, erases_nulls))


def properties(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """A track call: properties of the event; with a context, both by their names."""
    is_of_shops = sync.event in _OF_SHOPS
    texts = _TEXTS_OF_SHOPS if is_of_shops else frozenset[str]()
    numbers = _NUMBERS_OF_EVENTS | (_NUMBERS_OF_SHOPS if is_of_shops else frozenset[str]())
    if sync.event in _PLACED_BY_NAME:
        texts, numbers = texts | _PLACE, numbers - _PLACE

    def made(own: Fields) -> Column:
        if "currency" in own:
            own = {**own, "currency": capitals(own["currency"])}
        return _typed(own, texts, numbers, erases_nulls)

    return _with_context(sync, fields, "properties", made)


def group(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """A group call: the id of the group, what is known of the group, and the context if there is one."""
    own, around = _parted(fields)
    known = {name: value for name, value in own.items() if name != sync.group}
    named = object_of({"groupId": own[sync.group or ""].cast("string")})
    return joined(inner(named), nested("traits", _typed(known, _TEXTS_OF_GROUP, frozenset(), erases_nulls)), around)


def _with_context(sync: Sync, fields: Fields, name: str, made: Callable[[Fields], Column]) -> Column:
    own, around = _parted(fields)
    if around is None:
        return made(own)
    member = None if sync.membership is None else inner(object_of({sync.membership: F.lit(True)}))
    return joined(nested(name, joined(inner(made(own)), member)), around)


def _parted(fields: Fields) -> tuple[Fields, Column | None]:
    """What is said, and what stands around it as a member, if anything does."""
    own = {name: value for name, value in fields.items() if not name.startswith(SEGMENT_CONTEXT)}
    around = {name.removeprefix(SEGMENT_CONTEXT): value for name, value in fields.items() if name not in own}
    if not around:
        return own, None
    content = nested_object_of({name: _surrounding(name, value) for name, value in around.items()})
    return own, F.when(content != "{}", nested("context", content))


def _surrounding(name: str, value: Column) -> Column:
    """A value of a context; what is no clear yes to a category is a no: a call without preferences goes on to everybody."""
    if name.startswith(_CONSENTS):
        return F.coalesce(value.cast("string").try_cast("boolean"), F.lit(False))
    return text_of(value) if name in _TEXTS_OF_CONTEXT or name in _TEXTS_OF_PERSON else value


def _typed(fields: Fields, texts: frozenset[str], numbers: frozenset[str], erases_nulls: bool) -> Column:
    """Values as an object, reserved ones in their types."""
    wholes = {name.partition(".")[0] for name in fields if name in numbers and "." in name}
    own = {name: value for name, value in fields.items() if name.partition(".")[0] not in wholes}
    others = {name: text_of(value) if name in texts else value for name, value in own.items() if name not in numbers}
    counted: list[Column] = [number(name, value, erases_nulls) for name, value in own.items() if name in numbers]
    for whole in sorted(wholes):
        parts = {name.removeprefix(f"{whole}."): value for name, value in fields.items() if name.startswith(f"{whole}.")}
        content = _typed(parts, _within(whole, texts), _within(whole, numbers), erases_nulls)
        counted.append(F.when(content != "{}", nested(whole, content)))
    content = nested_object_of(others, erases_nulls)
    return joined(inner(content), *counted) if counted else content


def _within(whole: str, names: frozenset[str]) -> frozenset[str]:
    """Names within an object, of those that are."""
    return frozenset(name.removeprefix(f"{whole}.") for name in names if name.startswith(f"{whole}."))
