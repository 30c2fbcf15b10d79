"""What is said in each destination's words: mapped fields to the body that is kept in step, JSON."""

from collections.abc import Callable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.syncs.braze_profile import attributes_of
from personalake.activation.syncs.values import inner, joined, nested, nested_object_of, object_of, text_of
from personalake.config.audiences import Sync

Fields = Mapping[str, Column]
Body = Callable[[Sync, Fields, bool], Column]
_PURCHASE = ("product_id", "currency", "price", "quantity")
_NOTIFICATION = ("title", "body", "image")
# What an e-mail has at OneSignal instead of contents, and what a push has beside them.
_MAIL = ("email_subject", "email_body", "email_preheader")
_TEXTS, _BESIDE = ("contents", "headings", "subtitle"), ("url",)
# What OneSignal itself knows of a user; all else is tags.
USER_PROPERTIES = ("language", "timezone_id", "country", "lat", "long", "first_active", "last_active")


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
    return _BODIES.get(kind, _plain)


def _plain(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    return object_of(fields, erases_nulls)


def _nested(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    return nested_object_of(fields, erases_nulls)


def _group(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """Segment's group call: the id of the group, and what is known of the group."""
    traits = {name: value for name, value in fields.items() if name != sync.group}
    group = object_of({"groupId": fields[sync.group or ""].cast("string")})
    return joined(inner(group), nested("traits", nested_object_of(traits, erases_nulls)))


def _attributes(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    return attributes_of(fields, erases_nulls)


def _purchase(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """What Braze itself knows of a purchase; all else is its properties."""
    own = {name: value for name, value in fields.items() if name in _PURCHASE}
    rest = {name: value for name, value in fields.items() if name not in _PURCHASE}
    if "currency" in own:
        own["currency"] = F.upper(own["currency"].cast("string"))
    return joined(inner(object_of(own)), *((nested("properties", nested_object_of(rest)),) if rest else ()))


def _push(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """Title, text and picture are the notification; all else is data, as texts."""
    notification = {name: value for name, value in fields.items() if name in _NOTIFICATION}
    data = {name: text_of(value) for name, value in fields.items() if name not in notification}
    more = (nested("data", object_of(data)),) if data else ()
    return joined(nested("notification", object_of(notification)), *more)


def _onesignal(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """Contents in English, an e-mail's own fields as they are; all else is for the template, or for the app."""
    texts = [nested(name, object_of({"en": fields[name]})) for name in _TEXTS if name in fields]
    whole = inner(object_of({name: value for name, value in fields.items() if name in (*_MAIL, *_BESIDE)}))
    rest = {name: value for name, value in fields.items() if name not in (*_TEXTS, *_MAIL, *_BESIDE)}
    # Templates and e-mails read `custom_data`; the app on the phone is handed `data`.
    told = "custom_data" if sync.template_id is not None or sync.channel != "push" else "data"
    return joined(*texts, whole, *((nested(told, nested_object_of(rest)),) if rest else ()))


def _user(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """A user's tags as texts, and what OneSignal itself knows of them; that somebody is a member is a tag, too."""
    tags = {name: text_of(value) for name, value in fields.items() if name not in USER_PROPERTIES}
    if erases_nulls:
        tags = {name: F.coalesce(value, F.lit("")) for name, value in tags.items()}
    if sync.membership is not None:
        tags[sync.membership] = F.lit("true")
    own = {name: value for name, value in fields.items() if name in USER_PROPERTIES}
    return joined(inner(object_of(own)), nested("tags", object_of(tags)))


_BODIES: Mapping[str, Body] = {
    "fcm": _push,
    "onesignal": _onesignal,
    "onesignal_user": _user,
    **dict.fromkeys(("segment", "braze_track", "braze_send", "webhook"), _nested),
}
