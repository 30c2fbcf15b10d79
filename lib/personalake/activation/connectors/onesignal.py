"""OneSignal: `POST /notifications`, one content to many people."""

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from personalake.activation.answers import Answer, Refused, Stop, Taken
from personalake.activation.clock import Clock
from personalake.activation.connectors.base import AUTHORIZATION, JSON, HttpConnector, Resolve, declared
from personalake.activation.connectors.onesignal_objects import misspelt_message
from personalake.activation.connectors.replies import said
from personalake.activation.contract import Declaration, Limits
from personalake.activation.delivery import Delivery, Name, Pack
from personalake.activation.known_as import idempotency_key
from personalake.activation.reasons import NO_SUBSCRIBER
from personalake.activation.transport import Reply, Request
from personalake.config.connections.push import OneSignalConnection, OneSignalUserConnection

# What syncs call the key where it is a device.
SUBSCRIPTION = "subscription_id"
AppConnection = OneSignalConnection | OneSignalUserConnection
_TARGETS = ("include_aliases", "include_subscription_ids")
# What is said of the app, whatever the status: nobody of it is there, either.
_APP = re.compile(r"\bapp (has been|is) disabled|\bapp(_id)?( was)? not found|app_id is (malformed|invalid)", re.IGNORECASE)
# How OneSignal writes ids of its own, and so those of devices.
_SUBSCRIPTION = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DEVICES, _USERS = ("invalid_subscription_ids", "invalid_player_ids"), ("invalid_aliases", "invalid_external_user_ids")


class OneSignalApp(HttpConnector):
    """One app, by its key: what its endpoints share."""

    def __init__(
        self, name: str, connection: AppConnection, declaration: Declaration, clock: Clock, resolve: Resolve
    ) -> None:
        super().__init__(name, declaration, clock)
        self._app = connection
        self._headers = {**JSON, AUTHORIZATION: f"Key {resolve(connection.api_key)}"}

    async def erase(self, pack: Pack) -> Answer:
        """Delete one user by the label that they are known under, or one device; who is not there is erased.

        Where nobody knows the label, each may be it: deletions cannot be undone, and one label's 77 is not another's.
        """
        base, name = f"{self._app.url}/apps/{self._app.app_id}", Name.of(pack.deliveries[0])
        one, is_device = quote(name.value, safe=""), name.label == SUBSCRIPTION
        labels = self._app.alias_labels if name.label is None else () if is_device else (name.label,)
        places = [f"users/by/{quote(label, safe='')}/{one}" for label in labels]
        if is_device or (name.label is None and _SUBSCRIPTION.fullmatch(name.value)):
            places.append(f"subscriptions/{one}")
        for place in places:
            answer = await self.exchange(Request("DELETE", f"{base}/{place}", headers=self._headers), _deletion)
            if not isinstance(answer, Taken):
                return answer
        return Taken()

    def fault(self, reply: Reply) -> Answer | None:
        """A user who is not there is no fault; an app that is not there, or was disabled, concerns everybody."""
        if reply.status in (400, 404) and _APP.search(reply.body.decode(errors="replace")):
            return Stop(said(reply))
        if reply.status == 404 and "errors" in reply.object():
            return None
        return super().fault(reply)

    @property
    def erasure_limits(self) -> Limits:
        """One user a call."""
        return Limits(1)


