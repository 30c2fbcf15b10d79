"""Tealium: tokens, Collect v3 (event and bulk-event), and the Visitor Privacy API."""

import base64
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from tests.fakes.clock import Window
from tests.fakes.tokens import IssuedTokens
from tests.fakes.vendor import Call, Handler, Reject, Reply, Vendor

_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_MISSING = "You are missing an attribute Id or Attribute Value"


class Tealium(Vendor):
    """One profile of one account. Nothing is de-duplicated."""

    name = "tealium"
    account: ClassVar[str] = "shop"
    profile: ClassVar[str] = "main"
    username: ClassVar[str] = "api@shop.example"
    api_key: ClassVar[str] = "tealium-api-key"
    attribute_id: ClassVar[str] = "86"
    settings: ClassVar[dict[str, Any]] = {
        "max_items": 10,
        "token_seconds": 1_800,
        # Events, not calls.
        "max_bytes": 1_000_000,
        "rate": (100, 1),
        "privacy_rate": (50, 1),
        # form: as the text of the documentation demands; query: as its example URL has it; either.
        "delete_parameters": "form",
        # Seconds until a deletion is done; Tealium says up to 30 days.
        "delete_seconds": 0,
        "keep": True,
    }
    quiet = ("/v3/auth/", "/transactions/")

    def clear(self) -> None:
        self.tokens = IssuedTokens("eyJ0eXAiOiJKV1Qi.")
        self.events: list[dict[str, Any]] = []
        self.visitors: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []
        self._deletions: dict[str, tuple[str, float]] = {}

    def state(self) -> dict[str, Any]:
        return {"events": self.events, "visitors": self.visitors, "deleted": self.deleted, "tokens": self.tokens.count}

    def expire_tokens(self) -> None:
        self.tokens.expire()

    def route(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        path = call.path.replace("/collect/regional/", "/collect/")
        if path == "/v3/collect/event" and call.method in ("GET", "POST"):
            return self._event, ()
        if path == "/v3/collect/bulk-event" and call.method == "POST":
            return self._bulk, ()
        own = f"accounts/{self.account}/profiles/{self.profile}"
        if path == f"/v3/auth/{own}" and call.method == "POST":
            return self._login, ()
        privacy = f"/v3/privacy/visitor/{own}"
        if path == privacy and call.method in ("DELETE", "GET"):
            return (self._delete if call.method == "DELETE" else self._look), ()
        if path.startswith(f"{privacy}/transactions/") and call.method == "GET":
            return self._transaction, (path.rpartition("/")[2],)
        return None

    def counted(self, path: str) -> str:
        head, transactions, _ = path.partition("/transactions/")
        return f"{head}/transactions/{{id}}" if transactions else path

    def throttled(self, wait: float, window: Window | None = None) -> Reply:
        """No header says how long to wait."""
        return Reply(429, {"message": "Too many requests"})

    def revoked(self, status: int) -> Reply:
        return Reply(status, {"message": "Unauthorized" if status == 401 else "Forbidden"})

    def _login(self, call: Call) -> Reply:
        form = dict(parse_qsl(call.body.decode("latin-1")))
        if (form.get("username"), form.get("key")) != (self.username, self.api_key):
            raise Reject("credentials", Reply(401, {"message": "Unauthorized"}))
        token = self.tokens.issue(self.clock(), self.config["token_seconds"])
        return Reply(200, {"token": token, "host": "us-east-1-platform.tealiumapis.com"})

    def _authorised(self, call: Call) -> None:
        if not self.tokens.lives(call.headers.get("Authorization", ""), self.clock()):
            raise Reject("token", Reply(401, {"message": "Unauthorized"}))

    def _event(self, call: Call) -> Reply:
        self._authorised(call)
        self.pace("rate")
        if call.method == "GET":
            self._take(dict(call.query))
            return Reply(200, _PIXEL, content_type="image/gif")
        body = self._json(call)
        self._take(body)
        return Reply(200)

    def _bulk(self, call: Call) -> Reply:
        self._authorised(call)
        body = self._json(call)
        self.valid("bulk", body, _bad)
        events = body["events"]
        if len(events) > self.config["max_items"]:
            raise Reject("max_items", _bad(f"events: at most {self.config['max_items']}"))
        merged = [{**body.get("shared", {}), **event} for event in events]
        for event in merged:
            self._check(event)
        self.pace("rate", len(events))
        for event in merged:
            self._hold(event)
        return Reply(200)

    def _json(self, call: Call) -> Any:
        if not self.is_json(call):
            raise Reject("content_type", Reply(415, {"message": "Unsupported Media Type"}))
        if len(call.body) > self.config["max_bytes"]:
            raise Reject("max_bytes", _bad("the body exceeds 1 MB"))
        return self.parsed(call, _bad("malformed JSON"))[0]

    def _take(self, event: Any) -> None:
        self._check(event)
        self._hold(event)

    def _check(self, event: Any) -> None:
        self.valid("event", event, _bad)
        if (event["tealium_account"], event["tealium_profile"]) != (self.account, self.profile):
            raise Reject("account", Reply(403, {"message": "Forbidden"}))
        self._value_of(event.get("tealium_visitor_id", ""))

    def _hold(self, event: dict[str, Any]) -> None:
        self.counters.items["events"] += 1
        if self.config["keep"]:
            self.events.append(event)
        visitor = event.get("tealium_visitor_id")
        if visitor is not None:
            own = {key: value for key, value in event.items() if not key.startswith("tealium_")}
            self.visitors.setdefault(self._value_of(visitor), {}).update(own)

    def _value_of(self, visitor: str) -> str:
        """Of a known visitor the value of the visitor id attribute, by which deletions ask; an anonymous id as it is."""
        if not visitor.startswith("__"):
            return visitor
        beginning = f"__{self.account}_{self.profile}__{self.attribute_id}_"
        if not visitor.startswith(beginning) or not visitor.endswith("__"):
            raise Reject("visitor_id", _bad("tealium_visitor_id is not formatted correctly"))
        return visitor.removeprefix(beginning).removesuffix("__")

    def _parameters(self, call: Call) -> tuple[str, str]:
        """Attribute and value; where they must stand, depends on the method."""
        form = dict(parse_qsl(call.body.decode("latin-1")))
        where = {"form": form, "query": call.query, "either": {**call.query, **form}}
        found = where["query" if call.method == "GET" else self.config["delete_parameters"]]
        if not found.get("attributeId") or not found.get("attributeValue"):
            raise Reject("parameters", _bad(_MISSING))
        return found["attributeId"], found["attributeValue"]

    def _known(self, call: Call) -> str:
        self._authorised(call)
        self.pace("privacy_rate")
        attribute, value = self._parameters(call)
        if attribute != self.attribute_id or value not in self.visitors:
            raise Reject("visitor", Reply(404, {"transactionId": f"{attribute}-{value}"}))
        return value

    def _look(self, call: Call) -> Reply:
        return Reply(200, {"live": False, "visitor": {"properties": self.visitors[self._known(call)]}})

    def _delete(self, call: Call) -> Reply:
        value = self._known(call)
        for transaction, (visitor, _) in self._deletions.items():
            if visitor == value:
                return Reply(202, {"transactionId": transaction})
        transaction = f"transaction-{len(self._deletions) + 1}"
        self._deletions[transaction] = (value, self.clock() + self.config["delete_seconds"])
        self._work_off()
        return Reply(202, {"transactionId": transaction})

    def _work_off(self) -> None:
        for value, due in self._deletions.values():
            if self.clock() >= due and value in self.visitors:
                del self.visitors[value]
                others = [one for one in self.events if self._value_of(one.get("tealium_visitor_id", "")) != value]
                self.events = others
                self.deleted.append(value)

    def _transaction(self, call: Call, transaction: str) -> Reply:
        self._authorised(call)
        self._work_off()
        if transaction not in self._deletions:
            raise Reject("transaction", Reply(404, {"transactionId": transaction}))
        is_done = self.clock() >= self._deletions[transaction][1]
        return Reply(200, {transaction: "SUCCESS" if is_done else "PENDING"})


def _bad(message: str) -> Reply:
    return Reply(400, {"message": message})
