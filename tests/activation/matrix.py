"""Killed at every named step, under every fault, with replies lost: what the vendor then holds, and what is said of it."""

import csv
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from personalake.activation.answers import Answer, NotYet
from personalake.activation.connectors import connect
from personalake.activation.connectors.csv_files import CsvFiles
from personalake.activation.contract import Connector
from personalake.activation.delivery import Claimed, Delivery, Outcome, Pack
from personalake.activation.journal import Journal
from personalake.activation.sending import Report
from personalake.activation.stores import StoreFailed, StoreLost, StoreRefused
from personalake.config.connections import Connection
from tests.activation.connectors.settings import CONNECTION, SETTINGS, key_file, secret
from tests.activation.doubles import FakeClock, MemoryJournal, sent
from tests.fakes import Fakes, Handle, Step

KILLS = ("before claim", "after claim", "before request", "after request", "before poll", "before record", "after record")
FAULTS: Mapping[str, Sequence[Step]] = {
    "none": (),
    "throttle": (Step("throttle", at=[1, 3], wait=2),),
    "status 500": (Step("status", status=500, at=[1, 2]),),
    "status 503": (Step("status", status=503, at=[2]),),
    "status 502": (Step("status", status=502, at=[1]),),
    "html": (Step("html", at=[1]),),
    "hang": (Step("hang", at=[2]),),
    "reset before body": (Step("reset_before_body", at=[1]),),
    "reset": (Step("reset", at=[2]),),
    "lost": (Step("lost", at=[1, 2]),),
    "lost in silence": (Step("lost", at=[2], how="hang"),),
    "truncated": (Step("truncated", at=[1]),),
    "expire tokens": (Step("expire_tokens", at=[2]),),
    "revoke": (Step("revoke", at=[2]),),
    "every third": (Step("lost", every=3), Step("status", status=500, every=4)),
}
PATIENCE = {"reply_seconds": 0.25, "max_tries": 6, "poll_seconds": 1}
_RUNS = 6


class TodaysClock(FakeClock):
    """Waits take no time, and the time of day is the machine's, as the fakes' is."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class Killed(BaseException):
    """Raised where the process would have died."""


@dataclass(frozen=True)
class Case:
    """One connector against its fake.

    Args:
        kind: The connector.
        vendor: Name of the fake; null if it has none.
        settings: Settings that point the connector at the fake.
        items: Operation and payload of the numbered delivery.
        effects: What the fake holds, counted by the number of the delivery.
        configure: Settings of the fake.
        prepare: What the fake needs before.
        states: Numbers of deliveries that set states, although the connector as a whole cannot be repeated.
    """

    kind: str
    vendor: str
    settings: Callable[[Handle], Mapping[str, Any]]
    items: Callable[[int], tuple[str, Mapping[str, Any]]]
    effects: Callable[[Mapping[str, Any]], Counter[int]]
    configure: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Handle, int], None] = lambda handle, count: None
    secrets: Callable[[Handle], Mapping[str, str]] = lambda handle: {}
    states: Callable[[int], bool] = lambda number: False
    small: Mapping[str, Any] = field(default_factory=lambda: {"max_items": 4})
    faults: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    looked_at: Callable[[Handle], Mapping[str, Any]] = lambda handle: handle.state()

    def handle(self, fakes: Fakes) -> Handle:
        """The fake, or the folder."""
        return FOLDER if self.vendor == "folder" else getattr(fakes, self.vendor)  # type: ignore[no-any-return,return-value]

    def connector(self, fakes: Fakes, clock: Any, **more: Any) -> Connector:
        """The connector, with small requests and little patience."""
        return self.whole(fakes, clock, **{**self.small, "patience": PATIENCE, **more})

    def whole(self, fakes: Fakes, clock: Any, **more: Any) -> Connector:
        """The connector with the vendor's own limits, unpaced; null stands for a default."""
        connector = connect("there", self.connection(fakes, **more), clock, self.resolve(fakes))
        if isinstance(connector, CsvFiles) and self.vendor == "folder":
            connector._store = ScriptedStore(connector._store, FOLDER)
        return connector

    def connection(self, fakes: Fakes, **more: Any) -> Connection:
        """The settings of that connector."""
        settings = {
            "kind": self.kind,
            **SETTINGS.get(self.kind, {}),
            **self.settings(self.handle(fakes)),
            "rates": [],
            **more,
        }
        return CONNECTION.validate_python({key: value for key, value in settings.items() if value is not None})

    def resolve(self, fakes: Fakes) -> Callable[[str], str]:
        """The secrets behind its references."""
        known = self.secrets(self.handle(fakes))
        return lambda reference: known.get(reference) or secret(reference)

    def deliveries(self, count: int) -> list[Delivery]:
        """So many deliveries, two for each person."""
        made = [self.items(number) for number in range(count)]
        return [
            Delivery(f"d{number:03d}", f"p{number // 2}", operation, json.dumps(payload))
            for number, (operation, payload) in enumerate(made)
        ]


