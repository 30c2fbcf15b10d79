"""Braze: users/track, campaigns/trigger/send, v2/subscription/status/set, users/delete."""

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from tests.fakes.braze_objects import BLOCKED, LISTS, fits, problem_of
from tests.fakes.braze_profiles import Profiles
from tests.fakes.clock import Window
from tests.fakes.faults import Step
from tests.fakes.vendor import Call, Handler, Reject, Reply, Vendor, digested

_WHO = ("external_user_id", "user_alias", "braze_id", "email")
_ALL_BAD = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."
_PARSE = {"error": "Error while parsing request body. Please check your syntax."}


class Braze(Vendor):
    """One workspace. Nothing is de-duplicated; success means queued, which here is done at once."""

    name = "braze"
    api_key: ClassVar[str] = "braze-rest-api-key"
    settings: ClassVar[dict[str, Any]] = {
        # combined75: 75 objects in all; each75: of each kind (older contracts); combined50: monthly users of 2024-25.
        "batch_rule": "combined75",
        # epoch: X-RateLimit-Reset is a time; seconds: X-Ratelimit-Retry-After is a wait (contracts by monthly users).
        "dialect": "epoch",
        "max_bytes": 4_000_000,
        "max_item_bytes": 100_000,
        "max_property_bytes": {"events": 100_000, "purchases": 50_000},
        "max_trigger_bytes": 50_000,
        "max_ids": 50,
        "max_array": 500,
        "track_rate": (3_000, 3),
        "send_rate": (250_000, 3_600),
        "broadcast_rate": (250, 60),
        "subscription_rate": (5_000, 60),
        "delete_rate": (20_000, 60),
        # Permissions of the key; without one, the endpoint answers 403.
        "permissions": ("users.track", "campaigns.trigger.send", "subscription.status.set", "users.delete"),
        # Ids of campaigns that exist; null for any.
        "campaigns": None,
        # Whether messages reach only people whose profile exists, as at Braze; false spares the seeding of profiles.
        "existing_only": True,
        "keep": True,
    }
    specials = ("queued",)
    verbs = (*Vendor.verbs, "seed")

    def clear(self) -> None:
        self.profiles = Profiles(self.config["max_array"])
        self.events: list[dict[str, Any]] = []
        self.purchases: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.subscriptions: dict[str, dict[str, str]] = {}
        self.deleted: list[Any] = []
        self._dispatches = 0

    def seed(self, external_ids: Iterable[str]) -> None:
        """Make profiles, so that messages find somebody."""
        for external_id in external_ids:
            self.profiles.get_or_make({"external_id": external_id})

    def state(self) -> dict[str, Any]:
        return {
            "profiles": self.profiles.by_id,
            "events": self.events,
            "purchases": self.purchases,
            "messages": self.messages,
            "subscriptions": self.subscriptions,
            "deleted": self.deleted,
        }

    def digest(self) -> dict[str, dict[str, Any]]:
        states = {f"{group}/{who}": state for group, held in self.subscriptions.items() for who, state in held.items()}
        return {**super().digest(), "subscriptions": digested(states)}

    def route(self, call: Call) -> tuple[Handler, tuple[str, ...]] | None:
        if call.method != "POST":
            return None
        found = {
            "/users/track": self._track,
            "/campaigns/trigger/send": self._send,
            "/v2/subscription/status/set": self._subscribe,
            "/users/delete": self._delete,
        }.get(call.path)
        return (found, ()) if found else None

    def throttled(self, wait: float, window: Window | None = None) -> Reply:
        """A time in epoch seconds, or a wait, as the contract has it; never `Retry-After`."""
        if self.config["dialect"] == "seconds":
            headers = {"x-ratelimit-retry-after": str(max(round(wait), 1))}
        else:
            headers = {
                "x-ratelimit-limit": str(window.amount if window else self.config["track_rate"][0]),
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(-int(-(self.clock() + wait) // 1)),
            }
        return Reply(429, {"message": "Over rate limit"}, headers)

    def failed(self, status: int) -> Reply:
        return Reply(status, {"message": "Internal Server Error"})

    def revoked(self, status: int) -> Reply:
        """401 with the key in its message, as Braze does (a trap for logs); 403 for an account without a plan."""
        return Reply(status, {"message": f"Invalid API key: {self.api_key}" if status == 401 else "Forbidden"})

    def special(self, call: Call, step: Step) -> Reply | None:
        """`queued`: 202 in times of maintenance; it is taken all the same."""
        self.answer(call)
        return Reply(202, {"message": "queued"})

    def _admitted(self, call: Call, permission: str, rate: str) -> Window:
        key = call.headers.get("Authorization", "").removeprefix("Bearer ")
        if call.headers.get("Authorization") != f"Bearer {self.api_key}":
            raise Reject("api_key", Reply(401, {"message": f"Invalid API key: {key}" if key else "Missing API key"}))
        if permission not in self.config["permissions"]:
            raise Reject("permission", Reply(403, {"message": "Access Denied"}))
        window = self.pace(rate)
        if not self.is_json(call):
            raise Reject("content_type", Reply(415, {"message": "Unsupported Media Type"}))
        if self.config["max_bytes"] is not None and len(call.body) > self.config["max_bytes"]:
            raise Reject("max_bytes", _bad("Max Input Length Exceeded"))
        return window

    def _headers(self, window: Window) -> dict[str, str]:
        if window.amount is None:
            return {}
        reset = window.ends if self.config["dialect"] == "epoch" else window.wait(self.clock())
        return {
            "x-ratelimit-limit": str(window.amount),
            "x-ratelimit-remaining": str(window.left),
            "x-ratelimit-reset": str(int(reset)),
        }

    def _track(self, call: Call) -> Reply:
        window = self._admitted(call, "users.track", "track_rate")
        body, sizes = self.parsed(call, Reply(400, _PARSE), *LISTS)
        self.valid("track", body, _bad)
        counts = {name: len(body.get(name, ())) for name in LISTS}
        if not fits(counts, self.config["batch_rule"]):
            raise Reject("max_items", _bad("Max Input Length Exceeded"))
        refused = call.refused_places(sum(counts.values()))
        errors: list[dict[str, Any]] = []
        processed: dict[str, int] = {}
        place = 0
        for name in LISTS:
            good = 0
            for index, item in enumerate(body.get(name, ())):
                problem = BLOCKED if place in refused else problem_of(name, item, sizes[name][index], self.config)
                if problem is None:
                    self._take(name, item)
                    good += 1
                else:
                    self.counters.rejects[f"item: {problem}"] += 1
                    errors.append({"type": problem, "input_array": name, "index": index})
                place += 1
            if good:
                processed[f"{name}_processed"] = good
        if not processed:
            return Reply(400, {"message": _ALL_BAD, "errors": errors}, self._headers(window))
        extra = {"errors": errors} if errors else {}
        return Reply(201, {**processed, "message": "success", **extra}, self._headers(window))

    def _take(self, name: str, item: dict[str, Any]) -> None:
        number = self.profiles.get_or_make(item)
        if number is None:
            self.counters.items["passed_over"] += 1
            return
        self.counters.items[name] += 1
        if name == "attributes":
            self.counters.items["data_points"] += self.profiles.update(number, item)
            for group in item.get("subscription_groups") or ():
                self._set(group["subscription_group_id"], item.get("external_id") or number, group["subscription_state"])
            return
        self.counters.items["data_points"] += 1
        if self.config["keep"]:
            (self.events if name == "events" else self.purchases).append(item)

    def _send(self, call: Call) -> Reply:
        window = self._admitted(call, "campaigns.trigger.send", "send_rate")
        body, _ = self.parsed(call, Reply(400, _PARSE))
        recipients = body.get("recipients") if isinstance(body, dict) else None
        if isinstance(recipients, list) and len(recipients) > self.config["max_ids"]:
            raise Reject("max_items", _bad("The max number of external_ids and aliases per request was exceeded"))
        self.valid("trigger", body, _bad)
        if self.config["campaigns"] is not None and body["campaign_id"] not in self.config["campaigns"]:
            raise Reject("campaign", _bad("Invalid Campaign ID"))
        if body.get("broadcast") or (body.get("audience") and not recipients):
            self.pace("broadcast_rate")
        elif not recipients:
            raise Reject("recipients", _bad("No Recipients"))
        if body.get("broadcast") and recipients:
            raise Reject("recipients", _bad("broadcast and recipients exclude each other"))
        most = self.config["max_trigger_bytes"]
        for one in (body, *(recipients or [])) if len(call.body) > most else ():
            if len(json.dumps(one.get("trigger_properties"), separators=(",", ":"), ensure_ascii=False).encode()) > most:
                raise Reject("max_trigger_bytes", _bad("trigger_properties is too large"))
        self._dispatches += 1
        dispatch = f"dispatch-{self._dispatches}"
        # Of a person who is named twice in a request one is left.
        named = {json.dumps([one.get(key) for key in _WHO], sort_keys=True): one for one in reversed(recipients or [])}
        for recipient in reversed(named.values()):
            self._deliver(body, recipient, dispatch)
        return Reply(201, {"dispatch_id": dispatch, "message": "success"}, self._headers(window))

    def _deliver(self, body: dict[str, Any], recipient: dict[str, Any], dispatch: str) -> None:
        person: dict[str, Any] = {key: recipient[key] for key in ("user_alias", "braze_id", "email") if key in recipient}
        if "external_user_id" in recipient:
            person["external_id"] = recipient["external_user_id"]
        number = self.profiles.find(person)
        attributes = recipient.get("attributes")
        if number is None and recipient.get("send_to_existing_only") is False and attributes and "user_alias" not in person:
            number = self.profiles.get_or_make(person)
        if number is not None and attributes:
            self.profiles.update(number, attributes)
        if number is None and self.config["existing_only"]:
            self.counters.items["passed_over"] += 1
            return
        self.counters.items["messages"] += 1
        if self.config["keep"]:
            shared: Any = body.get("trigger_properties") or {}
            own: Any = recipient.get("trigger_properties") or {}
            merged = {**shared, **own} if isinstance(shared, dict) and isinstance(own, dict) else own or shared
            message = {"campaign_id": body["campaign_id"], **person, "trigger_properties": merged, "dispatch_id": dispatch}
            self.messages.append({**message, **({"send_id": body["send_id"]} if "send_id" in body else {})})

    def _subscribe(self, call: Call) -> Reply:
        window = self._admitted(call, "subscription.status.set", "subscription_rate")
        body, _ = self.parsed(call, Reply(400, _PARSE))
        self.valid("subscription", body, _bad)
        changes = [
            (group["subscription_group_id"], who, group["subscription_state"])
            for group in body["subscription_groups"]
            for key in ("external_ids", "emails", "phones")
            for who in _listed(group.get(key))
        ]
        if len(changes) > self.config["max_ids"]:
            raise Reject("max_items", _bad("The max number of ids per request was exceeded"))
        for group, who, state in changes:
            self._set(group, who, state)
        self.counters.items["subscriptions"] += len(changes)
        return Reply(201, {"message": "success"}, self._headers(window))

    def _set(self, group: str, who: str, state: str) -> None:
        self.subscriptions.setdefault(group, {})[who] = state

    def _delete(self, call: Call) -> Reply:
        window = self._admitted(call, "users.delete", "delete_rate")
        body, _ = self.parsed(call, Reply(400, _PARSE))
        self.valid("delete", body, _bad)
        key, ids = next(iter(body.items()))
        if len(ids) > self.config["max_ids"]:
            raise Reject("max_items", _bad("The max number of ids per request was exceeded"))
        name = {
            "external_ids": "external_id",
            "braze_ids": "braze_id",
            "user_aliases": "user_alias",
            "email_addresses": "email",
            "phone_numbers": "phone",
        }[key]
        found = 0
        # Names of an object that also says which of several profiles goes first.
        is_one_of = name in ("email", "phone") and all(isinstance(who, dict) for who in ids)
        for who in ids:
            number = self.profiles.find({name: who[name] if is_one_of else who})
            if number is not None:
                self.profiles.delete(number)
                found += 1
            self.deleted.append(who)
        # What is queued: of addresses, the profiles that were found.
        return Reply(200, {"deleted": found if is_one_of else len(ids), "message": "success"}, self._headers(window))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _bad(message: str) -> Reply:
    return Reply(400, {"message": message})
