"""Replies that are receipts, without a session."""

import json
from pathlib import Path
from typing import Any

from personalake.pipelines.reply_receipts import take_replies
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX
from personalake.tables.receipts import DELIVERY_RECEIPT
from tests.pipelines.outbox_rows import a_lake, context, settings

CONNECTIONS: dict[str, Any] = {
    "letters": {"kind": "email", "host": "relay.example", "sender": "news@shop.example"},
    "hook": {"kind": "webhook", "url": "https://hook.example/x", "secret": "secret://a/b"},
}
TOLD = {
    "gone": ("letters", "rejected", "no such mailbox there"), "full": ("letters", "rejected", "SMTP 552: 5.2.2 full"),
    "sent": ("letters", "accepted", None), "elsewhere": ("hook", "rejected", "no such mailbox there"),
}  # fmt: skip


def test_a_mailbox_that_a_relay_does_not_know_is_a_bounce_and_told_once(tmp_path: Path) -> None:
    lake = a_lake(tmp_path)
    run = context(lake, settings(lake, CONNECTIONS))
    for name, (destination, state, reason) in TOLD.items():
        row = {"delivery_id": name, "destination": destination}
        payload = json.dumps({"to": f"Ann <{name}@home.example>", "subject": "Hello"})
        lake.ledger.append(ACTIVATION_OUTBOX, [{**row, "person_id": "p", "payload": payload}])
        lake.ledger.append(ACTIVATION_LOG, [{**row, "state": state, "reason": reason, "logged_at": run.run_started_at}])

    assert [take_replies(run), take_replies(run)] == [1, 0]

    (found,) = lake.ledger.read(DELIVERY_RECEIPT)
    names = ("delivery_id", "receipt_type", "channel", "destination", "address", "source")
    assert [found[name] for name in names] == ["gone", "hard_bounce", "email", "letters", "gone@home.example", "replies"]