@dataclass(frozen=True)
class Found:
    """What came of a case.

    Args:
        states: State of each delivery by its number.
        effects: How often the vendor holds each.
        may_repeat: Deliveries that were announced as possible repetitions.
        reports: One for each run that ended by itself.
    """

    states: Mapping[int, str]
    effects: Counter[int]
    may_repeat: int
    reports: tuple[Report, ...]


class DyingJournal:
    """A journal that dies at a step."""

    def __init__(self, journal: Journal, step: str) -> None:
        self._journal = journal
        self._step = step

    @property
    def requests(self) -> int:
        return int(getattr(self._journal, "requests", 0))

    def claim(self, claims: Sequence[Claimed]) -> None:
        if self._step == "before claim":
            raise Killed
        self._journal.claim(claims)
        if self._step == "after claim":
            raise Killed

    def record(self, outcomes: Sequence[Outcome]) -> None:
        if self._step == "before record":
            raise Killed
        self._journal.record(outcomes)
        if self._step == "after record":
            raise Killed


def dying(connector: Any, step: str) -> None:
    """Let a connector die at a step."""
    post, ask, number = connector.post, connector.ask, 0

    async def dying_post(pack: Pack) -> Answer:
        nonlocal number
        number += 1
        is_second = number == 2
        if step == "before request" and is_second:
            raise Killed
        answer = await post(pack)
        if step == "after request" and is_second:
            raise Killed
        return answer  # type: ignore[no-any-return]

    async def dying_ask(pack: Pack, reference: str) -> Answer | NotYet:
        if step == "before poll":
            raise Killed
        return await ask(pack, reference)  # type: ignore[no-any-return]

    connector.post, connector.ask = dying_post, dying_ask


def played(case: Case, fakes: Fakes, kill: str | None, fault: str, count: int = 12, **more: Any) -> Found:
    """Send under a fault, die at a step if one is named, and go on in further runs until nothing is left to do."""
    handle = case.handle(fakes)
    handle.configure(**case.configure)
    handle.reset()
    case.prepare(handle, count)
    handle.script(*{**FAULTS, **case.faults}[fault])
    clock = TodaysClock()
    journal = MemoryJournal(clock.now)
    given, reports, may_repeat = case.deliveries(count), [], set()
    for run in range(_RUNS):
        connector = case.connector(fakes, clock, **more)
        left = journal.left(given)
        holds = connector.declaration.unknown == "hold"
        is_done = not any(one.claim is None or connector.is_state(one) or not holds for one in left)
        if is_done and (run or not left):
            break
        written: Any = journal
        if run == 0 and kill is not None:
            dying(connector, kill)
            written = DyingJournal(journal, kill)
        try:
            report, _ = sent(left, connector, written, clock=clock)
            reports.append(report)
        except Killed:
            pass
        may_repeat |= {name for name, outcome in journal.outcomes.items() if outcome.may_repeat}
        if fault == "revoke":
            handle.restore()
    states = {int(name[1:]): outcome.state.value for name, outcome in journal.outcomes.items()}
    for name in journal.claims:
        states.setdefault(int(name[1:]), "unknown")
    return Found(states, case.effects(case.looked_at(handle)), len(may_repeat), tuple(reports))


def judged(case: Case, found: Found, count: int, policy: str) -> list[str]:
    """Breaches of what the destination promises."""
    breaches = []
    if sorted(found.states) != list(range(count)):
        breaches.append(f"outcomes for {len(found.states)} of {count}")
    for number in range(count):
        state, effects = found.states.get(number), found.effects[number]
        is_sure = policy == "resend_same_key" or (case.states(number) and policy == "hold")
        if is_sure and (state not in ("accepted", "confirmed") or effects != 1):
            breaches.append(f"{number}: {state}, {effects} times there")
        elif state in ("accepted", "confirmed") and not effects >= 1:
            breaches.append(f"{number}: {state}, but not there")
        elif state not in ("accepted", "confirmed", "unknown"):
            breaches.append(f"{number}: {state}")
        elif effects > 1 and policy != "at_least_once":
            breaches.append(f"{number}: {effects} times there")
    repeated = sum(effects > 1 for number, effects in found.effects.items() if found.states.get(number) != "unknown")
    if policy == "at_least_once" and repeated > found.may_repeat:
        breaches.append(f"{repeated} repeated, {found.may_repeat} announced")
    return breaches


