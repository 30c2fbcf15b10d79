"""What replies have in common, whoever sends them."""

import json

from personalake.activation.answers import Again, Answer, Lost, Stop
from personalake.activation.clock import Clock
from personalake.activation.delivery import Pack
from personalake.activation.retries import asked_wait
from personalake.activation.transport import Reply
from personalake.config.connections.base import Patience


def usual_fault(reply: Reply, patience: Patience, clock: Clock) -> Answer | None:
    """The meaning that statuses have everywhere."""
    status = reply.status
    if 200 <= status < 300 and status not in patience.lost_statuses:
        return Lost(f"status {status} with a page") if reply.is_html else None
    now = clock.now()
    if status == 429 or (status == 503 and asked_wait(reply.headers, now) is not None):
        asked = asked_wait(reply.headers, now)
        return Again(
            f"status {status}: too many requests", patience.pause_seconds if asked is None else asked, is_pause=True
        )
    if status in patience.lost_statuses:
        return Lost(f"status {status}")
    if status == 408 or status >= 500:
        return Again(f"status {status}")
    if status in (401, 403):
        return Stop(f"status {status}: the account is not allowed to; check credentials and permissions")
    if status in (404, 405, 410):
        return Stop(f"status {status}: nothing answers there; check the connection's settings")
    if 300 <= status < 400:
        return Stop(f"status {status}: redirects are not followed, they could lead secrets elsewhere")
    return Again(f"status {status} with a page") if reply.is_html else None


def joined(pack: Pack) -> str:
    """Payloads with commas between them."""
    return ",".join(delivery.payload for delivery in pack.deliveries)


def said(reply: Reply) -> str:
    """What a refusal says, whatever its key."""
    body = reply.object()
    for key in ("message", "error", "errors", "detail", "title"):
        if body.get(key):
            found = body[key]
            if isinstance(found, dict) and found.get("message"):
                found = found["message"]
            return f"status {reply.status}: {found if isinstance(found, str) else json.dumps(found)}"
    return f"status {reply.status}"
