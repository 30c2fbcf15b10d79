"""Replies that are receipts: some say at once that nobody has a device, a name or a mailbox, any more."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from personalake.activation.receipts.addresses import DEVICE, EMAIL, GONE, USER, Address, address_of, mailbox_of
from personalake.pipelines.job import JobContext
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX
from personalake.tables.receipts import DELIVERY_RECEIPT

SOURCE = "replies"
# A reply is taken over by the next run; a month leaves room for one that failed for long.
_LOOK_BACK = timedelta(days=30)
_CHANNELS = {DEVICE: "push", USER: "user", EMAIL: "email"}
_LOG = ("delivery_id", "destination", "reason", "reference", "logged_at")


def take_replies(context: JobContext) -> int:
    """Add what the log tells of devices, users and mailboxes that are gone to the receipts, each delivery once.

    Returns:
        How many were added.
    """
    ledger = context.lake.ledger
    kinds = {name: getattr(one, "kind", "") for name, one in context.settings.connections.items()}
    telling = sorted(name for name, kind in kinds.items() if kind in GONE)
    if not telling:
        return 0
    reasons = sorted({reason for kind in GONE for reason in GONE[kind]})
    since = context.run_started_at - _LOOK_BACK
    told = ledger.read(
        ACTIVATION_LOG, _LOG,
        [("state", "=", "rejected"), ("destination", "in", telling), ("reason", "in", reasons), ("logged_at", ">=", since)],
    )  # fmt: skip
    known = {row["record_id"] for row in ledger.read(DELIVERY_RECEIPT, ("record_id",), [("source", "=", SOURCE)])}
    fresh = {row["delivery_id"]: row for row in told if row["delivery_id"] not in known}
    if not fresh:
        return 0
    planned = ledger.read(ACTIVATION_OUTBOX, ("delivery_id", "payload"), [("delivery_id", "in", sorted(fresh))])
    told_of = {row["delivery_id"]: _address(row["payload"] or "", fresh[row["delivery_id"]], kinds) for row in planned}
    rows = [
        {
            "record_id": delivery_id,
            "receipt_type": "hard_bounce",
            "channel": _CHANNELS[address.namespace],
            "destination": row["destination"],
            "delivery_id": delivery_id,
            "reference": row["reference"],
            "address": address.value,
            "reason": row["reason"],
            "occurred_at": row["logged_at"],
            "source": SOURCE,
            "known_at": row["logged_at"],
            "batch_id": f"apply_receipts:{context.run_id}",
        }
        for delivery_id, row in sorted(fresh.items())
        if (address := told_of.get(delivery_id)) is not None
    ]
    context.lake.add(rows, DELIVERY_RECEIPT)
    return len(rows)


def _address(payload: str, told: Mapping[str, Any], kinds: Mapping[str, str]) -> Address | None:
    destination = told["destination"]
    return mailbox_of(payload) if kinds[destination] == "email" else address_of(payload, destination)
