"""Firebase Cloud Messaging v1: access tokens for signed assertions, and one message a request."""

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from tests.fakes.assertions import AUDIENCE, ServiceAccount
from tests.fakes.clock import Window
from tests.fakes.faults import Step
from tests.fakes.tokens import IssuedTokens
from tests.fakes.vendor import Call, Handler, Reject, Reply, Vendor

_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_STATUSES = {
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT"),
    "UNREGISTERED": (404, "NOT_FOUND"),
    "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED"),
    "THIRD_PARTY_AUTH_ERROR": (401, "UNAUTHENTICATED"),
    "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED"),
    "UNAVAILABLE": (503, "UNAVAILABLE"),
    "INTERNAL": (500, "INTERNAL"),
}


class Fcm(Vendor):
    """One Firebase project. Nothing is de-duplicated, and there is no batch."""

    name = "fcm"
    project: ClassVar[str] = "shop-push"
    settings: ClassVar[dict[str, Any]] = {
        "max_payload_bytes": 4_096,
        "max_topic_payload_bytes": 2_048,
        "token_seconds": 3_599,
        "rate": (600_000, 60),
        "keep": True,
    }
    # unregistered, sender_id_mismatch, third_party_auth_error: by name; no_retry_after: 429 without the header.
    specials = ("unregistered", "sender_id_mismatch", "third_party_auth_error", "no_retry_after")
    quiet = ("/token",)
    verbs = (*Vendor.verbs, "service_account", "unregister")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._account = ServiceAccount(self.project)
        super().__init__(*args, **kwargs)

    def clear(self) -> None:
        self.tokens = IssuedTokens("ya29.")
        self.messages: list[dict[str, Any]] = []
        self.validated: list[dict[str, Any]] = []
        self.unregistered: set[str] = set()
        self._serial = 0

    def state(self) -> dict[str, Any]:
        return {
            "messages": self.messages,
            "validated": self.validated,
            "unregistered": sorted(self.unregistered),
            "tokens": self.tokens.count,
        }

    def service_account(self) -> dict[str, str]:
        """The key file of the account that may send."""
        return self._account.key_file()

    def unregister(self, tokens: Iterable[str]) -> None:
        """Devices whose app is gone."""
        self.unregistered.update(tokens)

    def expire_tokens(self) -> None:
        self.tokens.expire()

    def route(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        if call.method == "POST" and call.path == "/token":
            return self._token, ()
        if call.method == "POST" and call.path == f"/v1/projects/{self.project}/messages:send":
            return self._send, ()
        return None

    def throttled(self, wait: float, window: Window | None = None) -> Reply:
        return _error("QUOTA_EXCEEDED", "Resource has been exhausted (e.g. check quota).", wait)

    def failed(self, status: int) -> Reply:
        if status == 503:
            return _error("UNAVAILABLE", "The service is currently unavailable.", 10)
        return Reply(status, _error("INTERNAL", "Internal error encountered.").body)

    def revoked(self, status: int) -> Reply:
        if status == 403:
            message = "Cloud Messaging API has not been used in this project before or it is disabled."
            return Reply(403, {"error": {"code": 403, "message": message, "status": "PERMISSION_DENIED"}})
        return _unauthenticated()

    def special(self, call: Call, step: Step) -> Reply | None:
        if step.fault == "no_retry_after":
            return _error("QUOTA_EXCEEDED", "Resource has been exhausted (e.g. check quota).")
        return _error(step.fault.upper(), "Requested entity was not found." if step.fault == "unregistered" else step.fault)

    def _token(self, call: Call) -> Reply:
        problem = self._account.problem(call.body, self.clock(), (AUDIENCE, f"{self.url}/token"))
        if problem is not None:
            raise Reject("assertion", Reply(400, {"error": problem[0], "error_description": problem[1]}))
        token = self.tokens.issue(self.clock(), self.config["token_seconds"])
        return Reply(200, {"access_token": token, "expires_in": self.config["token_seconds"], "token_type": "Bearer"})

    def _send(self, call: Call) -> Reply:
        if not self.tokens.lives(call.headers.get("Authorization", ""), self.clock()):
            raise Reject("token", _unauthenticated())
        self.pace("rate")
        body, _ = self.parsed(call, _error("INVALID_ARGUMENT", "Invalid JSON payload received."))
        self.valid("send", body, lambda problem: _error("INVALID_ARGUMENT", problem))
        message = body["message"]
        if self._size(message) > self._limit(message):
            raise Reject("payload", _error("INVALID_ARGUMENT", "Message is too big"))
        if message.get("token") in self.unregistered or call.refused_places(1):
            raise Reject("unregistered", _error("UNREGISTERED", "Requested entity was not found."))
        if body.get("validate_only"):
            self.validated.append(message)
            return Reply(200, {"name": f"projects/{self.project}/messages/fake_message_id"})
        self._serial += 1
        self.counters.items["messages"] += 1
        if self.config["keep"]:
            self.messages.append(message)
        return Reply(200, {"name": f"projects/{self.project}/messages/0:{self._serial}"})

    def _size(self, message: dict[str, Any]) -> int:
        parts = [message[key] for key in ("notification", "data") if message.get(key)]
        return sum(len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) for part in parts)

    def _limit(self, message: dict[str, Any]) -> int:
        return int(self.config["max_payload_bytes" if "token" in message else "max_topic_payload_bytes"])


def _error(code: str, message: str, wait: float | None = None) -> Reply:
    status, name = _STATUSES[code]
    details = [{"@type": _FCM_ERROR, "errorCode": code}]
    body = {"error": {"code": status, "message": message, "status": name, "details": details}}
    return Reply(status, body, {} if wait is None else {"Retry-After": str(max(round(wait), 1))})


def _unauthenticated() -> Reply:
    message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
    return Reply(401, {"error": {"code": 401, "message": message, "status": "UNAUTHENTICATED"}})
