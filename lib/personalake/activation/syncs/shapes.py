"""What one delivery looks like in each destination's words: the body that is kept in step, and all that stands around it.

Only the body is compared from plan to plan. Times and message ids stand around it, since they differ each time.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.payloads import instant
from personalake.activation.syncs.values import inner, joined, nested, object_of, pair
from personalake.config.audience_kinds import key_field_of, kind_of, updates_only
from personalake.config.audiences import Sync
from personalake.config.connections import Connection
from personalake.config.connections.files import FilesConnection

_SHAPING = (
    "event", "group", "purchase", "campaign_id", "subscription_group_id", "template_id", "channel", "membership",
)  # fmt: skip
_PURCHASE = ("product_id", "currency", "price", "quantity")


@dataclass(frozen=True)
class Words:
    """What the shapes of all kinds are made from.

    Args:
        name: Name of the sync.
        sync: Its settings.
        key_field: What the destination calls the key.
        at: When everything of the plan is said to have happened.
        updates_only: Whether the destination is told to leave those alone whom it does not know.
    """

    name: str
    sync: Sync
    key_field: str
    at: str
    updates_only: bool

    @property
    def member(self) -> Column | None:
        """That the person is in the audience."""
        return None if self.sync.membership is None else pair(self.sync.membership, True)

    @property
    def left(self) -> Column | None:
        """That the person is not in the audience any more."""
        return None if self.sync.membership is None else pair(self.sync.membership, False)

    @property
    def taken_away(self) -> Column:
        """What a removal says of the fields: mirrored, each is null; archived, none is named."""
        nulls = [F.lit(f"{json.dumps(name)}:null") for name in self.sync.fields] if self.sync.mode == "mirror" else []
        return joined(*nulls, self.left)

    @property
    def given(self) -> Column:
        """The body with the membership."""
        return joined(inner(F.col("body")), self.member)


@dataclass(frozen=True)
class Shape:
    """One kind's deliveries.

    Args:
        operation: What is done there.
        body: Mapped fields to the body; JSON.
        payload: Of a person who is added or changed, from the columns `key`, `body`, `message_id` and `change`.
        removal: Of a person who left, from `key` and `message_id`; null where nothing is ever taken away.
        mark: Differs where anything else differs that shapes deliveries.
    """

    operation: str
    body: Callable[[Mapping[str, Column]], Column]
    payload: Column
    removal: Column | None
    mark: str


def shape_of(name: str, sync: Sync, connection: Connection, as_of: date) -> Shape:
    """The shape of a sync's deliveries.

    Args:
        name: Name of the sync.
        sync: Its settings.
        connection: Where it goes.
        as_of: Midnight of this day is every delivery's time.
    """
    key_field = sync.key_field or key_field_of(connection)
    words = Words(name, sync, key_field, instant(as_of), sync.mode == "update" and updates_only(connection))
    kind = "file" if isinstance(connection, FilesConnection) else kind_of(connection)
    operation, payload, removal = _KINDS[kind](words)
    body = _purchase_body if sync.purchase else _BODIES.get(kind, object_of)
    told = sync.model_dump_json(include=set(_SHAPING))
    mark = hashlib.sha256("|".join((kind, operation, key_field, told)).encode()).hexdigest()[:16]
    return Shape(operation, lambda values: body(values, sync.nulls == "erase"), payload, removal, mark)


Made = tuple[str, Column, Column | None]
# What an e-mail has at OneSignal instead of contents.
_MAIL = ("email_subject", "email_body", "email_preheader")


def _segment(words: Words) -> Made:
    def call(kind: str, *content: Column) -> Column:
        who = pair("userId", F.col("key"))
        return joined(pair("type", kind), pair("messageId", F.col("message_id")), who, *content, pair("timestamp", words.at))

    if words.sync.group is not None:
        group = pair("groupId", F.get_json_object("body", f"$['{words.sync.group}']"))
        return "group", call("group", group, nested("traits", words.given)), None
    if words.sync.event is not None:
        return "track", call("track", pair("event", words.sync.event), nested("properties", words.given)), None
    return "identify", call("identify", nested("traits", words.given)), call("identify", nested("traits", words.taken_away))


def _braze_track(words: Words) -> Made:
    who = pair(words.key_field, F.col("key"))
    if words.sync.purchase:
        return "purchase", joined(who, inner(F.col("body")), pair("time", words.at)), None
    if words.sync.event is not None:
        event = (pair("name", words.sync.event), pair("time", words.at), nested("properties", words.given))
        return "event", joined(who, *event), None
    only = pair("_update_existing_only", True) if words.updates_only else None
    # Who left may be gone there: taking something away must not bring a profile back.
    gone = joined(who, pair("_update_existing_only", True), inner(words.taken_away))
    return "attributes", joined(who, only, inner(words.given)), gone


def _braze_subscription(words: Words) -> Made:
    def state(name: str) -> Column:
        group = pair("subscription_group_id", words.sync.subscription_group_id or "")
        return joined(group, pair("subscription_state", name), pair(words.key_field, F.col("key")))

    return "set", state("subscribed"), state("unsubscribed")


def _braze_send(words: Words) -> Made:
    who = {"external_id": "external_user_id"}.get(words.key_field, words.key_field)
    # One address may be that of several profiles: Braze wants to be told which of them is meant.
    first = nested("prioritization", F.lit('["identified","most_recently_updated"]')) if who == "email" else None
    recipient = joined(pair(who, F.col("key")), first, nested("trigger_properties", words.given))
    campaign = pair("campaign_id", words.sync.campaign_id or "")
    return "send", joined(campaign, nested("recipients", F.concat(F.lit("["), recipient, F.lit("]")))), None


def _salesforce_row(words: Words) -> Made:
    key = pair(words.key_field, F.col("key"))
    return "row", joined(key, inner(words.given)), joined(key, inner(words.taken_away))


def _salesforce_rowset(words: Words) -> Made:
    keys = nested("keys", joined(pair(words.key_field, F.col("key"))))
    return "row", joined(keys, nested("values", words.given)), joined(keys, nested("values", words.taken_away))


def _salesforce_journey(words: Words) -> Made:
    head = (pair("ContactKey", F.col("key")), pair("EventDefinitionKey", words.sync.event or ""))
    return "entry", joined(*head, F.when(words.given != "{}", nested("Data", words.given))), None


def _tealium(words: Words) -> Made:
    def event(content: Column) -> Column:
        head = (pair("tealium_event", words.sync.event or ""), pair(words.key_field, F.col("key")))
        told = (pair("message_id", F.col("message_id")), pair("event_timestamp", words.at))
        return joined(*head, *told, inner(content))

    return "event", event(words.given), event(words.taken_away)


def _fcm(words: Words) -> Made:
    return "message", joined(pair("token", F.col("key")), inner(words.given)), None


def _onesignal(words: Words) -> Made:
    person = F.concat(F.lit("["), object_text(F.col("key")), F.lit("]"))
    sync = words.sync
    template = None if sync.template_id is None else pair("template_id", sync.template_id)
    alias = nested("include_aliases", joined(nested(words.key_field, person)))
    return "message", joined(alias, pair("target_channel", sync.channel or ""), template, inner(words.given)), None


def _webhook(words: Words) -> Made:
    def told(kind: Column, content: Column) -> Column:
        data = joined(pair("audience", words.name), pair(words.key_field, F.col("key")), inner(content))
        return joined(pair("type", kind), pair("timestamp", words.at), nested("data", data))

    entered = F.concat(F.lit("audience."), F.when(F.col("change") == "added", "entered").otherwise("changed"))
    left = joined(words.left)
    return "message", told(entered, words.given), told(F.lit("audience.left"), left)


def _flat(operation: str) -> Callable[[Words], Made]:
    def made(words: Words) -> Made:
        key = pair(words.key_field, F.col("key"))
        return operation, joined(key, inner(words.given)), joined(key, words.left)

    return made


def _push_body(values: Mapping[str, Column], erases_nulls: bool) -> Column:
    """Title, text and picture are the notification; all else is data, as texts."""
    notification = {name: value for name, value in values.items() if name in ("title", "body", "image")}
    data = {name: _text_of(value) for name, value in values.items() if name not in notification}
    more = (nested("data", object_of(data)),) if data else ()
    return joined(nested("notification", object_of(notification)), *more)


def _text_of(value: Column) -> Column:
    """A value as text; a time as it is written everywhere, whatever the session's time zone."""
    is_time = F.typeof(value).startswith("timestamp")
    return F.when(is_time, F.get_json_object(object_of({"at": value}), "$.at")).otherwise(value.cast("string"))


