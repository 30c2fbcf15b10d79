"""Names that a vendor keeps for something of its own, and what each call needs besides: as its documents spell it."""

from collections.abc import Iterator, Mapping

from personalake.config.audience_kinds import (
    BRAZE_CHANGES,
    FCM_OBJECTS,
    NESTING,
    braze_objects,
    is_of_fcm,
    kind_of,
)
from personalake.config.audiences import Mapped, Sync
from personalake.config.braze_events import ACTIONS, BEGINNING, NEEDED, needed
from personalake.config.connections import Connection, OneSignalConnection, OneSignalUserConnection
from personalake.config.fcm_names import no_parts
from personalake.config.onesignal_names import NO_FIELDS, NO_TAGS
from personalake.config.sql import columns_of

# Traits that are objects in Segment's specification.
_OBJECTS = ("address", "company")
_CONTEXT_OBJECTS = frozenset({
    "app", "campaign", "consent", "device", "library", "location", "network", "os", "page", "referrer", "screen", "traits",
})  # fmt: skip
# All that Segment reads of a context; of what else stands there it takes no notice.
_CONTEXT = _CONTEXT_OBJECTS | {"active", "groupId", "ip", "locale", "timezone", "userAgent"}
_PARTS = {
    "android": "ttl", "apns": "headers.apns-priority", "webpush": "headers.TTL", "fcm_options": "analytics_label",
}  # fmt: skip
# What stands in an object of Braze beside its attributes or properties.
_OF_BRAZE = frozenset({"external_id", "user_alias", "braze_id", "app_id", "_update_existing_only", "_merge_objects"})
_OF_EVENTS = frozenset({"time", "event_name"})
_OF_TEALIUM = frozenset({"tealium_account", "tealium_profile", "tealium_datasource", "tealium_event", "message_id"})
_RESERVED: Mapping[str, frozenset[str]] = {
    "braze_track": _OF_BRAZE,
    "tealium": _OF_TEALIUM | {"event_timestamp"},
    "sfmc_journey": frozenset({"eventInstanceId"}),
}


def spelling_problems(sync: Sync, connection: Connection) -> Iterator[tuple[str, str]]:
    """Key and text of what the vendor would understand otherwise than it is meant."""
    kind = kind_of(connection)
    reserved = _RESERVED.get(kind, frozenset[str]())
    if kind == "braze_track" and sync.happening is not None:
        reserved |= _OF_EVENTS
    for name in sorted(reserved & sync.fields.keys()):
        yield "fields", f"{kind} keeps {name} for itself"
    if kind in NESTING and "." in (sync.membership or ""):
        yield "membership", f"{sync.membership!r} has a dot; it stands beside the fields, not within one"
    if kind in NESTING:
        yield from _of_objects(sync, kind)
    for name in FCM_OBJECTS if kind == "fcm" else ():
        if name in sync.fields:
            yield "fields", f"fcm keeps {name} for an object; name its parts, e.g. {name}.{_example(name)}"
    for name in sync.fields if kind == "fcm" else ():
        for unknown in no_parts(name):
            yield "fields", f"fcm: {unknown}"
    data = sorted(name.removeprefix("android.data.") for name in sync.fields) if kind == "fcm" else ()
    for name in filter(is_of_fcm, data):
        yield "fields", f"fcm keeps {name} for itself"
    if kind == "braze_track":
        yield from _of_braze_objects(sync) if sync.happening is None else _of_shop(sync)
    yield from _of_onesignal(sync, kind)
    for name in (*sync.fields, sync.membership or "") if kind == "tealium" else ():
        if "." in name:
            yield "fields", f"{name!r} has a period, for which tealium refuses the whole call"
    if kind == "sfmc_journey" and "." in (sync.event or ""):
        yield "event", f"{sync.event!r} has a dot, which no key of an event definition at Salesforce has"
    if kind == "segment":
        yield from _of_segment(sync)
    elif sync.integrations is not None:
        yield "integrations", f"{kind} sends nothing on to others; segment does"
    yield from _of_keys(sync, kind)
    if sync.alias_label is not None and sync.alias_label not in getattr(connection, "alias_labels", (sync.alias_label,)):
        yield "alias_label", f"{sync.alias_label} is not among the connection's alias_labels, by which deletions ask"
    if isinstance(connection, OneSignalConnection | OneSignalUserConnection):
        labels = connection.alias_labels
        if sync.key_field not in (None, "subscription_id", *labels):
            yield "key_field", f"{sync.key_field} is not among the connection's alias_labels, by which deletions ask"
    yield from _of_addresses(sync, kind)
    orders = sync.audience.orders
    if orders is not None:
        yield from _of_orders(sync, kind)
    if sync.purchase and kind == "braze_track" and (orders is None or orders.each != "product"):
        yield "purchase", "is of one product of an order: the audience must be orders, each: product"


def _of_objects(sync: Sync, kind: str) -> Iterator[tuple[str, str]]:
    """A name with dots is a place in an object: it must have no empty part, and be no value itself."""
    for name in sync.fields:
        parts = name.split(".")
        outer = [".".join(parts[:place]) for place in range(1, len(parts))]
        if not all(parts):
            yield "fields", f"{name!r} has an empty part"
        for whole in outer:
            if whole in sync.fields:
                yield "fields", f"{name} is a part of {whole}, which is a field of its own"
    if kind == "segment" and sync.event is None:
        # A group has an address, too; its company is a name like any other.
        for name in _OBJECTS if sync.group is None else _OBJECTS[:1]:
            if name in sync.fields:
                yield "fields", f"segment keeps {name} for an object; name its parts, e.g. {name}.{_example(name)}"