class Folder:
    """Where files are dropped; it is steered like a fake, and what is put there goes wrong by its script."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="personalake-drop-"))
        self.settings: Mapping[str, Any] = {}
        self.reset()

    def reset(self) -> None:
        self.steps: Sequence[Step] = ()
        self.puts, self.is_refused = 0, False
        for path in self.path.iterdir():
            path.unlink()

    def state(self) -> Mapping[str, Any]:
        return {"texts": {path.name: path.read_text() for path in self.path.glob("*.csv")}}

    def configure(self, **changes: Any) -> None: ...

    def script(self, *steps: Step) -> None:
        self.steps = steps

    def restore(self) -> None:
        self.is_refused = False

    def fault(self, name: str) -> str | None:
        """What goes wrong with a file; manifests are written as well as their file was."""
        if not name.endswith(".csv"):
            return None
        self.puts += 1
        for step in self.steps:
            if self.puts in (step.at or ()) or (step.every and self.puts % step.every == 0):
                return f"status {step.status}" if step.fault == "status" else step.fault
        return None


class ScriptedStore:
    """A store that refuses, fails, or does not say what it took."""

    def __init__(self, store: Any, folder: Folder) -> None:
        self._store = store
        self._folder = folder

    async def put(self, name: str, content: bytes) -> None:
        fault = self._folder.fault(name)
        self._folder.is_refused |= fault == "revoke"
        if self._folder.is_refused:
            raise StoreRefused("no permission")
        if fault in ("throttle", "status 500", "status 503", "reset_before_body"):
            raise StoreFailed(fault)
        if fault in ("reset", "truncated"):
            raise StoreLost(fault)
        await self._store.put(name, content)
        if fault in ("lost", "hang", "html", "status 502"):
            raise StoreLost(fault)

    async def __aenter__(self) -> "ScriptedStore":
        await self._store.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self._store.__aexit__(*raised)


FOLDER = Folder()


def _numbers(values: Sequence[Any]) -> Counter[int]:
    return Counter(int(value) for value in values)


AT = "2026-01-01T00:00:00.000Z"


def _segment(number: int) -> tuple[str, Mapping[str, Any]]:
    item = {"type": "track", "messageId": f"m{number}", "userId": f"p{number // 2}", "event": "e", "timestamp": AT}
    return "track", {**item, "properties": {"n": number}}


def _braze_event(number: int) -> tuple[str, Mapping[str, Any]]:
    who = {"external_id": f"p{number // 2}"}
    if number % 2:
        return "event", {**who, "name": "e", "time": AT, "properties": {"n": number}}
    return "attributes", {**who, f"n{number}": number}


def _braze_track_effects(state: Mapping[str, Any]) -> Counter[int]:
    found = _numbers([event["properties"]["n"] for event in state["events"]])
    for profile in state["profiles"].values():
        attributes = profile.get("attributes", profile)
        flat = {**attributes, **attributes.get("custom", {})} if isinstance(attributes, dict) else {}
        found.update(value for key, value in flat.items() if key == f"n{value}")
    return found


def _braze_send(number: int) -> tuple[str, Mapping[str, Any]]:
    person = {"external_user_id": f"p{number // 2}", "trigger_properties": {"n": number}}
    return "send", {"campaign_id": "c1", "recipients": [person]}


def _tagged(number: int) -> tuple[str, Mapping[str, Any]]:
    tags = {"n": str(number)}
    return "user", {"alias_label": "external_id", "alias_id": f"p{number}", "properties": {"tags": tags}}


def _regulated(number: int) -> tuple[str, Mapping[str, Any]]:
    return "regulate", {"regulationType": "SUPPRESS_ONLY", "subjectType": "USER_ID", "subjectId": f"p{number}"}


def _braze_subscription(number: int) -> tuple[str, Mapping[str, Any]]:
    return "subscription", {
        "subscription_group_id": f"g{number % 2}",
        "subscription_state": "subscribed",
        "external_id": f"p{number // 2}",
    }


def _subscribed(state: Mapping[str, Any]) -> Counter[int]:
    return Counter(int(who[1:]) * 2 + int(group[1:]) for group, people in state["subscriptions"].items() for who in people)


def _braze(handle: Handle) -> Mapping[str, Any]:
    return {"endpoint": handle.url}


def _braze_secrets(handle: Handle) -> Mapping[str, str]:
    return {"secret://braze/key": handle.api_key}


def _row(number: int) -> tuple[str, Mapping[str, Any]]:
    return "row", {"SubscriberKey": str(number), "tier": "gold"}


def _rowset_row(number: int) -> tuple[str, Mapping[str, Any]]:
    return "row", {"keys": {"SubscriberKey": str(number)}, "values": {"tier": "gold"}}


def _entry(number: int) -> tuple[str, Mapping[str, Any]]:
    return "journey", {"ContactKey": f"c{number // 2}", "EventDefinitionKey": "APIEvent-1", "Data": {"n": number}}


def _salesforce(handle: Handle) -> Mapping[str, Any]:
    return {"auth_endpoint": handle.url, "rest_endpoint": handle.url}


def _rows(handle: Handle) -> Mapping[str, Any]:
    return {**_salesforce(handle), "keys": ["SubscriberKey"]}


def _salesforce_secrets(handle: Handle) -> Mapping[str, str]:
    return {"secret://sfmc/id": handle.client_id, "secret://sfmc/secret": handle.client_secret}


def _written(state: Mapping[str, Any]) -> Counter[int]:
    return _numbers(list(state["rows"]["people"]))


def _tealium(number: int) -> tuple[str, Mapping[str, Any]]:
    return "event", {"tealium_event": "e", "tealium_visitor_id": f"v{number // 2}", "n": number}


def _message(number: int) -> tuple[str, Mapping[str, Any]]:
    return "message", {"token": f"token-{number // 2}", "data": {"n": str(number)}}


def _notification(number: int) -> tuple[str, Mapping[str, Any]]:
    content = {"target_channel": "push", "contents": {"en": f"Hello {number % 2}"}}
    return "notification", {**content, "include_aliases": {"external_id": [f"p{number}"]}}


def _told(state: Mapping[str, Any]) -> Counter[int]:
    return Counter({int(who.rpartition("p")[2]): times for who, times in state["deliveries"].items()})


def _csv_row(number: int) -> tuple[str, Mapping[str, Any]]:
    return "row", {"external_id": str(number), "tier": "gold"}


def _visitor(number: int) -> tuple[str, Mapping[str, Any]]:
    return "row", {"visitor_id": str(number), "tier": "gold"}


def _cells(state: Mapping[str, Any], column: str) -> Counter[int]:
    return _numbers([row[column] for text in state["texts"].values() for row in csv.DictReader(text.splitlines())])


def _dropped(state: Mapping[str, Any]) -> Counter[int]:
    return _cells(state, "external_id")


def _imported(state: Mapping[str, Any]) -> Counter[int]:
    return _cells(state, "visitor_id")


def _uploaded(handle: Handle) -> Mapping[str, Any]:
    return {"texts": {path: handle.do("read", path) for path in handle.state()["files"] if path.endswith(".csv")}}


def _mail(number: int) -> tuple[str, Mapping[str, Any]]:
    content = {"subject": str(number), "text": "Hello", "unsubscribe_url": "https://shop.example/u"}
    return "mail", {**content, "to": f"p{number // 2}@home.example"}


def _relay(handle: Handle) -> Mapping[str, Any]:
    parts = urlsplit(handle.url)
    login = {"username": "secret://smtp/user", "password": "secret://smtp/password"}
    return {"host": parts.hostname, "port": parts.port, "security": "none", **login}


def _server(handle: Handle) -> Mapping[str, Any]:
    parts = urlsplit(handle.url)
    where = {"host": parts.hostname, "port": parts.port, "host_key": handle.do("host_key"), "folder": handle.folder}
    return {**where, "username": handle.username, "password": "secret://sftp/password", "columns": ["external_id", "tier"]}


CASES = {
    case.kind: case
    for case in (
        Case("csv_drop", "folder", lambda handle: {"folder": FOLDER.path}, _csv_row, _dropped),
        Case("object_store", "folder", lambda handle: {"uri": FOLDER.path.as_uri()}, _csv_row, _dropped),
        Case("tealium_file", "folder", lambda handle: {"uri": FOLDER.path.as_uri()}, _visitor, _imported),
        Case(
            "sftp",
            "sftp",
            _server,
            _csv_row,
            _dropped,
            secrets=lambda handle: {"secret://sftp/password": handle.password},
            looked_at=_uploaded,
        ),
        Case(
            "email",
            "smtp",
            _relay,
            _mail,
            lambda state: _numbers([message["headers"]["Subject"] for message in state["messages"]]),
            secrets=lambda handle: {"secret://smtp/user": handle.username, "secret://smtp/password": handle.password},
            small={},
            # To a mail relay a number from 500 on is for good.
            faults={
                "status 500": (Step("status", status=451, at=[1, 2]),),
                "status 502": (Step("status", status=421, at=[1]),),
                "status 503": (Step("status", status=450, at=[2]),),
                "every third": (Step("lost", every=3), Step("status", status=451, every=4)),
            },
        ),
        Case(
            "fcm",
            "fcm",
            lambda handle: {"endpoint": handle.url, "token_endpoint": handle.url, "project": handle.project},
            _message,
            lambda state: _numbers([message["data"]["n"] for message in state["messages"]]),
            {"rate": (10**9, 1)},
            secrets=lambda handle: {"secret://fcm/account": json.dumps(handle.do("service_account"))},
            small={},
        ),
        Case(
            "onesignal",
            "onesignal",
            lambda handle: {"endpoint": handle.url, "app_id": handle.app_id},
            _notification,
            _told,
            {"rate": (10**9, 1)},
            secrets=lambda handle: {"secret://onesignal/key": handle.api_key},
        ),
        Case(
            "onesignal_user",
            "onesignal",
            lambda handle: {"endpoint": handle.url, "app_id": handle.app_id},
            _tagged,
            lambda state: _numbers([int(person[1:]) for person in state["tags"]]),
            {"rate": (10**9, 1)},
            secrets=lambda handle: {"secret://onesignal/key": handle.api_key},
            small={},
        ),
        Case(
            "webhook",
            "webhook",
            lambda handle: {"url": f"{handle.url}/tickets", "allow_private": True},
            lambda number: ("ticket", {"n": number}),
            lambda state: _numbers([delivery["body"]["n"] for delivery in state["deliveries"]]),
            secrets=lambda handle: {"secret://desk/secret": handle.secret},
            small={},
        ),
        Case("sfmc_rows", "salesforce", _rows, _row, _written, secrets=_salesforce_secrets),
        Case("sfmc_rowset", "salesforce", _rows, _rowset_row, _written, secrets=_salesforce_secrets),
        Case(
            "sfmc_journey",
            "salesforce",
            _salesforce,
            _entry,
            lambda state: _numbers([event["Data"]["n"] for event in state["events"]]),
            secrets=_salesforce_secrets,
            small={},
        ),
        Case(
            "tealium",
            "tealium",
            lambda handle: {
                "endpoint": handle.url,
                "platform_endpoint": handle.url,
                "account": handle.account,
                "profile": handle.profile,
            },
            _tealium,
            lambda state: _numbers([event["n"] for event in state["events"]]),
            {"rate": (10**9, 1)},
            secrets=lambda handle: {"secret://tealium/user": handle.username, "secret://tealium/key": handle.api_key},
        ),
        Case(
            "segment",
            "segment",
            lambda handle: {"endpoint": handle.url},
            _segment,
            lambda state: _numbers([event["properties"]["n"] for event in state["events"]]),
            {"rate": (10**9, 1)},
            secrets=lambda handle: {"secret://segment/key": handle.write_key},
        ),
        Case(
            "segment_suppression",
            "segment",
            lambda handle: {"api_endpoint": handle.url},
            _regulated,
            lambda state: _numbers([int(one[1:]) for one in state["suppressed"]]),
            secrets=lambda handle: {"secret://segment/token": handle.api_token},
        ),
        Case(
            "braze_track",
            "braze",
            _braze,
            _braze_event,
            _braze_track_effects,
            {"track_rate": (10**9, 1)},
            secrets=_braze_secrets,
            states=lambda number: number % 2 == 0,
        ),
        Case(
            "braze_send",
            "braze",
            _braze,
            _braze_send,
            lambda state: _numbers([message["trigger_properties"]["n"] for message in state["messages"]]),
            {"send_rate": (10**9, 1)},
            prepare=lambda handle, count: handle.do("seed", [f"p{number}" for number in range(count)]),
            secrets=_braze_secrets,
        ),
        Case(
            "braze_subscription",
            "braze",
            _braze,
            _braze_subscription,
            _subscribed,
            {"subscription_rate": (10**9, 1)},
            secrets=_braze_secrets,
        ),
    )
}
__all__ = [
    "CASES", "FAULTS", "KILLS", "Case", "DyingJournal", "Found", "Killed", "Path", "dying", "judged", "key_file", "played",
]  # fmt: skip