def _purchase_body(values: Mapping[str, Column], erases_nulls: bool) -> Column:
    """What Braze itself knows of a purchase; all else is its properties."""
    own = {name: value for name, value in values.items() if name in _PURCHASE}
    rest = {name: value for name, value in values.items() if name not in _PURCHASE}
    return joined(inner(object_of(own)), *((nested("properties", object_of(rest)),) if rest else ()))


def _onesignal_body(values: Mapping[str, Column], erases_nulls: bool) -> Column:
    """Contents and headings in English, an e-mail's own fields as they are; all else is the template's, or the app's."""
    texts = [nested(name, object_of({"en": values[name]})) for name in ("contents", "headings") if name in values]
    mail = inner(object_of({name: value for name, value in values.items() if name in _MAIL}))
    rest = {name: value for name, value in values.items() if name not in ("contents", "headings", *_MAIL)}
    return joined(*texts, mail, *((nested("custom_data", object_of(rest)),) if rest else ()))


def object_text(value: Column) -> Column:
    """A text as JSON has it, quoted."""
    written = F.to_json(F.array(value.cast("string")))
    return F.substring(written, F.lit(2), F.length(written) - 2)


_BODIES: Mapping[str, Callable[[Mapping[str, Column], bool], Column]] = {"fcm": _push_body, "onesignal": _onesignal_body}
_KINDS: Mapping[str, Callable[[Words], Made]] = {
    "segment": _segment,
    "braze_track": _braze_track,
    "braze_subscription": _braze_subscription,
    "braze_send": _braze_send,
    "sfmc_rows": _salesforce_row,
    "sfmc_rowset": _salesforce_rowset,
    "sfmc_journey": _salesforce_journey,
    "tealium": _tealium,
    "fcm": _fcm,
    "onesignal": _onesignal,
    "webhook": _webhook,
    "email": _flat("mail"),
    "file": _flat("row"),
}