class OneSignal(OneSignalApp):
    """The payload is a request to one person: `include_aliases` with one id, or `include_subscription_ids`."""

    def __init__(self, name: str, connection: OneSignalConnection, clock: Clock, resolve: Resolve) -> None:
        declaration = declared(
            connection,
            window_seconds=connection.window_seconds,
            bounds=connection.effective_bounds,
        )
        super().__init__(name, connection, declaration, clock, resolve)
        self._connection = connection
        self._group = ("", "")

    def group_of(self, delivery: Delivery) -> str:
        """Everything but whom; the last one is remembered, since it is asked for more than once."""
        text, group = self._group
        if text is not delivery.payload:
            payload = self.parsed(delivery)
            shared = {key: value for key, value in payload.items() if key not in _TARGETS}
            content = [_target(payload)[0], shared]
            group = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            self._group = (delivery.payload, group)
        return group

    def size_of(self, delivery: Delivery) -> int:
        """The id, quoted."""
        return len(json.dumps(_target(self.parsed(delivery))[1], ensure_ascii=False).encode())

    def envelope(self, group: str, first: Delivery) -> int:
        """The content, the app's id and the key."""
        return len(group.encode()) + len(self._connection.app_id) + 160

    def lacks(self, operation: str, payload: dict[str, Any]) -> str | None:
        """One person, and something to say."""
        aliases, ids = payload.get("include_aliases"), payload.get("include_subscription_ids")
        if (aliases is None) == (ids is None):
            return "exactly one of include_aliases, include_subscription_ids is needed"
        people = next(iter(aliases.values())) if isinstance(aliases, dict) and len(aliases) == 1 else ids
        if not isinstance(people, list) or len(people) != 1 or not isinstance(people[0], str) or not people[0]:
            return "exactly one person is needed"
        if aliases is not None and payload.get("target_channel") not in ("push", "email", "sms"):
            return "target_channel is not one of push, email, sms"
        return _unsaid(payload) or misspelt_message(payload)

    def request(self, pack: Pack) -> Request:
        """The content to all people of the pack; the key is the pack's, so that a repetition is one."""
        label, shared = json.loads(pack.group)
        people = [_target(self.parsed(delivery))[1] for delivery in pack.deliveries]
        target = {"include_subscription_ids": people} if label is None else {"include_aliases": {label: people}}
        key = idempotency_key(self.name, pack.pack_id)
        content = {"app_id": self._connection.app_id, "idempotency_key": key, **shared, **target}
        body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        return Request("POST", f"{self._connection.url}/notifications", body, self._headers)

    def answer(self, pack: Pack, reply: Reply) -> Answer:
        """A 200 without an id has sent nothing; one with errors has left some devices out.

        A user is named there once for each device that is not subscribed, and may have others, which got it. That they have
        none is only known where nothing was sent at all.
        """
        if not 200 <= reply.status < 300:
            return Refused(said(reply))
        body = reply.json()
        errors = body.get("errors")
        invalid = _invalid(errors, _DEVICES if body.get("id") else (*_DEVICES, *_USERS))
        refused = {
            place: NO_SUBSCRIBER
            for place, delivery in enumerate(pack.deliveries)
            if invalid and _target(self.parsed(delivery))[1] in invalid
        }
        if not body.get("id"):
            reason = f"nothing was sent: {json.dumps(errors)}"
            return Taken(refused={**dict.fromkeys(range(len(pack.deliveries)), reason), **refused})
        return Taken(refused=refused, reference=str(body["id"]))


def _unsaid(payload: dict[str, Any]) -> str | None:
    """What is missing of what is said; a template has it all."""
    if payload.get("template_id"):
        return None
    if payload.get("target_channel") == "email":
        missing = [key for key in ("email_subject", "email_body") if not payload.get(key)]
        return f"an e-mail without template_id needs {' and '.join(missing)}" if missing else None
    # What wakes the app and is shown to nobody says nothing.
    is_silent = payload.get("content_available") is True and payload.get("target_channel", "push") == "push"
    is_said = payload.get("contents") or payload.get("email_body") or is_silent
    return None if is_said else "template_id, contents, email_body or content_available is needed"


def _deletion(reply: Reply) -> Answer:
    return Taken() if 200 <= reply.status < 300 or reply.status == 404 else Refused(said(reply))


def _target(payload: dict[str, Any]) -> tuple[str | None, str]:
    """Label of the alias, null for a subscription, and the id."""
    if "include_subscription_ids" in payload:
        return None, payload["include_subscription_ids"][0]
    ((label, people),) = payload["include_aliases"].items()
    return label, people[0]


def _invalid(errors: Any, kinds: Sequence[str]) -> set[str]:
    """Ids of some kinds that a reply names, whatever the shape."""
    found: set[str] = set()
    for key in kinds:
        part = errors.get(key) if isinstance(errors, dict) else None
        lists = part.values() if isinstance(part, dict) else [part]
        for names in lists:
            found.update(str(name) for name in names or ())
    return found
