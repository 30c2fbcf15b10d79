"""Push messages: Firebase Cloud Messaging v1 and OneSignal."""

import json
from collections.abc import Mapping

from personalake.activation.messages.message import Item, Value, json_value


def fcm(
    token: str,
    title: str,
    body: str,
    *,
    image: str | None = None,
    data: Mapping[str, Value] | None = None,
    collapse_key: str | None = None,
    ttl_seconds: int | None = None,
) -> Item:
    """A message to one device.

    Args:
        token: Registration token.
        title: Title of the notification.
        body: Its text.
        image: URL of a picture.
        data: What the app gets; values become texts, as FCM wants.
        collapse_key: Messages under one key replace each other on the device, which softens a repetition.
        ttl_seconds: How long it may wait for the device.
    """
    notification = {"title": title, "body": body, **({"image": image} if image else {})}
    message: dict[str, Value] = {"token": token, "notification": notification}
    if data:
        message["data"] = {key: _text(value) for key, value in data.items() if value is not None}
    android: dict[str, Value] = {}
    if collapse_key:
        android["collapse_key"] = collapse_key
        message["apns"] = {"headers": {"apns-collapse-id": collapse_key.encode()[:64].decode(errors="ignore")}}
    if ttl_seconds is not None:
        android["ttl"] = f"{ttl_seconds}s"
    if android:
        message["android"] = android
    return Item("message", message)


def onesignal(
    external_id: str,
    channel: str,
    *,
    contents: Mapping[str, str] | None = None,
    headings: Mapping[str, str] | None = None,
    email_subject: str | None = None,
    email_body: str | None = None,
    template_id: str | None = None,
    custom_data: Mapping[str, Value] | None = None,
    data: Mapping[str, Value] | None = None,
) -> Item:
    """A message to one person; people with the same content share a request.

    Args:
        external_id: The person.
        channel: push, email or sms.
        contents: Text by language, of a push or SMS; English is a must where there is no template.
        headings: Title by language.
        email_subject: Subject of an e-mail.
        email_body: Its HTML.
        template_id: Template at OneSignal, instead of contents.
        custom_data: Values for the template, the same for all people of a request.
        data: What the app gets.
    """
    payload: dict[str, Value] = {"include_aliases": {"external_id": [external_id]}, "target_channel": channel}
    given = {
        "contents": contents,
        "headings": headings,
        "email_subject": email_subject,
        "email_body": email_body,
        "template_id": template_id,
        "custom_data": custom_data,
        "data": data,
    }
    return Item("notification", {**payload, **{key: json_value(value) for key, value in given.items() if value}})


def _text(value: Value) -> str:
    found = json_value(value)
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
