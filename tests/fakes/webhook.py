"""A receiver of signed webhooks: HMAC-SHA256 over id, timestamp and body. Or a help desk, which has tickets of its own."""

import base64
import hashlib
import hmac
from typing import Any, ClassVar

from tests.fakes.clock import Window
from tests.fakes.faults import Step
from tests.fakes.vendor import Call, Handler, Reject, Reply, Vendor

_KEY = hashlib.sha256(b"the key of the fake receiver").digest()


class Webhook(Vendor):
    """Any path receives, e.g. a help desk's `/tickets`. By default nothing is de-duplicated, though the id is kept."""

    name = "webhook"
    secret: ClassVar[str] = f"whsec_{base64.b64encode(_KEY).decode()}"
    bearer: ClassVar[str] = "webhook-bearer-token"
    login: ClassVar[str] = "agent@shop.example/token:desk-key"
    settings: ClassVar[dict[str, Any]] = {
        "max_bytes": 1_000_000,
        "tolerance_seconds": 300,
        "needs_bearer": False,
        "deduplicates": False,
        # A help desk's API, as Zendesk's is: user and password, tickets in its words, a key that tells a repetition.
        "is_desk": False,
        "rate": None,
        "keep": True,
    }
    # redirect: 302 to an address that is nobody's business; gone: 410, unsubscribe me.
    specials = ("redirect", "gone")

    def clear(self) -> None:
        self.deliveries: list[dict[str, Any]] = []
        self.tickets: list[dict[str, Any]] = []
        self._seen: set[str] = set()

    def state(self) -> dict[str, Any]:
        return {"deliveries": self.deliveries, "tickets": self.tickets}

    def route(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        if call.method != "POST":
            return None
        return (self._open if self.config["is_desk"] else self._receive), ()

    def throttled(self, wait: float, window: Window | None = None) -> Reply:
        return Reply(429, {"error": "too many requests"}, {"Retry-After": str(max(round(wait), 1))})

    def revoked(self, status: int) -> Reply:
        return Reply(status, {"error": "unauthorized"})

    def special(self, call: Call, step: Step) -> Reply | None:
        if step.fault == "gone":
            return Reply(410, {"error": "gone"})
        return Reply(302, b"", {"Location": "http://169.254.169.254/latest/meta-data/"})

    def _receive(self, call: Call) -> Reply:
        if self.config["needs_bearer"] and call.headers.get("Authorization") != f"Bearer {self.bearer}":
            raise Reject("bearer", Reply(401, {"error": "unauthorized"}))
        self.pace("rate")
        if self.config["max_bytes"] is not None and len(call.body) > self.config["max_bytes"]:
            raise Reject("max_bytes", Reply(413, {"error": "too large"}))
        problem = self._problem(call)
        if problem is not None:
            raise Reject(problem, Reply(401, {"error": problem}))
        if not self.is_json(call):
            raise Reject("content_type", Reply(415, {"error": "application/json expected"}))
        body, _ = self.parsed(call, Reply(400, {"error": "not JSON"}))
        if call.refused_places(1):
            raise Reject("scripted", Reply(422, {"error": "not acceptable"}))
        number = call.headers["webhook-id"]
        if number in self._seen:
            self.counters.duplicates += 1
            if self.config["deduplicates"]:
                return Reply(200, {"ok": True})
        self._seen.add(number)
        self.counters.items["deliveries"] += 1
        if self.config["keep"]:
            self.deliveries.append({"id": number, "path": call.path, "body": body})
        return Reply(200, {"ok": True})

    def _open(self, call: Call) -> Reply:
        if call.headers.get("Authorization") != f"Basic {base64.b64encode(self.login.encode()).decode()}":
            raise Reject("login", Reply(401, {"error": "Couldn't authenticate you"}))
        self.pace("rate")
        body, _ = self.parsed(call, Reply(400, {"error": "Unprocessable JSON"}))
        self.valid("ticket", body, lambda problem: Reply(422, {"error": "RecordInvalid", "details": {"base": [problem]}}))
        if call.refused_places(1):
            raise Reject("scripted", Reply(422, {"error": "RecordInvalid", "details": {"base": ["scripted"]}}))
        key = call.headers.get("Idempotency-Key", "")
        if key in self._seen:
            self.counters.duplicates += 1
            return Reply(201, {"ticket": {}}, {"x-idempotency-lookup": "hit"})
        self._seen |= {key} - {""}
        self.counters.items["tickets"] += 1
        self.tickets.append(body["ticket"])
        return Reply(201, {"ticket": {"id": len(self.tickets)}}, {"x-idempotency-lookup": "miss"})

    def _problem(self, call: Call) -> str | None:
        number, stamp = call.headers.get("webhook-id", ""), call.headers.get("webhook-timestamp", "")
        if not number or not stamp.isdigit():
            return "headers"
        if abs(self.clock() - int(stamp)) > self.config["tolerance_seconds"]:
            return "timestamp"
        signed = f"{number}.{stamp}.".encode() + call.body
        wanted = base64.b64encode(hmac.new(_KEY, signed, hashlib.sha256).digest()).decode()
        offered = call.headers.get("webhook-signature", "").split()
        is_signed = any(hmac.compare_digest(f"v1,{wanted}", one) for one in offered)
        return None if is_signed else "signature"
