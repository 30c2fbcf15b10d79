"""What a delivery looks like at each kind of destination: what is done there, and the payloads of who came and who left."""

import json
from collections.abc import Callable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.syncs.segment_calls import has_context
from personalake.activation.syncs.values import inner, joined, nested, pair
from personalake.activation.syncs.words import Words
from personalake.config.audience_kinds import braze_objects, takes_fields_only
from personalake.config.audiences import Sync
from personalake.config.connections import BrazeTrackConnection
from personalake.config.onesignal_names import USER_PROPERTIES

# Operation, payload of who is added or changed, payload of who left; null where nothing is ever taken away.
_LONGEST_NAME = 128
Made = tuple[str, Column, Column | None]


def _segment(words: Words) -> Made:
    own = {"external_id": "userId"}.get(words.key_field, words.key_field)
    who = None if words.sync.anonymous_key is not None else pair(own, F.col("key"))

    whom = words.sync.integrations
    forwarded = None if whom is None else nested("integrations", F.lit(json.dumps(whom, separators=(",", ":"))))

    def call(kind: str, *content: Column | None) -> Column:
        head = (pair("type", kind), pair("messageId", F.col("message_id")), who)
        return joined(*head, *content, forwarded, words.time)

    def said(name: str) -> Column | None:
        return inner(F.col("body")) if has_context(words.sync) else nested(name, words.given)

    if words.sync.group is not None:
        return "group", call("group", words.beside, inner(F.col("body"))), None
    if words.sync.event is not None:
        return "track", call("track", words.beside, pair("event", words.sync.event), said("properties")), None
    left = call("identify", nested("traits", words.taken_away))
    return "identify", call("identify", words.beside, said("traits")), left


def _segment_suppression(words: Words) -> Made:
    def regulated(kind: str) -> Column:
        return joined(pair("regulationType", kind), pair("subjectType", "USER_ID"), pair("subjectId", F.col("key")))

    return "regulate", regulated("UNSUPPRESS"), regulated("SUPPRESS_ONLY")


def _braze_person(words: Words) -> Column:
    """The one identifier by which Braze is to find the person."""
    if words.key_field != "user_alias":
        return pair(words.key_field, F.col("key"))
    alias = joined(pair("alias_name", F.col("key")), pair("alias_label", words.sync.alias_label or ""))
    return nested("user_alias", alias)


def _braze_track(words: Words) -> Made:
    who, sync = _braze_person(words), words.sync
    # By an alias alone Braze makes no new profile, unless it is told to.
    is_alias = words.key_field == "user_alias"
    only = pair("_update_existing_only", words.updates_only) if words.updates_only or is_alias else None
    if sync.happening is not None:
        app = words.connection.app_id if isinstance(words.connection, BrazeTrackConnection) else None
        head = (who, only, None if app is None else pair("app_id", app))
        if sync.purchase:
            return "purchase", joined(*head, inner(F.col("body")), words.time, words.beside), None
        event = (pair("name", sync.event or ""), words.time, words.beside, nested("properties", words.given))
        return "event", joined(*head, *event), None
    merges = _merging(sync)
    # Who left may be gone there: taking something away must not bring a profile back.
    gone = joined(who, pair("_update_existing_only", True), inner(words.taken_away))
    return "attributes", joined(who, only, merges, inner(words.given)), gone


def _merging(sync: Sync) -> Column | None:
    """That objects are merged with what is there; what is updated in a list would be replaced else, too.

    An object replaces the one that is there, and with it what was left out here; which is how a part of it is erased.
    """
    if sync.nulls == "skip" and any("." in name for name in sync.fields):
        return pair("_merge_objects", True)
    is_replaced = sync.nulls == "erase" and any(braze_objects(sync.fields))
    return None if is_replaced else F.when(F.col("body").contains('"$update":'), pair("_merge_objects", True))


def _braze_subscription(words: Words) -> Made:
    def state(name: str) -> Column:
        group = pair("subscription_group_id", words.sync.subscription_group_id or "")
        return joined(group, pair("subscription_state", name), pair(words.key_field, F.col("key")))

    return "set", state("subscribed"), state("unsubscribed")


def _braze_send(words: Words) -> Made:
    who = pair("external_user_id", F.col("key")) if words.key_field == "external_id" else _braze_person(words)
    is_mail = words.key_field == "email"
    # One address may be that of several profiles: Braze wants to be told which of them is meant.
    first = nested("prioritization", F.lit('["identified","most_recently_updated"]')) if is_mail else None
    recipient = joined(who, first, nested("trigger_properties", words.given))
    campaign = pair("campaign_id", words.sync.campaign_id or "")
    return "send", joined(campaign, nested("recipients", F.concat(F.lit("["), recipient, F.lit("]")))), None