def _of_segment(sync: Sync) -> Iterator[tuple[str, str]]:
    """What surrounds a call has a specification of its own; money without a currency is taken for US dollars."""
    for name in sync.fields:
        first, _, rest = name.partition(".")
        part, _, more = rest.partition(".")
        if first == "context" and not rest:
            yield "fields", "segment keeps context for an object; name its parts, e.g. context.locale"
        elif first == "context" and part not in _CONTEXT:
            yield "fields", f"segment takes no notice of {name}; a context has: {', '.join(sorted(_CONTEXT))}"
        elif first == "context" and (part in _CONTEXT_OBJECTS) != bool(more):
            form = "an object; name its parts" if part in _CONTEXT_OBJECTS else "a value, without parts"
            yield "fields", f"segment keeps context.{part} for {form}"
    if sync.event is not None and "revenue" in sync.fields and "currency" not in sync.fields:
        yield "fields", "segment takes revenue without a currency for US dollars; name currency, too"


def _of_shop(sync: Sync) -> Iterator[tuple[str, str]]:
    """Events of a shop have schemas at Braze: an event of another name, or one that lacks something, is none of them."""
    event = sync.event or ""
    if event.startswith(BEGINNING) and event not in NEEDED:
        yield "event", f"braze_track has no {event} among its events of shops, which are: {', '.join(NEEDED)}"
    action = ACTIONS[0] if "action" in sync.fields else None
    lacking = [name for name in needed(event, action) if name not in sync.fields]
    if lacking:
        yield "fields", f"{event} needs {', '.join(lacking)}"


def _of_onesignal(sync: Sync, kind: str) -> Iterator[tuple[str, str]]:
    """Parts of a request that are no field, and names of tags that its templates would take for something else."""
    if kind == "onesignal" and sync.template is None:
        for name in sorted({name.partition(".")[0] for name in sync.fields} & NO_FIELDS):
            hint = "; what it has no name for is that already" if name.endswith("data") else ""
            yield "fields", f"onesignal keeps {name} for itself{hint}"
    if kind == "onesignal_user":
        for name in sorted(sync.fields.keys() & NO_TAGS):
            yield "fields", f"onesignal_user keeps {name} for itself; call the tag otherwise"
        if sync.membership in NO_TAGS:
            yield "membership", f"onesignal_user keeps {sync.membership} for itself; call the tag otherwise"


def _of_braze_objects(sync: Sync) -> Iterator[tuple[str, str]]:
    """Names within an object hold neither blanks nor dollar signs at Braze; who has an id there imports no devices."""
    if "push_token_import" in sync.fields and sync.key_field in (None, "external_id", "braze_id"):
        yield "fields", "push_token_import is for people whom Braze knows by neither external_id nor braze_id"
    for name in sync.fields:
        odd = [part for part in name.split(".")[1:] if " " in part or ("$" in part and part not in BRAZE_CHANGES)]
        if odd:
            yield "fields", f"{name}: {odd[0]!r} has a blank or a dollar sign, for which braze_track drops the object"
    updated, whole = [name for name in sync.fields if name.endswith(".$update")], braze_objects(sync.fields)
    if updated and whole and sync.nulls == "erase":
        told = f"erase replaces objects ({whole[0]}), {updated[0]} merges them"
        yield "nulls", f"{told}: what is updated needs a sync of its own"


def _example(name: str) -> str:
    return {**_PARTS, "address": "city", "company": "name"}[name]


def _of_addresses(sync: Sync, kind: str) -> Iterator[tuple[str, str]]:
    """An address where a message goes to one, in the form of its own; a query names its columns freely."""
    if sync.audience.query is not None:
        return
    if kind == "email" and not _names(sync.key, "mail"):
        yield "key", f"email goes to addresses, and {sync.key.source!r} is none; write key: {{source: email}}"
    for key, value in (("key", sync.key), *((f"fields.{name}", value) for name, value in sync.fields.items())):
        for hashing, own, other in (("sha256_email", "mail", "phone"), ("sha256_phone", "phone", "mail")):
            if value.hashing == hashing and _names(value, other) and not _names(value, own):
                yield f"{key}.hashing", f"{hashing} puts {value.source!r} into a form that it does not have"


def _names(value: Mapped, what: str) -> bool:
    """Whether a value is made of a column of such a name."""
    return any(what in column.lower() for column in columns_of(value.source))


def _of_keys(sync: Sync, kind: str) -> Iterator[tuple[str, str]]:
    is_alias = sync.key_field == "user_alias" and kind in ("braze_track", "braze_send")
    if is_alias != (sync.alias_label is not None):
        yield "alias_label", "belongs to a key_field user_alias of Braze" if sync.alias_label else "user_alias needs it"
    if sync.anonymous_key is not None:
        if kind != "segment" or sync.key_field == "anonymousId":
            yield "anonymous_key", "stands beside the userId of Segment, and nowhere else"
        elif sync.mode not in ("insert", "update", "upsert"):
            yield "anonymous_key", f"{sync.mode} takes people away by one key"


def _of_orders(sync: Sync, kind: str) -> Iterator[tuple[str, str]]:
    """An order is something that happened: it has an event, or is a purchase."""
    if kind in ("segment", "braze_track") and sync.happening is None:
        yield "event", "an order needs one, e.g. Order Completed" + (", or purchase" if kind == "braze_track" else "")
