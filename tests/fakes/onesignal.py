"""OneSignal: messages to aliases or subscriptions with an idempotency key, and deletion of users."""

import json
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, ClassVar
from urllib.parse import unquote

from tests.fakes.clock import Window
from tests.fakes.faults import Step
from tests.fakes.vendor import Call, Handler, Reject, Reply, Vendor

_NOBODY = "All included players are not subscribed"
_DENIED = "Access denied. Please include an 'Authorization: Key ...' header with a valid API key."


class OneSignal(Vendor):
    """One app. A repeated idempotency key, in the body, is answered with what was answered first."""

    name = "onesignal"
    app_id: ClassVar[str] = "8250eaf6-1a58-489e-b136-7c74a864b434"
    api_key: ClassVar[str] = "os_v2_app_fake-rest-api-key"
    settings: ClassVar[dict[str, Any]] = {
        "max_aliases": 20_000,
        "window_seconds": 2_592_000,
        "rate": (6_000, 1),
        # How many subscribers the app counts for its own protection.
        "subscribers": 1_000_000,
        "subscribers_factor": 10,
        "subscribers_seconds": 900,
        # Whether errors are texts or objects with code and title.
        "error_envelope": "strings",
        "keep": True,
    }
    # empty_id: 200, no id, and errors: nothing was sent.
    specials = ("empty_id",)
    verbs = (*Vendor.verbs, "seed")

    def clear(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.deliveries: dict[str, int] = {}
        self.deleted: list[str] = []
        self.tags: dict[str, dict[str, str]] = {}
        # Whom the app knows; null for everybody.
        self._known: set[str] | None = None
        self._answers: OrderedDict[str, tuple[float, Reply]] = OrderedDict()

    def seed(self, ids: Iterable[str]) -> None:
        """Aliases or subscriptions that exist; from now on, others do not."""
        self._known = (self._known or set()) | set(ids)

    def state(self) -> dict[str, Any]:
        return {"messages": self.messages, "deliveries": self.deliveries, "deleted": self.deleted, "tags": self.tags}

    def route(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        path = call.path.removeprefix("/api/v1")
        if call.method == "POST" and path == "/notifications":
            return self._create, ()
        parts = path.strip("/").split("/")
        if call.method == "DELETE" and len(parts) == 6 and parts[0] == "apps" and parts[2:4] == ["users", "by"]:
            return self._delete, (parts[1], parts[4], unquote(parts[5]))
        if call.method == "DELETE" and len(parts) == 4 and parts[0] == "apps" and parts[2] == "subscriptions":
            return self._delete, (parts[1], "subscription_id", unquote(parts[3]))
        if call.method == "PATCH" and len(parts) == 6 and parts[0] == "apps" and parts[2:4] == ["users", "by"]:
            return self._update, (parts[1], parts[4], unquote(parts[5]))
        return None

    def counted(self, path: str) -> str:
        return path.rpartition("/")[0] + "/{id}" if "/users/by/" in path else path

    def throttled(self, wait: float, window: Window | None = None) -> Reply:
        return Reply(429, self._errors("rate-limit", "API rate limit exceeded"), {"Retry-After": str(max(round(wait), 1))})

    def failed(self, status: int) -> Reply:
        return Reply(status, self._errors("server-error", "Internal Server Error"))

    def revoked(self, status: int) -> Reply:
        """401 or 403: the key; 400: the app was disabled."""
        return Reply(
            status,
            self._errors("disabled", "This app has been disabled") if status == 400 else self._errors("auth", _DENIED),
        )

    def special(self, call: Call, step: Step) -> Reply | None:
        return Reply(200, {"id": "", "errors": [_NOBODY]})

    def _errors(self, code: str, message: str) -> dict[str, Any]:
        is_object = self.config["error_envelope"] == "objects"
        return {"errors": [{"code": code, "title": message} if is_object else message]}

    def _bad(self, message: str) -> Reply:
        return Reply(400, self._errors("invalid", message))

    def _admitted(self, call: Call) -> None:
        if call.headers.get("Authorization") != f"Key {self.api_key}":
            raise Reject("api_key", Reply(403, self._errors("auth", _DENIED)))
        self.pace("rate")

    def _create(self, call: Call) -> Reply:
        self._admitted(call)
        if not self.is_json(call):
            raise Reject("content_type", self._bad("Content-Type must be application/json"))
        body, _ = self.parsed(call, self._bad("Unable to parse the body as JSON"))
        self.valid("message", body, self._bad)
        for name, most in _most_bytes(body).items():
            if len(json.dumps(body.get(name, {}), ensure_ascii=False, separators=(",", ":")).encode()) > most:
                raise Reject("size", self._bad(f"{name} is larger than {most} bytes"))
        if body["app_id"] != self.app_id:
            raise Reject(
                "app_id", self._bad("app_id not found. You may be missing a Content-Type: application/json header.")
            )
        key = body.get("idempotency_key")
        remembered = self._remembered(key)
        if remembered is not None:
            self.counters.duplicates += 1
            return remembered
        label, people = _targets(body)
        if len(people) > self.config["max_aliases"]:
            raise Reject("max_aliases", self._bad(f"at most {self.config['max_aliases']} ids"))
        reply = self._deliver(call, body, label, people)
        if key is not None:
            self._answers[key.lower()] = (self.clock(), reply)
        return reply

    def _update(self, call: Call, app: str, label: str, person: str) -> Reply:
        """Tags are merged; an empty text takes one away."""
        self._admitted(call)
        body, _ = self.parsed(call, self._bad("Unable to parse the body as JSON"))
        self.valid("user", body, self._bad)
        if app != self.app_id:
            raise Reject("app_id", self._bad("app_id not found"))
        if call.refused_places(1) or not self._knows(person):
            raise Reject("unknown", Reply(404, self._errors("user-2", "User not found")))
        tags = {**self.tags.get(person, {}), **body.get("properties", {}).get("tags", {})}
        self.tags[person] = {name: value for name, value in tags.items() if value}
        self.counters.items["users"] += 1
        return Reply(202, {"properties": {"tags": self.tags[person]}})

    def _remembered(self, key: str | None) -> Reply | None:
        now, answers = self.clock(), self._answers
        while answers and now - next(iter(answers.values()))[0] >= self.config["window_seconds"]:
            answers.popitem(last=False)
        found = answers.get(key.lower()) if key is not None else None
        return None if found is None else found[1]

    def _deliver(self, call: Call, body: dict[str, Any], label: str, people: list[str]) -> Reply:
        refused, is_alias = call.refused_places(len(people)), "include_aliases" in body
        good: list[str] = []
        bad: list[str] = []
        for place, person in enumerate(people):
            # A user whom the app does not know is left out without a word; who is named has a device that is not subscribed.
            if place in refused or not (is_alias or self._knows(person)):
                bad.append(person)
            elif self._knows(person):
                good.append(person)
        if people and not good:
            self.counters.rejects["nobody"] += 1
            return Reply(200, {"id": "", "errors": [_NOBODY]})
        self._protect(len(good))
        number = str(uuid.uuid4())
        self.counters.items["messages"] += 1
        self.counters.items["deliveries"] += len(good)
        if self.config["keep"]:
            self.messages.append({**body, "id": number})
            for person in good:
                self.deliveries[person] = self.deliveries.get(person, 0) + 1
        answer: dict[str, Any] = {"id": number, "external_id": body.get("external_id")}
        if bad:
            self.counters.rejects["alias"] += len(bad)
            answer["errors"] = {"invalid_aliases": {label: bad}} if is_alias else {"invalid_player_ids": bad}
        return Reply(200, answer)

    def _knows(self, person: str) -> bool:
        return self._known is None or person in self._known

    def _protect(self, people: int) -> None:
        """An app that sends to more than ten times its subscribers in a quarter of an hour is disabled."""
        window = self._windows.setdefault(
            "subscribers",
            Window(self.config["subscribers"] * self.config["subscribers_factor"], self.config["subscribers_seconds"]),
        )
        if not window.take(self.clock(), people):
            self.is_revoked = 400
            raise Reject("disabled", self.revoked(400))

    def _delete(self, call: Call, app: str, label: str, person: str) -> Reply:
        self._admitted(call)
        if app != self.app_id:
            raise Reject("app_id", Reply(400, {"errors": [{"code": "app-1", "title": "The app was not found"}]}))
        if not self._knows(person) or person in self.deleted:
            raise Reject("user", Reply(404, {"errors": [{"code": "user-2", "title": "The user was not found"}]}))
        self.deleted.append(person)
        return Reply(202, {"identity": {label: person}})


def _most_bytes(body: dict[str, Any]) -> dict[str, int]:
    """How much a message may hold for the app, and for its template."""
    return {"data": 2_048, "custom_data": 10_240 if body.get("target_channel") == "email" else 2_048}


def _targets(body: dict[str, Any]) -> tuple[str, list[str]]:
    if "include_aliases" in body:
        label = next(iter(body["include_aliases"]))
        return label, [person for people in body["include_aliases"].values() for person in people]
    return "", list(body.get("include_subscription_ids") or body.get("email_to") or body.get("include_phone_numbers") or ())
