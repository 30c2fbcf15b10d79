"""By what a destination knows a delivery or its request: what is sent along, and what a person can ask it for."""

import uuid

from personalake.activation.delivery import Delivery, object_in
from personalake.activation.mail import wire_address
from personalake.common.mailboxes import one_address
from personalake.config.connections import (
    Connection,
    EmailConnection,
    OneSignalConnection,
    SegmentConnection,
    WebhookConnection,
)
from personalake.config.connections.files import FilesConnection

_NAMESPACE = uuid.UUID("6b1f3c1e-6c0e-5f0e-9b61-0a5c5ab0e1f7")


def idempotency_key(destination: str, pack_id: str) -> str:
    """The key of a request to OneSignal, the same each time it is sent."""
    return str(uuid.uuid5(_NAMESPACE, f"{destination}/{pack_id}"))


def message_id(delivery_id: str, sender: str) -> str:
    """The Message-ID of a mail, without the brackets around it.

    >>> message_id("4f1c", "news@shop.example")
    '4f1c@shop.example'
    """
    return f"{delivery_id}@{sender.rpartition('@')[2]}"


def file_name(prefix: str, pack_id: str) -> str:
    """The file in which a request's rows are."""
    return f"{prefix}_{pack_id}.csv"


def known_as(destination: str, connection: Connection | None, delivery: Delivery) -> str | None:
    """What to ask a destination for, as it calls it; null where nothing that was sent tells this delivery from others.

    Args:
        destination: Its name.
        connection: Its settings as they are now; null if there are none any more.
        delivery: A delivery with its claim.
    """
    pack_id = delivery.claim.pack_id if delivery.claim is not None else ""
    match connection:
        case WebhookConnection():
            return f"webhook-id {delivery.delivery_id}"
        case EmailConnection() if (sender := one_address(connection.sender)) is not None:
            return f"Message-ID <{message_id(delivery.delivery_id, wire_address(sender[1]))}>"
        case SegmentConnection() if (found := (object_in(delivery.payload) or {}).get("messageId")) is not None:
            return f"messageId {found}"
        case OneSignalConnection() if pack_id:
            return f"idempotency_key {idempotency_key(destination, pack_id)}"
        case FilesConnection() if pack_id:
            return f"file {file_name(connection.prefix, pack_id)}"
    return None
