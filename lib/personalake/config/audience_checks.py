"""Whether each sync fits the connection that it names; what only both together can tell."""

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from personalake.config.activation import Destination
from personalake.config.audience_kinds import Ability, ability, key_field_of, keys_of, kind_of, takes_fields_only
from personalake.config.audience_spelling import spelling_problems
from personalake.config.audience_templates import completed, template_problems
from personalake.config.audiences import Sync
from personalake.config.connections import Connection
from personalake.config.connections.files import FilesConnection
from personalake.config.nearest import nearest
from personalake.config.sql import columns_of
from personalake.config.templates import Template

_KEY_FIELDS = {
    "braze_track": ("external_id", "user_alias", "braze_id", "email", "phone"),
    "email": ("to",),
    "fcm": ("token",),
    "segment": ("external_id", "userId", "anonymousId"),
    "segment_suppression": ("external_id", "userId"),
    "sfmc_journey": ("ContactKey",),
    "braze_subscription": ("external_id", "email", "phone"),
    "braze_send": ("external_id", "user_alias", "braze_id", "email"),
}
# Settings that some kinds alone read: at another they would do nothing, without a word.
_READ_BY = {
    "event": ("segment", "braze_track", "sfmc_journey", "tealium"),
    "campaign_id": ("braze_send",),
    "subscription_group_id": ("braze_subscription",),
    "template_id": ("onesignal",),
    "channel": ("onesignal",),
}
# Kinds at which the key stands beside the fields, in one object or row; and what else a webhook has there.
_BESIDE_KEY = frozenset({"braze_track", "email", "sfmc_rows", "sfmc_rowset", "tealium", "webhook"})
_OF_WEBHOOKS = frozenset({"audience"})
# What tells one row about orders from another, where rows with one key take each other's place.
_APART = {"order": ("order_id", "currency"), "product": ("order_id", "product_id")}
Problem = tuple[tuple[str, ...], str]


def audience_problems(
    syncs: Mapping[str, Sync],
    connections: Mapping[str, Connection],
    destinations: Mapping[str, Destination],
    templates: Mapping[str, Template],
) -> Iterator[Problem]:
    """Key and text of everything that does not fit.

    Args:
        syncs: conf/audiences.yml.
        connections: conf/connections.yml.
        destinations: conf/destinations.yml, whose names are taken for connections now and then.
        templates: conf/templates/.
    """
    for name, sync in sorted(syncs.items()):
        connection = connections.get(sync.destination)
        if connection is None:
            there = nearest(sync.destination, sorted(connections))
            hint = "; files in conf/destinations.yml take decisions only" if sync.destination in destinations else ""
            yield (
                ("audiences", name, "destination"),
                f"no connection {sync.destination!r}{hint}; {there}",
            )
            continue
        for key, text in (*_of_sync(sync, connection), *_of_template(sync, connection, templates)):
            yield ("audiences", name, *key.split(".")), text


def _of_sync(sync: Sync, connection: Connection) -> Iterator[tuple[str, str]]:
    able = ability(connection, sync.happening, sync.audience.orders is not None)
    kind = kind_of(connection)
    if sync.mode not in able.modes:
        yield "mode", f"{kind} cannot keep {sync.mode}; it can: {', '.join(able.modes)}"
    for option in able.needs:
        if getattr(sync, option) is None:
            yield option, f"{kind} needs it"
    if sync.template is None:
        yield from _of_fields(sync, able, kind)
        yield from _of_names(sync, connection, kind)
    yield from _of_removals(sync, able, kind)
    yield from _of_calls(sync, kind)
    yield from _of_key_field(sync, connection, kind)
    if isinstance(connection, FilesConnection) and sync.template is None:
        yield from _of_columns(sync, connection)
    yield from spelling_problems(sync, connection)
    yield from _of_primary_key(sync, connection)


def _of_primary_key(sync: Sync, connection: Connection) -> Iterator[tuple[str, str]]:
    """Rows with a primary key of several columns: the first is the sync's key, the others are fields."""
    first, *more = keys_of(connection) or ("",)
    if first and (sync.key_field or first) != first:
        yield "key_field", f"must be the first column of the data extension's primary key, {', '.join([first, *more])}"
    lacking = [name for name in more if name not in sync.fields]
    if lacking:
        yield "fields", f"{', '.join(lacking)} is part of the data extension's primary key, too"
    if more and sync.mode not in ("insert", "update", "upsert"):
        yield "mode", f"{sync.mode} takes away by one key; the data extension's has {len(more) + 1} columns"
    if first and sync.audience.orders is not None and not lacking:
        values = [sync.key, *(sync.fields[name] for name in more)]
        told = {name.lower() for value in values for name in columns_of(value.source)}
        apart = [name for name in _APART[sync.audience.orders.each] if name not in told]
        if apart:
            yield "fields", f"no column of the primary key has {', '.join(apart)}: one order would take another's place"


def _of_template(sync: Sync, connection: Connection, templates: Mapping[str, Template]) -> Iterator[tuple[str, str]]:
    if sync.template is None:
        return
    problems = list(template_problems(sync, connection, templates))
    yield from problems
    if not problems:
        try:
            completed(sync, templates)
        except ValidationError as error:
            yield "template", "; ".join(str(each["ctx"]["error"]) for each in error.errors())
        except ValueError as error:
            key, _, text = str(error).partition(": ")
            yield key, text


