"""What is said in each destination's words: mapped fields to the body that is kept in step, JSON."""

from collections.abc import Callable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.syncs import onesignal_bodies
from personalake.activation.syncs.braze_profile import attributes_of
from personalake.activation.syncs.values import inner, joined, nested, nested_object_of, object_of, pair, text_of
from personalake.config.audience_kinds import FCM_OBJECTS
from personalake.config.audiences import Sync

Fields = Mapping[str, Column]
Body = Callable[[Sync, Fields, bool], Column]
_PURCHASE = ("product_id", "currency", "price", "quantity")
_NOTIFICATION = ("title", "body", "image")
# Traits that Segment's specification has as texts, of a person and of a group, in both of its spellings.
_TEXT_TRAITS = frozenset({
    "avatar", "description", "email", "firstName", "first_name", "gender", "id", "lastName", "last_name", "name", "phone",
    "title", "username", "website",
})  # fmt: skip
_TEXT_TRAITS_OF_GROUP = frozenset({
    "avatar", "description", "email", "employees", "id", "industry", "name", "phone", "plan", "website",
})  # fmt: skip
# Places in an FCM message whose values are texts, whatever they are here.
_TEXTS_OF_FCM = ("android.data.", "apns.headers.", "webpush.headers.", "webpush.data.")


def body_of(kind: str, sync: Sync) -> Body:
    """How the body of a sync is made.

    Args:
        kind: Kind of the connection.
        sync: Its settings.
    """
    if sync.purchase:
        return _purchase
    if sync.group is not None:
        return _group
    if kind == "braze_track" and sync.event is None:
        return _attributes
    if kind == "segment" and sync.event is None:
        return _traits
    return _BODIES.get(kind, _plain)


def _plain(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    return object_of(fields, erases_nulls)


def _nested(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    return nested_object_of(fields, erases_nulls)


def _traits(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """Traits of Segment: those that it has as texts are texts, also where they are numbers here."""
    return nested_object_of(_in_texts(fields, _TEXT_TRAITS), erases_nulls)


def _in_texts(fields: Fields, names: frozenset[str]) -> Fields:
    return {name: text_of(value) if name in names else value for name, value in fields.items()}


def _group(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """Segment's group call: the id of the group, and what is known of the group."""
    traits = {name: value for name, value in fields.items() if name != sync.group}
    group = object_of({"groupId": fields[sync.group or ""].cast("string")})
    return joined(inner(group), nested("traits", nested_object_of(_in_texts(traits, _TEXT_TRAITS_OF_GROUP), erases_nulls)))


def _attributes(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    return attributes_of(fields, erases_nulls)


def _purchase(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """What Braze itself knows of a purchase; all else is its properties."""
    own = {name: value for name, value in fields.items() if name in _PURCHASE}
    rest = {name: value for name, value in fields.items() if name not in _PURCHASE}
    if "currency" in own:
        own["currency"] = F.upper(own["currency"].cast("string"))
    if "product_id" in own:
        own["product_id"] = own["product_id"].cast("string")
    quantity = own.pop("quantity", None)
    counted = () if quantity is None else (_whole(quantity),)
    return joined(inner(object_of(own)), *counted, *((nested("properties", nested_object_of(rest)),) if rest else ()))


def _whole(quantity: Column) -> Column:
    """A quantity as a whole number, also where it has a type with places; one that is not whole stays, and is refused."""
    whole = quantity.try_cast("bigint")
    return F.when(whole == quantity, pair("quantity", whole)).otherwise(pair("quantity", quantity))


def _push(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """Title, text and picture are the notification, what is for one platform is its object; all else is data, as texts."""
    notification = {name: text_of(value) for name, value in fields.items() if name in _NOTIFICATION}
    platforms = {name: _of_platform(name, value) for name, value in fields.items() if name.partition(".")[0] in FCM_OBJECTS}
    data = {name: text_of(value) for name, value in fields.items() if name not in {*notification, *platforms}}
    more = (nested("data", object_of(data)),) if data else ()
    return joined(nested("notification", object_of(notification)), *more, inner(nested_object_of(platforms)))


def _of_platform(name: str, value: Column) -> Column:
    """A value in FCM's form: headers and data are texts, a time to live is seconds with an `s` behind them."""
    if name.startswith(_TEXTS_OF_FCM):
        return text_of(value)
    if name == "android.ttl":
        text = value.cast("string")
        return F.when(text.rlike(r"^\d+(\.\d+)?$"), F.concat(text, F.lit("s"))).otherwise(text)
    return value


_BODIES: Mapping[str, Body] = {
    "fcm": _push,
    "onesignal": onesignal_bodies.message,
    "onesignal_user": onesignal_bodies.user,
    **dict.fromkeys(("segment", "braze_track", "braze_send", "webhook"), _nested),
}
