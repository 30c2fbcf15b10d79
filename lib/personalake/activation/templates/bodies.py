"""What a template says, as the body of a delivery: what each destination reads around the key of the person."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from personalake.activation.templates.rendering import Rendered

Body = dict[str, Any]


def body_of(kind: str, said: Rendered) -> Body:
    """The body of one delivery; `syncs.shapes` puts the person, the time and the message id around it.

    Args:
        kind: Kind of the connection, one of `config.audience_templates.TAKING`.
        said: What is said.
    """
    return _BODIES.get(kind, _flat)(said)


def _flat(said: Rendered) -> Body:
    return {**said.parts, **said.values}


def _email(said: Rendered) -> Body:
    return dict(said.parts)


def _fcm(said: Rendered) -> Body:
    """FCM wants data as texts, and no empty object."""
    notification = {name: said.parts[name] for name in ("title", "body")}
    return {"notification": notification, **({"data": dict(said.values)} if said.values else {})}


def _onesignal(said: Rendered) -> Body:
    """English is a must at OneSignal, whatever the text's language; its e-mails are HTML, and have no plain part.

    The way out is in the text (see `config.audience_templates`): the header for it is OneSignal's own.
    """
    if "subject" in said.parts:
        return {"email_subject": said.parts["subject"], "email_body": said.parts.get("html") or _as_html(said.parts["text"])}
    texts = {"contents": {"en": said.parts["body"]}, "headings": {"en": said.parts["title"]}}
    return {**texts, **({"data": dict(said.values)} if said.values else {})}


def _as_html(text: str) -> str:
    r"""A plain text that looks the same where HTML is read, and does nothing else there.

    >>> _as_html("Dear <b>Ann</b>,\nwelcome")
    'Dear &lt;b&gt;Ann&lt;/b&gt;,<br>\nwelcome'
    """
    return escape(text, quote=False).replace("\n", "<br>\n")


def _webhook(said: Rendered) -> Body:
    return {"locale": said.locale, **_flat(said)}


_BODIES: Mapping[str, Callable[[Rendered], Body]] = {
    "email": _email,
    "fcm": _fcm,
    "onesignal": _onesignal,
    "webhook": _webhook,
}