def _of_fields(sync: Sync, able: Ability, kind: str) -> Iterator[tuple[str, str]]:
    if not able.takes_fields:
        yield from ((option, f"{kind} takes none") for option in ("fields", "membership") if getattr(sync, option))
        if sync.nulls == "erase":
            yield "nulls", f"{kind} takes no fields, of which one could be null"
    for wanted in able.fields:
        names = wanted.split("|")
        # A push says nothing of a membership.
        if wanted == "*" and not sync.fields and (sync.membership is None or kind == "fcm"):
            yield "fields", f"{kind} needs at least one"
        elif wanted != "*" and not sync.fields.keys() & set(names):
            yield "fields", f"{kind} needs {' or '.join(names)}"
    if kind == "onesignal" and sync.template_id is None and sync.channel != "email":
        enough = {"contents", "content_available"} if sync.channel == "push" else {"contents"}
        if enough.isdisjoint(sync.fields):
            yield "fields", f"onesignal needs {' or '.join(sorted(enough, reverse=True))}, or a template_id"
    if sync.key_field is not None and sync.key_field in sync.fields:
        yield "key_field", f"{sync.key_field} is a field, too"


def _of_names(sync: Sync, connection: Connection, kind: str) -> Iterator[tuple[str, str]]:
    """A name that stands beside the key must not be its name: one value would take the place of the other."""
    if takes_fields_only(connection) or (kind not in _BESIDE_KEY and not isinstance(connection, FilesConnection)):
        return
    taken = {sync.key_field or key_field_of(connection)} | (_OF_WEBHOOKS if kind == "webhook" else frozenset())
    if sync.membership in taken:
        yield "membership", f"{kind} has {sync.membership} already: choose another name"
    # A key that is named by the sync, and what Braze keeps for itself, are looked at elsewhere.
    for name in sorted(taken & sync.fields.keys() - {sync.key_field}) if kind != "braze_track" else ():
        yield "fields", f"{kind} has {name} already: choose another name"


def _of_calls(sync: Sync, kind: str) -> Iterator[tuple[str, str]]:
    for option, kinds in _READ_BY.items():
        if getattr(sync, option) is not None and kind not in kinds:
            yield option, f"{kind} does nothing with it; {', '.join(kinds)} {'do' if len(kinds) > 1 else 'does'}"
    if sync.group is not None:
        if kind != "segment":
            yield "group", f"{kind} has no group calls; segment has"
        elif sync.event is not None or sync.membership is not None or sync.mode not in ("insert", "update", "upsert"):
            yield "group", "a group call has no event and no membership, and takes nobody away"
        elif not sync.group.isidentifier():
            yield "group", f"{sync.group!r} is no name of letters, digits and _"
        elif sync.group not in sync.fields:
            yield "group", f"{sync.group} is no field of this sync; there are: {', '.join(sync.fields) or 'none'}"
    if sync.purchase:
        missing = [name for name in ("product_id", "currency", "price") if name not in sync.fields]
        if kind != "braze_track":
            yield "purchase", f"{kind} has no purchases of its own; braze_track has"
        elif sync.event is not None:
            yield "purchase", "a purchase has no event"
        elif sync.membership is not None:
            yield "membership", "a purchase says nothing of who is in an audience"
        elif missing:
            yield "fields", f"a purchase needs {', '.join(missing)}"


def _of_key_field(sync: Sync, connection: Connection, kind: str) -> Iterator[tuple[str, str]]:
    if sync.key_field is None:
        return
    if kind in _KEY_FIELDS and sync.key_field not in _KEY_FIELDS[kind]:
        yield "key_field", f"{kind} knows people by {', '.join(_KEY_FIELDS[kind])}"
    visitor = key_field_of(connection)
    if kind == "tealium" and sync.key_field != visitor:
        yield "key_field", f"tealium knows visitors by {visitor}, the connection's visitor_attribute; others are fields"
    if takes_fields_only(connection):
        yield "key_field", "a delivery is the fields alone (form: fields); name the person among them"


def _of_removals(sync: Sync, able: Ability, kind: str) -> Iterator[tuple[str, str]]:
    flag_is_all = able.flags_removal or (not sync.fields and kind in ("segment", "braze_track", "onesignal_user"))
    if sync.membership is None and (sync.mode == "archive" or (sync.mode == "mirror" and flag_is_all)):
        yield "membership", f"{sync.mode} needs it: who left is told by that field"


def _of_columns(sync: Sync, connection: FilesConnection) -> Iterator[tuple[str, str]]:
    """Columns of a file are the connection's: what it does not name would be left out without a word."""
    named = {"fields": [*sync.fields], "key_field": [sync.key_field or key_field_of(connection)]}
    named["membership"] = [] if sync.membership is None else [sync.membership]
    for key, names in named.items():
        unknown = [name for name in names if name not in connection.columns]
        if unknown:
            columns = ", ".join(connection.columns)
            yield key, f"the file of {sync.destination} has no column {', '.join(unknown)}; it has: {columns}"
