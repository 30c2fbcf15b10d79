"""What is said in each destination's words: mapped fields to the body that is kept in step, JSON."""

from collections.abc import Callable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.syncs import onesignal_bodies, segment_calls
from personalake.activation.syncs.braze_profile import attributes_of
from personalake.activation.syncs.values import (
    capitals,
    inner,
    joined,
    nested,
    nested_object_of,
    number,
    object_of,
    pair,
    text_of,
    text_of_seconds,
)
from personalake.config import braze_events, fcm_names
from personalake.config.audience_kinds import FCM_OBJECTS
from personalake.config.audiences import Sync

Fields = Mapping[str, Column]
Body = Callable[[Sync, Fields, bool], Column]
_PURCHASE = ("product_id", "currency", "price", "quantity")
_NOTIFICATION = ("title", "body", "image")
# Places in an FCM message whose values are texts, whatever they are here.
_TEXTS_OF_FCM = ("android.data.", "apns.headers.", "webpush.headers.", "webpush.data.")
# Apple counts seconds since 1970.
_EXPIRATION = "apns.headers.apns-expiration"


def body_of(kind: str, sync: Sync) -> Body:
    """How the body of a sync is made.

    Args:
        kind: Kind of the connection.
        sync: Its settings.
    """
    if sync.purchase:
        return _purchase
    if kind == "segment":
        return segment_calls.group if sync.group else segment_calls.properties if sync.event else segment_calls.traits
    if kind == "braze_track":
        return _event if sync.event else _attributes
    return _BODIES.get(kind, _plain)


def _plain(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    return object_of(fields, erases_nulls)


def _nested(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    return nested_object_of(fields, erases_nulls)


def _attributes(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    return attributes_of(fields, erases_nulls)


def _event(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """Properties of an event at Braze; those of a shop are in the form of its schemas."""
    if sync.event not in braze_events.NEEDED:
        return nested_object_of(fields, erases_nulls)
    own = {name: text_of(value) if name in braze_events.TEXTS else value for name, value in fields.items()}
    if "currency" in own:
        own["currency"] = capitals(own["currency"])
    if sync.audience.orders is not None and "products" in own and sync.fields["products"].source == "products":
        own["products"] = F.transform(own["products"], _product)
    counted = [number(name, value) for name, value in own.items() if name in braze_events.NUMBERS]
    others = {name: value for name, value in own.items() if name not in braze_events.NUMBERS}
    return joined(inner(nested_object_of(others)), *counted)


def _product(product: Column) -> Column:
    """A product of an order as Braze lists it; what has no variants is its own only one."""
    named = {"product_id": "product_id", "product_name": "name", "variant_id": "product_id", "quantity": "quantity"}
    return F.struct(*(product[here].alias(there) for there, here in {**named, "price": "price"}.items()))


def _purchase(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """What Braze itself knows of a purchase; all else is its properties."""
    own = {name: value for name, value in fields.items() if name in _PURCHASE}
    rest = {name: value for name, value in fields.items() if name not in _PURCHASE}
    if "currency" in own:
        own["currency"] = capitals(own["currency"])
    if "product_id" in own:
        own["product_id"] = own["product_id"].cast("string")
    quantity, price = own.pop("quantity", None), own.pop("price", None)
    counted = (
        *(() if price is None else (number("price", price),)),
        *(() if quantity is None else (_whole(quantity),)),
    )
    return joined(inner(object_of(own)), *counted, *((nested("properties", nested_object_of(rest)),) if rest else ()))


def _whole(quantity: Column) -> Column:
    """A quantity as a whole number, also where it has a type with places; one that is not whole stays, and is refused."""
    whole = quantity.try_cast("bigint")
    return F.when(whole == quantity, pair("quantity", whole)).otherwise(pair("quantity", quantity))


def _push(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """Title, text and picture are the notification, what is for one platform is its object; all else is data, as texts.

    Without a notification it is a message for the app, which shows what it likes.
    """
    notification = {name: text_of(value) for name, value in fields.items() if name in _NOTIFICATION}
    platforms = {name: _of_platform(name, value) for name, value in fields.items() if name.partition(".")[0] in FCM_OBJECTS}
    data = {name: text_of(value) for name, value in fields.items() if name not in {*notification, *platforms}}
    parts = {"notification": notification, "data": data}
    said = (nested(name, object_of(values)) for name, values in parts.items() if values)
    return joined(*said, inner(nested_object_of(platforms)))


def _of_platform(name: str, value: Column) -> Column:
    """A value in FCM's form: headers and data are texts, a time to live is seconds with an `s` behind them."""
    if name == _EXPIRATION:
        return text_of_seconds(value)
    if name == "android.notification.event_time":
        return F.coalesce(text_of(value.try_cast("timestamp")), value.cast("string"))
    if name in fcm_names.TEXTS or name.startswith(_TEXTS_OF_FCM):
        return text_of(value)
    if name == "android.ttl":
        text = value.cast("string")
        return F.when(text.rlike(r"^\d+(\.\d+)?$"), F.concat(text, F.lit("s"))).otherwise(text)
    return value


_BODIES: Mapping[str, Body] = {
    "fcm": _push,
    "onesignal": onesignal_bodies.message,
    "onesignal_user": onesignal_bodies.user,
    **dict.fromkeys(("braze_send", "webhook"), _nested),
}
