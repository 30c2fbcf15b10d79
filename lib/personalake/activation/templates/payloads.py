"""What a template says, in the shape that each destination takes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from personalake.activation.messages.message import Item
from personalake.activation.messages.push import fcm, onesignal
from personalake.activation.messages.salesforce import journey_entry
from personalake.activation.templates.rendering import Refusal, Rendered, render
from personalake.config.templates import Template

_Build = Callable[[Rendered, str, Mapping[str, Any]], Item]


def message_payloads(
    kind: str, rows: Iterable[Mapping[str, Any]], templates: Mapping[str, Template], fixed: Mapping[str, Any] | None = None
) -> Iterator[Item | Refusal]:
    """One item for each row, ready for the outbox, or the reason why there is none.

    Args:
        kind: Kind of the connection, e.g. email; see `KINDS`.
        rows: Each with `template` (its name), `to` (how the destination knows the person: address, token, external id),
            perhaps `locale`, and the variables.
        templates: By name.
        fixed: What all items of a sync share, e.g. `campaign_id`, `reply_to`, `channel`.

    Yields:
        In the order of the rows.
    """
    for row in rows:
        template = templates.get(str(row.get("template")))
        if template is None:
            yield Refusal(f"no template {row.get('template')!r} in conf/templates/")
        elif not row.get("to"):
            yield Refusal("no identifier")
        else:
            found = render(template, row.get("locale"), row)
            yield found if isinstance(found, Refusal) else payload_of(kind, found, str(row["to"]), fixed or {})


def payload_of(kind: str, said: Rendered, to: str, fixed: Mapping[str, Any]) -> Item | Refusal:
    """One item.

    Args:
        kind: Kind of the connection.
        said: What is said.
        to: How the destination knows the person.
        fixed: What all items of a sync share.
    """
    build = _BUILDERS.get(kind)
    if build is None:
        return Refusal(f"destinations of kind {kind} take no templates; those that do: {', '.join(KINDS)}")
    try:
        return build(said, to, fixed)
    except KeyError as missing:
        return Refusal(f"{missing.args[0]} is missing: a destination of kind {kind} needs it")


def _email(said: Rendered, to: str, fixed: Mapping[str, Any]) -> Item:
    more = {key: fixed[key] for key in ("reply_to", "feedback_id") if fixed.get(key)}
    _ = said.parts["subject"]
    return Item("message", {"to": to, **said.parts, **more})


def _fcm(said: Rendered, to: str, fixed: Mapping[str, Any]) -> Item:
    options = {key: fixed[key] for key in ("image", "collapse_key", "ttl_seconds") if fixed.get(key) is not None}
    return fcm(to, said.parts["title"], said.parts["body"], data=said.values, **options)


def _onesignal(said: Rendered, to: str, fixed: Mapping[str, Any]) -> Item:
    """English is a must at OneSignal, whatever the text's language."""
    if "subject" in said.parts:
        body = said.parts.get("html") or said.parts["text"]
        target = {"include_aliases": {"external_id": [to]}, "target_channel": "email"}
        return Item("notification", {**target, "email_subject": said.parts["subject"], "email_body": body})
    contents, headings = ({"en": said.parts[name]} for name in ("body", "title"))
    return onesignal(to, fixed.get("channel", "push"), contents=contents, headings=headings, data=said.values)


def _webhook(said: Rendered, to: str, fixed: Mapping[str, Any]) -> Item:
    data = {"id": to, "locale": said.locale, **said.parts, **said.values}
    return Item("message", {"type": fixed.get("type", "message"), "data": data})


def _braze(said: Rendered, to: str, fixed: Mapping[str, Any]) -> Item:
    recipient = {"external_user_id": to, "trigger_properties": {**said.parts, **said.values}}
    return Item("send", {"campaign_id": fixed["campaign_id"], "recipients": [recipient]})


def _journey(said: Rendered, to: str, fixed: Mapping[str, Any]) -> Item:
    return journey_entry(to, fixed["event_definition_key"], {**said.parts, **said.values})


def _row(said: Rendered, to: str, fixed: Mapping[str, Any]) -> Item:
    return Item("row", {fixed["id_column"]: to, **said.parts, **said.values})


_BUILDERS: Mapping[str, _Build] = {
    "email": _email,
    "fcm": _fcm,
    "onesignal": _onesignal,
    "webhook": _webhook,
    "braze_send": _braze,
    "sfmc_journey": _journey,
    **dict.fromkeys(("csv_drop", "sftp", "object_store"), _row),
}
KINDS = tuple(_BUILDERS)
