"""Segment: the HTTP Tracking API with its silences, and regulations of the Public API."""

import json
from collections import OrderedDict
from typing import Any, ClassVar

from tests.fakes.clock import Window
from tests.fakes.segment_calls import KINDS, basic, discarded, with_context
from tests.fakes.vendor import JSON, Call, Handler, Reject, Reply, Vendor, within

_TAKEN = b'{"success":true}'


class Segment(Vendor):
    """One source of one workspace.

    As documented: everything is answered with 200, what is not accepted too, but for bad JSON and too large bodies (400).
    """

    name = "segment"
    write_key: ClassVar[str] = "segment-write-key"
    access_token: ClassVar[str] = "segment-oauth-token"
    api_token: ClassVar[str] = "segment-public-api-token"
    settings: ClassVar[dict[str, Any]] = {
        "max_bytes": 500_000,
        "max_item_bytes": 32_000,
        "max_items": 2_500,
        "max_regulated": 5_000,
        "window_seconds": 86_400,
        "rate": (1_000, 1),
        "keep": True,
    }

    def clear(self) -> None:
        self.profiles: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.suppressed: set[str] = set()
        self.deleted: list[str] = []
        self.regulations: dict[str, dict[str, Any]] = {}
        self._messages: OrderedDict[str, float] = OrderedDict()

    def state(self) -> dict[str, Any]:
        return {
            "profiles": self.profiles,
            "groups": self.groups,
            "events": self.events,
            "suppressed": sorted(self.suppressed),
            "deleted": self.deleted,
            "regulations": self.regulations,
        }

    def route(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        parts = call.path.strip("/").split("/")
        if call.method == "POST" and len(parts) == 2 and parts[0] == "v1":
            if parts[1] in ("batch", "import"):
                return self._batch, ()
            if parts[1] in KINDS:
                return self._single, (parts[1],)
        if parts[0] == "regulations" and len(parts) <= 2:
            if call.method == "POST" and len(parts) == 1:
                return self._regulate, ()
            if call.method == "GET" and len(parts) == 2:
                return self._regulation, (parts[1],)
        if call.method == "GET" and parts == ["suppressions"]:
            return self._suppressions, ()
        return None

    def counted(self, path: str) -> str:
        return "/regulations/{id}" if path.startswith("/regulations/") else path

    def throttled(self, wait: float, window: Window | None = None) -> Reply:
        """Both headers are seconds to wait."""
        seconds = str(max(round(wait), 1))
        return Reply(429, _error("rate_limit", "Too many requests"), {"Retry-After": seconds, "X-RateLimit-Reset": seconds})

    def failed(self, status: int) -> Reply:
        return Reply(status, _error("server_error", "Internal Server Error"))

    def revoked(self, status: int) -> Reply:
        """401 as with OAuth; with `status` 200, a disabled source: taken and dropped."""
        return Reply(200, _TAKEN) if status == 200 else Reply(status, _error("invalid_token", "Unauthorized"))

    def _batch(self, call: Call) -> Reply:
        self._admitted(call, self.config["max_bytes"])
        body, sizes = self.parsed(call, _bad("malformed JSON"), "batch")
        self.valid("batch", body, _bad)
        if not within(sizes["batch"], self.config["max_item_bytes"]):
            raise Reject("item_bytes", _bad("Exceed payload limit"))
        key = self._key(call, body)
        if key is None:
            return Reply(200, _TAKEN)
        items = body["batch"]
        if not items or len(items) > self.config["max_items"]:
            self.counters.rejects["max_items" if items else "empty_batch"] += 1
            return Reply(200, _TAKEN)
        refused = call.refused_places(len(items))
        for place, item in enumerate(items):
            reason = "scripted" if place in refused else self._take(item, body)
            if reason is not None:
                self.counters.rejects[reason] += 1
        return Reply(200, _TAKEN)

    def _single(self, call: Call, kind: str) -> Reply:
        self._admitted(call, self.config["max_item_bytes"])
        body, _ = self.parsed(call, _bad("malformed JSON"))
        if not isinstance(body, dict):
            raise Reject("json", _bad("an object is expected"))
        if self._key(call, body) is not None:
            reason = self._take({**body, "type": kind}, {})
            if reason is not None:
                self.counters.rejects[reason] += 1
        return Reply(200, _TAKEN)

    def _admitted(self, call: Call, max_bytes: int | None) -> None:
        self.pace("rate")
        if not self.is_json(call):
            raise Reject("content_type", _bad("Content-Type must be application/json"))
        if max_bytes is not None and len(call.body) > max_bytes:
            raise Reject("max_bytes", _bad("Exceed payload limit"))

    def _key(self, call: Call, body: dict[str, Any]) -> str | None:
        """The write key; null, and counted, if there is none or it is not ours: Segment does not say so."""
        header = call.headers.get("Authorization", "")
        scheme, _, credentials = header.partition(" ")
        if scheme.lower() == "bearer" and credentials != self.access_token:
            raise Reject("oauth", Reply(401, _error("invalid_token", "Unauthorized")))
        found = basic(credentials) if scheme.lower() == "basic" else body.get("writeKey")
        if found != self.write_key:
            self.counters.rejects["project_not_found"] += 1
            return None
        return self.write_key

    def _take(self, item: Any, batch: dict[str, Any]) -> str | None:
        """Hold one call; the reason if it is not accepted."""
        reason = discarded(item)
        if reason is not None:
            return reason
        person = item.get("userId") or item["anonymousId"]
        if item.get("userId") in self.suppressed:
            return "suppressed"
        if self._is_known(item.get("messageId")):
            self.counters.duplicates += 1
            return None
        kind = item["type"]
        self.counters.items[kind] += 1
        if kind == "identify":
            self.profiles.setdefault(person, {}).update(item.get("traits") or {})
        elif kind == "group":
            group = self.groups.setdefault(item["groupId"], {"traits": {}, "members": []})
            group["traits"].update(item.get("traits") or {})
            if person not in group["members"]:
                group["members"].append(person)
        elif self.config["keep"]:
            self.events.append(with_context(item, batch))
        return None

    def _is_known(self, message: str | None) -> bool:
        if message is None:
            return False
        now, window = self.clock(), self.config["window_seconds"]
        messages = self._messages
        while messages and now - next(iter(messages.values())) >= window:
            messages.popitem(last=False)
        if message in messages:
            return True
        messages[message] = now
        return False

    def _public(self, call: Call) -> None:
        if call.headers.get("Authorization") != f"Bearer {self.api_token}":
            raise Reject("api_token", _public_error(401, "unauthorized", "Unauthorized"))

    def _regulate(self, call: Call) -> Reply:
        self._public(call)
        refuse = _public_error(400, "bad-request", "malformed JSON")
        body, _ = self.parsed(call, refuse)
        self.valid("regulation", body, lambda problem: _public_error(400, "bad-request", problem))
        ids = body["subjectIds"]
        if len(ids) > self.config["max_regulated"]:
            raise Reject("max_regulated", _public_error(400, "bad-request", f"at most {self.config['max_regulated']} ids"))
        kind = body["regulationType"]
        if kind.startswith("SUPPRESS"):
            self.suppressed.update(ids)
        if kind == "UNSUPPRESS":
            self.suppressed.difference_update(ids)
        if "DELETE" in kind:
            self._delete(ids)
        number = f"regulation-{len(self.regulations) + 1}"
        self.regulations[number] = {"id": number, "overallStatus": "FINISHED", **body}
        return Reply(200, {"data": {"regulateId": number}})

    def _delete(self, ids: list[str]) -> None:
        gone = set(ids)
        self.deleted.extend(ids)
        for person in ids:
            self.profiles.pop(person, None)
        self.events = [event for event in self.events if event.get("userId") not in gone]
        for group in self.groups.values():
            group["members"] = [person for person in group["members"] if person not in gone]

    def _regulation(self, call: Call, number: str) -> Reply:
        self._public(call)
        found = self.regulations.get(number)
        if found is None:
            raise Reject("not_found", _public_error(404, "not-found", "the regulation does not exist"))
        return Reply(200, {"data": {"regulation": found}})

    def _suppressions(self, call: Call) -> Reply:
        self._public(call)
        return Reply(
            200, {"data": {"suppressed": [{"subjectType": "USER_ID", "subjectId": i} for i in sorted(self.suppressed)]}}
        )


def _error(code: str, message: str) -> dict[str, Any]:
    return {"success": False, "code": code, "message": message}


def _bad(message: str) -> Reply:
    return Reply(400, json.dumps(_error("bad_request", message)).encode(), content_type=JSON)


def _public_error(status: int, kind: str, message: str) -> Reply:
    return Reply(status, {"errors": [{"type": kind, "message": message}]})
