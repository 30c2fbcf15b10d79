"""What each kind of connection can do with an audience: modes, what must be named, what a null means."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from personalake.config.connections import (
    BrazeTrackConnection,
    Connection,
    SalesforceRowsConnection,
    SalesforceRowsetConnection,
    TealiumFileConnection,
    WebhookConnection,
)
from personalake.config.connections.files import FilesConnection

Mode = Literal["insert", "update", "upsert", "mirror", "archive"]
_INSERT: tuple[Mode, ...] = ("insert",)
_KEPT: tuple[Mode, ...] = ("insert", "update", "upsert")
_ALL: tuple[Mode, ...] = (*_KEPT, "mirror", "archive")


class Ability(NamedTuple):
    """What a kind of connection can do.

    Args:
        modes: Modes of syncs that it can keep.
        needs: Options of the sync that must be named.
        fields: Fields that must be mapped; a bar separates fields of which one is enough.
        takes_fields: Whether it takes any.
        is_whole_row: Whether a value that is left out is an empty one there, as in a file.
        flags_removal: Whether a removal is told by the membership field alone.
        is_message: Whether each delivery is read by somebody, so that a second one does harm.
        is_event: Whether each delivery is something that happened there, unless the mode takes people away.
    """

    modes: tuple[Mode, ...]
    needs: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    takes_fields: bool = True
    is_whole_row: bool = False
    flags_removal: bool = False
    is_message: bool = False
    is_event: bool = False


# Fields of a Braze profile that are always something: a null is refused there.
BRAZE_STATES = ("email_subscribe", "push_subscribe")
# What an attribute at Braze is told to do, rather than to be: a field `visits.inc` counts up.
BRAZE_CHANGES = frozenset({"inc", "add", "remove", "$add", "$update", "$remove"})
# Kinds whose values may be objects: a field `address.city` is the city of the address.
NESTING = frozenset({"segment", "braze_track", "braze_send", "onesignal", "webhook"})
# A field of such a name says something of what surrounds a call to Segment, rather than of the person or the event.
SEGMENT_CONTEXT = "context."
# Objects of an FCM message, each for one platform: a field `android.ttl` is the ttl of that for Android.
FCM_OBJECTS = ("android", "apns", "webpush", "fcm_options")
# Keys of an FCM message's data that would stand for something else.
_OF_FCM, _BEGINNINGS_OF_FCM = ("from", "message_type"), ("google", "gcm")
_ABILITIES: dict[str, Ability] = {
    "segment": Ability(_ALL),
    "segment_suppression": Ability(("insert", "mirror"), takes_fields=False),
    "tealium": Ability((*_KEPT, "archive"), needs=("event",), is_event=True),
    "sfmc_rows": Ability((*_KEPT, "archive")),
    "sfmc_rowset": Ability((*_KEPT, "archive"), fields=("*",)),
    "sfmc_journey": Ability(_INSERT, needs=("event",), is_message=True),
    "braze_track": Ability(_ALL),
    "braze_send": Ability(_INSERT, needs=("campaign_id",), is_message=True),
    "braze_subscription": Ability(("insert", "mirror"), needs=("subscription_group_id",), takes_fields=False),
    "fcm": Ability(_INSERT, fields=("*",), is_message=True),
    "onesignal": Ability(_INSERT, needs=("channel",), is_message=True),
    "onesignal_user": Ability(_ALL, fields=("*",)),
    "webhook": Ability(_ALL, is_event=True),
    "email": Ability(_INSERT, fields=("subject", "text|html", "unsubscribe_url"), is_message=True),
}
# Of a kind that stands in no table here: what it may be trusted with by its promise alone.
_REPEATABLE, _ONCE = Ability(_KEPT), Ability(_INSERT, is_message=True)
_FILES = Ability((*_KEPT, "mirror"), is_whole_row=True, flags_removal=True)


def ability(connection: Connection, event: str | None, is_ordered: bool = False) -> Ability:
    """What a connection can do, given whether the sync names an event.

    Args:
        connection: The connection.
        event: Name of an event; where attributes are the rule, it makes each delivery an event that happened.
        is_ordered: Whether each delivery is about an order: then it is said once, wherever it goes.
    """
    if is_ordered:
        return ability(connection, event)._replace(modes=_INSERT, is_message=True)
    if isinstance(connection, FilesConnection):
        return _FILES
    kind = kind_of(connection)
    if takes_fields_only(connection):
        return Ability(_INSERT, fields=("*",), is_message=True)
    if event is not None and kind in ("segment", "braze_track"):
        return Ability(_INSERT, is_message=True)
    if isinstance(connection, SalesforceRowsConnection) and connection.mode == "insert":
        return Ability(_INSERT)
    return _ABILITIES.get(kind, _ONCE if connection.promised.deduplication == "none" else _REPEATABLE)


def braze_objects(names: Iterable[str]) -> list[str]:
    """Names of parts of objects at Braze; `visits.inc` and `pets.$add` are no parts, but what is done.

    >>> braze_objects(["tier", "home.city", "visits.inc"])
    ['home.city']
    """
    return [name for name in names if "." in name and name.split(".")[1] not in BRAZE_CHANGES]


def is_of_fcm(name: str) -> bool:
    """Whether FCM keeps a key of a message's data for itself: its error for such a key names more than its reference does.

    >>> is_of_fcm("google.sent"), is_of_fcm("gcm"), is_of_fcm("order_id")
    (True, True, False)
    """
    return name in _OF_FCM or name.startswith(_BEGINNINGS_OF_FCM)


def kind_of(connection: Connection) -> str:
    """Which connector speaks."""
    return str(getattr(connection, "kind", ""))


def takes_fields_only(connection: Connection) -> bool:
    """Whether a delivery is its fields and nothing else, not even the key: a ticket in the words of a help desk."""
    return isinstance(connection, WebhookConnection) and connection.form == "fields"


def keys_of(connection: Connection) -> tuple[str, ...]:
    """Columns of the primary key, where the destination has rows with one."""
    if isinstance(connection, SalesforceRowsConnection | SalesforceRowsetConnection):
        return connection.keys
    return ()


def key_field_of(connection: Connection) -> str:
    """What the destination calls the key where the sync does not say."""
    if isinstance(connection, SalesforceRowsConnection | SalesforceRowsetConnection):
        return connection.keys[0]
    if isinstance(connection, TealiumFileConnection):
        return connection.visitor_column
    if isinstance(connection, FilesConnection):
        return connection.columns[0]
    return {"tealium": str(getattr(connection, "visitor_attribute", "")), "fcm": "token", "email": "to"}.get(
        kind_of(connection), "external_id"
    )


def holds_doubts(connection: Connection, fields: Iterable[str]) -> bool:
    """Whether what may have left is not to be said again by a later plan, either: each delivery does something there.

    What sets a state may be said twice, as attributes at Braze may, of which the connection as a whole promises nothing;
    what counts one of them up, or adds to its list, may not.

    Args:
        connection: The connection.
        fields: Names of the sync's fields there, and of what stands in objects, `visits.inc`.
    """
    does_something = connection.promised.deduplication == "none"
    if kind_of(connection) == "braze_track":
        does_something = any(BRAZE_CHANGES.intersection(name.split(".")[1:2]) for name in fields)
    return connection.unknown == "hold" and does_something


def channel_of(connection: Connection, channel: str | None = None) -> str | None:
    """The channel on which a connection reaches people, as receipts call it; null where only the destination knows.

    Args:
        connection: The connection.
        channel: What the sync says of it.
    """
    return {"email": "email", "fcm": "push", "onesignal": channel}.get(kind_of(connection))


def updates_only(connection: Connection) -> bool:
    """Whether the destination itself can be told to leave those alone whom it does not know."""
    return isinstance(connection, BrazeTrackConnection)