def _salesforce_row(words: Words) -> Made:
    key = pair(words.key_field, F.col("key"))
    return "row", joined(key, inner(words.given)), joined(key, inner(words.taken_away))


def _salesforce_rowset(words: Words) -> Made:
    key = pair(words.key_field, F.col("key"))
    given = joined(nested("keys", joined(key, words.beside)), nested("values", words.given))
    return "row", given, joined(nested("keys", joined(key)), nested("values", words.taken_away))


def _salesforce_journey(words: Words) -> Made:
    head = (pair("ContactKey", F.col("key")), pair("EventDefinitionKey", words.sync.event or ""))
    return "entry", joined(*head, F.when(words.given != "{}", nested("Data", words.given))), None


def _tealium(words: Words) -> Made:
    def event(content: Column) -> Column:
        head = (pair("tealium_event", words.sync.event or ""), pair(words.key_field, _visitor(words)))
        return joined(*head, pair("message_id", F.col("message_id")), words.time, words.beside, inner(content))

    return "event", event(words.given), event(words.taken_away)


def _visitor(words: Words) -> Column:
    """The key as Tealium calls a visitor who is known by it, unless it is called so already."""
    beginning, key = words.visitor_beginning, F.col("key")
    if beginning is None:
        return key
    return F.when(key.startswith(beginning), key).otherwise(F.concat(F.lit(beginning), key, F.lit("__")))


def _fcm(words: Words) -> Made:
    return "message", joined(pair("token", F.col("key")), inner(words.given)), None


def _onesignal(words: Words) -> Made:
    person = F.concat(F.lit("["), object_text(F.col("key")), F.lit("]"))
    sync = words.sync
    template = None if sync.template_id is None else pair("template_id", sync.template_id)
    channel = pair("target_channel", sync.channel or "")
    # A text message must have a name by which reports call it.
    title = pair("name", words.name[:_LONGEST_NAME]) if sync.channel == "sms" and "name" not in sync.fields else None
    if words.key_field == "subscription_id":
        return "message", joined(nested("include_subscription_ids", person), title, template, inner(words.given)), None
    alias = nested("include_aliases", joined(nested(words.key_field, person)))
    return "message", joined(alias, channel, title, template, inner(words.given)), None


def _onesignal_user(words: Words) -> Made:
    """An empty text takes a tag away; what OneSignal itself knows of a user stays."""
    sync = words.sync
    names = [name for name in sync.fields if sync.mode == "mirror" and name not in USER_PROPERTIES]
    gone = dict.fromkeys(names, "") | ({} if sync.membership is None else {sync.membership: "false"})
    who = (pair("alias_label", words.key_field), pair("alias_id", F.col("key")))
    left = F.lit(json.dumps({"tags": gone}, separators=(",", ":"), ensure_ascii=False))
    return "user", joined(*who, nested("properties", F.col("body"))), joined(*who, nested("properties", left))


def _webhook(words: Words) -> Made:
    if takes_fields_only(words.connection):
        return "message", words.given, None

    def told(kind: Column, content: Column) -> Column:
        data = joined(pair("audience", words.name), pair(words.key_field, F.col("key")), inner(content))
        return joined(pair("type", kind), words.time, words.beside, nested("data", data))

    if words.sync.audience.orders is not None:
        return "message", told(F.lit("order.placed"), words.given), None
    entered = F.concat(F.lit("audience."), F.when(F.col("change") == "added", "entered").otherwise("changed"))
    left = joined(words.left)
    return "message", told(entered, words.given), told(F.lit("audience.left"), left)


def _flat(operation: str) -> Callable[[Words], Made]:
    def made(words: Words) -> Made:
        key = pair(words.key_field, F.col("key"))
        return operation, joined(key, inner(words.given)), joined(key, words.left)

    return made


def flat(words: Words) -> Made:
    """The key beside the fields in one object, for a kind without a dialect of its own; nobody is taken away."""
    operation, payload, _ = _flat("item")(words)
    return operation, payload, None


def object_text(value: Column) -> Column:
    """A text as JSON has it, quoted."""
    written = F.to_json(F.array(value.cast("string")))
    return F.substring(written, F.lit(2), F.length(written) - 2)


KINDS: Mapping[str, Callable[[Words], Made]] = {
    "segment": _segment,
    "segment_suppression": _segment_suppression,
    "braze_track": _braze_track,
    "braze_subscription": _braze_subscription,
    "braze_send": _braze_send,
    "sfmc_rows": _salesforce_row,
    "sfmc_rowset": _salesforce_rowset,
    "sfmc_journey": _salesforce_journey,
    "tealium": _tealium,
    "fcm": _fcm,
    "onesignal": _onesignal,
    "onesignal_user": _onesignal_user,
    "webhook": _webhook,
    "email": _flat("mail"),
    "file": _flat("row"),
}
