"""Addresses in payloads, where a destination's own reply tells that there is nobody behind one any more."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from personalake.activation.delivery import object_in
from personalake.activation.reasons import NO_MAILBOX, NO_SUBSCRIBER, NO_USER
from personalake.common.mailboxes import one_address

# Namespaces of what is sent to, as receipts have it: a device, the user of one app under a name that the app was given, or a
# mailbox.
DEVICE, USER, EMAIL = "device_token", "user_alias", "email"
# Kind of connection: what it says of an address that is gone.
GONE: Mapping[str, tuple[str, ...]] = {
    "fcm": ("UNREGISTERED",), "onesignal": (NO_SUBSCRIBER,), "onesignal_user": (NO_USER,),
    "email": (NO_MAILBOX,),
}  # fmt: skip
# Kind of connection and what its syncs call the key: that key is a device. Other keys of these kinds are users.
_DEVICES = frozenset({("fcm", "token"), ("onesignal", "subscription_id")})
_USERS = frozenset({"onesignal", "onesignal_user"})
_MARKS = ('"token"', '"include_subscription_ids"', '"include_aliases"', '"alias_id"')


class Address(NamedTuple):
    """What a delivery goes to.

    Args:
        namespace: `DEVICE`, `USER` or `EMAIL`.
        value: The device; or the destination, what kind of name it is, and the name; or the mailbox.
    """

    namespace: str
    value: str


def address_kind(kind: str, key_field: str, destination: str) -> Address | None:
    """What the keys of a sync are: a namespace, and what stands before the key in an address; null if neither.

    >>> address_kind("fcm", "token", "push"), address_kind("onesignal", "external_id", "app")
    (Address(namespace='device_token', value=''), Address(namespace='user_alias', value='app/external_id/'))
    """
    if (kind, key_field) in _DEVICES:
        return Address(DEVICE, "")
    return Address(USER, f"{destination}/{key_field}/") if kind in _USERS else None


def address_of(payload: str, destination: str) -> Address | None:
    """The one device that a push is for, or the one user that a message or their tags are for; null for all else.

    >>> address_of('{"token": "t1", "notification": {}}', "push")
    Address(namespace='device_token', value='t1')
    >>> address_of('{"include_aliases": {"external_id": ["u1"]}}', "app")
    Address(namespace='user_alias', value='app/external_id/u1')
    """
    if not any(mark in payload for mark in _MARKS):
        return None
    found = object_in(payload)
    if found is None:
        return None
    device = _only(found.get("include_subscription_ids")) or found.get("token")
    if isinstance(device, str) and device:
        return Address(DEVICE, device)
    label, name = _alias(found)
    return Address(USER, f"{destination}/{label}/{name}") if isinstance(name, str) and name else None


def mailbox_of(payload: str) -> Address | None:
    """The one mailbox that an e-mail is for.

    >>> mailbox_of('{"to": "Ann <ann@home.example>", "subject": "Hello"}')
    Address(namespace='email', value='ann@home.example')
    """
    to = (object_in(payload) or {}).get("to")
    found = one_address(to) if isinstance(to, str) else None
    return None if found is None else Address(EMAIL, found[1])


def _alias(payload: dict[str, Any]) -> tuple[Any, Any]:
    aliases = payload.get("include_aliases")
    if isinstance(aliases, dict) and len(aliases) == 1:
        ((label, names),) = aliases.items()
        return label, _only(names)
    return payload.get("alias_label"), payload.get("alias_id")


def _only(listed: Any) -> Any:
    return listed[0] if isinstance(listed, list) and len(listed) == 1 else None
