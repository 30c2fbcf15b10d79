"""Audiences planned over tables: what leaves, what waits, what is taken back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from personalake.common.hashing import keyed_hash_of
from personalake.config import Settings
from personalake.config.audience_kinds import channel_of
from personalake.config.audiences import OrderAudience
from personalake.config.connections import CsvDropConnection
from personalake.config.decisions import DecisionSettings, Holdout
from personalake.config.privacy import PseudonymSettings
from personalake.errors import ConfigError, InputError, LeaseHeldError
from personalake.lake import Lake
from personalake.pipelines.activation_status import sent_so_far
from personalake.pipelines.approve_plan import reject_plan
from personalake.pipelines.audience_orders import without_person
from personalake.pipelines.audience_people import people
from personalake.pipelines.consents_now import allowed_now, lay_out_consents
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.plan_activation import run
from personalake.pipelines.plan_changes import allowed, with_gone
from personalake.pipelines.plan_rows import PlanRows
from personalake.pipelines.plan_states import approve, latest_plans
from personalake.pipelines.privacy_key import erasure_key
from personalake.pipelines.sending_lease import sending_lease
from personalake.privacy.pseudonyms import KeyRing
from personalake.tables import Table
from personalake.tables.gold import (
    ACTIVATION_LOG,
    ACTIVATION_OUTBOX,
    ACTIVATION_PLAN,
    CUSTOMER_PROFILE,
    DATA_HEALTH,
    DECISION,
    SEGMENT_MEMBERSHIP,
)
from personalake.tables.identity import PERSON
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import CATALOG_ITEM, CONSENT_CURRENT, ORDER_LINE, PERSON_LINK
from tests.activation.connectors.settings import connection_of
from tests.pipelines.placed import place as write
from tests.pipelines.pseudonym_keys import two_keys

DAY = date(2017, 12, 1)
START = datetime(2017, 12, 1, 8, tzinfo=UTC)
SYNC: Mapping[str, Any] = {
    "audience": {"where": "orders >= 2"},
    "destination": "files",
    "mode": "mirror",
    "purposes": ["personalisation"],
    "key_field": "id",
    "fields": {"category": "favourite_category"},
    "membership": "is_member",
    "min_people": 1,
    "holdout": False,
    "bounds": {"max_removed_share": 0.5},
}
Row = dict[str, Any]


class Shop:
    """A lake, its people, and the runs of the job over it."""

    def __init__(self, lake: Lake, folder: Path, context_of: Callable[..., JobContext]) -> None:
        self.lake, self._context_of = lake, context_of
        self._files = CsvDropConnection(folder=folder, columns=("id", "category", "is_member"))
        self.runs = 0

    def context(
        self, day: date = DAY, options: Mapping[str, Any] | None = None, templates: Any = None, **more: Any
    ) -> JobContext:
        self.runs += 1
        settings = Settings(
            root=self.lake.locations.root,
            connections={"files": self._files},
            audiences={"regulars": {**SYNC, **more}},  # type: ignore[dict-item]
            templates=dict(templates or {}),
        )
        context = self._context_of(settings, day, **(options or {}))
        return replace(context, run_started_at=START + timedelta(hours=self.runs))

    def people(self, day: date = DAY, refusing: str = "", **categories: str) -> None:
        rows = [
            {"person_id": p, "customer_id": f"c{p}", "orders": 2, "favourite_category": category, "as_of": day}
            for p, category in categories.items()
        ]
        write(self.lake, CUSTOMER_PROFILE, rows)
        answers = {p: "withdrawn" if p in refusing else "granted" for p in categories}
        consents = [{"person_id": p, "purpose": "personalisation", "status": answer} for p, answer in answers.items()]
        write(self.lake, CONSENT_CURRENT, consents)

    def sent(self, *keys: str, state: str = "accepted") -> None:
        """What the sender logs of the pending deliveries of the standing plan."""
        standing = {name for name, row in self.plans().items() if row["state"] in ("ready", "approved")}
        rows = [
            {"delivery_id": row["delivery_id"], "destination": "files", "state": state, "logged_at": datetime.now(UTC)}
            for row in self.lake.ledger.read(ACTIVATION_OUTBOX)
            if row["plan_id"] in standing and (not keys or row["sync_key"] in keys)
        ]
        self.lake.add(rows, ACTIVATION_LOG)

    def plans(self) -> dict[str, Row]:
        return latest_plans(self.lake.ledger)

    def newest(self) -> Row:
        (row,) = [row for row in self.plans().values() if row["state"] != "superseded"]
        return row

    def standing(self, state: str) -> str:
        """The one plan that is in a state."""
        (name,) = [name for name, row in self.plans().items() if row["state"] == state]
        return name

    def states(self) -> set[str]:
        return {row["state"] for row in self.lake.ledger.read(ACTIVATION_LOG)}

    def outbox(self, plan_id: str | None = None) -> dict[str, tuple[bool, str]]:
        rows = self.lake.ledger.read(ACTIVATION_OUTBOX)
        wanted = plan_id or self.newest()["plan_id"]
        return {row["sync_key"]: (row["removal"], row["payload"]) for row in rows if row["plan_id"] == wanted}

    def counts(self) -> list[int]:
        return [self.lake.ledger.rows(table) for table in (ACTIVATION_OUTBOX, ACTIVATION_PLAN, ACTIVATION_LOG)]


def figures(result: JobResult) -> tuple[int, int, int, int]:
    found = result.figures["audiences"]["regulars"]
    return found["added"], found["changed"], found["removed"], found["unchanged"]


@pytest.fixture
def shop(lake: Lake, tmp_path: Path, context_of: Callable[..., JobContext]) -> Shop:
    return Shop(lake, tmp_path / "out", context_of)


def test_a_rotated_key_takes_every_old_pseudonym_away_and_adds_the_new_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = two_keys(monkeypatch)
    old = PseudonymSettings(keys=keys, current="k1")
    new = PseudonymSettings(keys=keys, current="k2", previous=("k1",))

    def under(pseudonyms: PseudonymSettings, **bounds: float) -> JobContext:
        context = shop.context(key="pseudonym", bounds=bounds)
        privacy = context.settings.privacy.model_copy(update={"pseudonyms": pseudonyms})
        return replace(context, settings=context.settings.model_copy(update={"privacy": privacy}))

    shop.people(a="tea", b="tea")
    run(under(old))
    before = shop.outbox()
    shop.sent()
    stopped = run(under(new))
    rotated = run(under(new, max_removed_share=1.0))
    after = shop.outbox()
    shop.sent()
    settled = run(under(new))

    ring = KeyRing({"k1": "old secret", "k2": "new secret"}, "k2", ("k1",))
    names = {version: {ring.pseudonym_of("files", person, version) for person in "ab"} for version in keys}
    assert set(before) == names["k1"]
    assert stopped.figures["audiences"]["regulars"]["state"] == "stopped"
    assert "--set audiences.regulars.bounds.<name>=<figure>" in stopped.message
    assert figures(rotated) == (2, 0, 2, 0)
    assert {key for key, (is_removal, _) in after.items() if is_removal} == names["k1"]
    assert {key for key, (is_removal, _) in after.items() if not is_removal} == names["k2"]
    assert figures(settled) == (0, 0, 0, 2)


def test_only_what_differs_leaves_and_a_withdrawn_consent_is_a_removal(shop: Shop) -> None:
    shop.people(a="tea", b="tea", c="tea", d="tea", refusing="d")
    first = run(shop.context())

    assert figures(first) == (3, 0, 0, 0)
    assert first.figures["audiences"]["regulars"]["refused"] == {"no consent at this moment": 1}
    assert shop.outbox()["ca"] == (False, '{"id":"ca","category":"tea","is_member":true}')
    assert shop.newest()["state"] == "ready"
    (health,) = shop.lake.ledger.read(DATA_HEALTH)
    assert [health[name] for name in ("source", "rows_in", "rows_accepted", "rows_quarantined")] == ["regulars", 4, 3, 1]
    before, plan_id = shop.counts(), shop.newest()["plan_id"]

    run(shop.context())

    assert (shop.counts(), shop.newest()["plan_id"]) == (before, plan_id)

    shop.sent()
    next_day = DAY + timedelta(1)
    shop.people(next_day, a="tea", b="tea", c="soup", e="bread", refusing="b")
    second = run(shop.context(next_day))

    assert figures(second) == (1, 1, 1, 1)
    assert shop.outbox() == {
        "cb": (True, '{"id":"cb","is_member":false}'),
        "cc": (False, '{"id":"cc","category":"soup","is_member":true}'),
        "ce": (False, '{"id":"ce","category":"bread","is_member":true}'),
    }
    assert shop.plans()[plan_id]["state"] == "superseded"

    # Somebody who is to be taken away, and is not, since a person gave that up: the next plan of the same day does it.
    shop.sent()
    shop.people(next_day, a="tea", c="soup", e="bread", refusing="a")
    run(shop.context(next_day))
    given_up = shop.newest()["plan_id"]
    shop.sent(state="cancelled")
    run(shop.context(next_day))

    assert shop.newest()["plan_id"] != given_up
    assert shop.outbox() == {"ca": (True, '{"id":"ca","is_member":false}')}
    assert shop.plans()[given_up]["state"] == "superseded"

    # What is no removal and was stopped is not planned again and again: what stopped it would do so each time.
    shop.people(next_day, a="tea", c="soup", e="bread", f="tea", refusing="a")
    shop.sent()
    run(shop.context(next_day))
    stopped = shop.newest()["plan_id"]
    shop.sent(state="cancelled")
    run(shop.context(next_day))

    assert shop.newest()["plan_id"] == stopped


def test_a_plan_in_parts_stands_and_a_new_one_takes_back_what_was_not_sent(shop: Shop) -> None:
    shop.people(a="tea", b="tea", c="tea")
    run(shop.context(approve_above=0))
    first = shop.newest()["plan_id"]
    approve(shop.lake, first, START + timedelta(hours=1, minutes=1))
    shop.sent("ca")
    shop.sent("cb", state="unknown")
    before = shop.counts()

    run(shop.context(approve_above=0))

    # b may be there: it is said again, by a plan of its own. All of it was approved before, so nobody is asked again.
    second = shop.newest()["plan_id"]
    assert (shop.newest()["state"], shop.newest()["reason"]) == ("approved", f"all of it was approved as {first}")
    assert second != first
    assert shop.outbox().keys() == {"cb", "cc"}
    cancelled = [row for row in shop.lake.ledger.read(ACTIVATION_LOG) if row["state"] == "cancelled"]
    assert [(row["reason"], row["destination"]) for row in cancelled] == [("no longer current", "files")]
    # This run had begun before the other ones were sent: what it says is the last that is said all the same.
    said = max(row["logged_at"] for row in shop.lake.ledger.read(ACTIVATION_LOG) if row["state"] != "cancelled")
    assert min(cancelled[0]["logged_at"], shop.newest()["logged_at"]) > said
    assert shop.counts()[0] == before[0] + 2

    shop.sent("cb")
    before = shop.counts()
    run(shop.context(approve_above=0))

    assert (shop.newest()["plan_id"], shop.counts()) == (second, before)

    # The same wish after another one in between: its deliveries were taken back, so it comes under another name.
    shop.people(a="tea", b="tea", c="soup")
    run(shop.context(approve_above=0))
    assert shop.newest()["state"] == "awaiting_approval"
    shop.people(a="tea", b="tea", c="tea")
    run(shop.context())

    assert len(shop.plans()) == 4
    assert shop.outbox().keys() == {"cc"}
    assert [row["state"] for row in shop.plans().values()].count("ready") == 1

    # A person says no to it: the same is not made again for this day.
    last = shop.newest()["plan_id"]
    reject_plan(shop.lake, shop.context().settings, last[:12])
    before = shop.counts()
    run(shop.context())

    assert (shop.newest()["plan_id"], shop.newest()["state"], shop.counts()) == (last, "rejected", before)

    # What is like it, as what is left once a part has gone, waits for that person; nothing slips by as another plan.
    shop.people(a="tea", b="tea", c="juice")
    run(shop.context())

    (next_one,) = [row for row in shop.plans().values() if row["state"] not in ("superseded", "rejected")]
    assert (next_one["state"], next_one["reason"]) == (
        "awaiting_approval",
        f"{last} of the same day was rejected by a person",
    )


def test_a_destination_is_planned_or_sent_to_and_never_both(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.people(a="tea", b="milk")
    context, counted, refused = shop.context(), PlanRows.counted, list[LeaseHeldError]()

    def while_it_is_counted(rows: PlanRows, *given: Any) -> Any:
        with pytest.raises(LeaseHeldError) as refusal, sending_lease(context.settings, shop.lake, "files", "a sender"):
            pass
        refused.append(refusal.value)
        return counted(rows, *given)

    monkeypatch.setattr(PlanRows, "counted", while_it_is_counted)
    with (
        sending_lease(context.settings, shop.lake, "files", "a sender"),
        pytest.raises(
            LeaseHeldError, match=r"Not planned, .*: regulars\. send_activation\.files is held by send_activation"
        ),
    ):
        run(context)
    assert (shop.counts(), refused) == ([0, 0, 0], [])

    run(context)

    assert len(refused) == 1
    assert shop.outbox().keys() == {"ca", "cb"}


def test_a_large_plan_waits_for_a_person_and_one_beyond_its_bounds_goes_nowhere(shop: Shop) -> None:
    shop.people(a="tea", b="tea", c="tea")
    run(shop.context(approve_above=2))
    waiting = shop.newest()

    assert (waiting["state"], waiting["reason"]) == ("awaiting_approval", "3 deliveries, approve_above is 2")
    assert len(shop.outbox()) == 3
    with pytest.raises(InputError, match="There is no plan plan_x"):
        approve(shop.lake, "plan_x", START)
    # The clock of whoever approves is behind: what they say counts all the same.
    approve(shop.lake, waiting["plan_id"], START - timedelta(days=1))
    run(shop.context(approve_above=2))

    assert (shop.newest()["plan_id"], shop.newest()["state"]) == (waiting["plan_id"], "approved")
    with pytest.raises(InputError, match="does not wait for approval: it is approved"):
        approve(shop.lake, waiting["plan_id"], START)

    shop.sent()
    before = shop.counts()
    shop.people(a="tea", b="tea", c="tea", refusing="bc")
    run(shop.context())

    assert (shop.newest()["state"], shop.newest()["reason"]) == (
        "stopped",
        "2 of 3 would be removed, bounds.max_removed_share is 0.5; "
        "among the removals 2 people who may not be told anything any more",
    )
    assert shop.counts()[0] == before[0]

    run(shop.context(bounds={"max_removed_share": 1}))

    assert shop.newest()["state"] == "ready"
    assert {key: removal for key, (removal, _) in shop.outbox().items()} == {"cb": True, "cc": True}


def test_who_withdrew_is_taken_away_also_by_a_plan_beyond_its_bounds(shop: Shop) -> None:
    shop.people(**dict.fromkeys("abcdefgh", "tea"))
    run(shop.context())
    shop.sent()
    # An outage: of most people no order is known any more. One of them, and one who has orders, withdrew.
    shop.people(**dict.fromkeys("abcdefgh", "tea"), i="tea", refusing="ab")
    beyond = {"audience": {"where": "person_id IN ('a', 'h', 'i')"}}

    result = run(shop.context(**beyond, approve_above=1))

    told = result.figures["audiences"]["regulars"]
    assert shop.newest()["state"] == "ready"
    assert {key: removal for key, (removal, _) in shop.outbox().items()} == {"ca": True, "cb": True}
    assert (told["added"], told["changed"], told["removed"], told["unchanged"]) == (0, 0, 2, 6)
    assert told["refused"] == {"no consent at this moment": 1, "the plan is beyond its bounds": 1}
    assert told["reason"] == (
        "7 of 8 would be removed, bounds.max_removed_share is 0.5; "
        "only 2 people who may not be told anything any more are taken away"
    )
    (health,) = [row for row in shop.lake.ledger.read(DATA_HEALTH) if row["rows_in"] == 3]
    assert (health["balanced"], health["rows_accepted"], health["rows_quarantined"]) == (True, 2, 1)
    assert "nothing else leaves; look at it with `personalake activation plan plan_" in result.message
    before = shop.counts()

    run(shop.context(**beyond))
    assert shop.counts() == before
    shop.sent()
    run(shop.context(**beyond, bounds={"max_removed_share": 1}))

    assert {key: removal for key, (removal, _) in shop.outbox().items()} == {
        **{f"c{p}": True for p in "cdefg"},
        "ci": False,
    }


def test_who_withdrew_is_taken_away_also_where_only_what_changed_is_looked_at(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [f"{number:02}" for number in range(24)]
    shop.people(**dict.fromkeys(known, "tea"))
    run(shop.context())
    shop.sent()
    shop.people(**dict.fromkeys(known, "tea"))
    orders = [{"person_id": p, "customer_id": f"c{p}", "orders": 2 if p > "02" else 1, "favourite_category": "tea",
               "as_of": DAY} for p in known]  # fmt: skip
    write(shop.lake, CUSTOMER_PROFILE, orders)
    consents = [{"person_id": p, "purpose": "personalisation", "status": "granted"} for p in known if p not in ("02", "23")]
    write(shop.lake, CONSENT_CURRENT, consents)
    monkeypatch.setattr("personalake.pipelines.plan_audiences.in_spark", lambda rows: pytest.fail("everybody is looked at"))

    run(shop.context(bounds={"max_removed": 3, "max_removed_share": 1}))

    assert {key: removal for key, (removal, _) in shop.outbox().items()} == {"c02": True, "c23": True}
    assert shop.newest()["reason"].startswith("4 removals, bounds.max_removed is 3; only 2 people")


def test_who_is_another_person_by_now_has_not_withdrawn_and_who_refuses_what_was_decided_has(shop: Shop) -> None:
    rows = [{"person_id": p, "customer_id": f"c{p[0]}", "orders": 2, "favourite_category": "tea", "as_of": DAY}
            for p in ("a", "b2", *"cdefgh")]  # fmt: skip
    shop.people(**dict.fromkeys("abcdefgh", "tea"))
    run(shop.context())
    shop.sent()
    # One person was two all along, and all consent; an outage leaves a few of them in the audience.
    write(shop.lake, CUSTOMER_PROFILE, rows)
    granted = [{"person_id": row["person_id"], "purpose": "personalisation", "status": "granted"} for row in rows]
    write(shop.lake, CONSENT_CURRENT, granted)

    run(shop.context(audience={"where": "person_id IN ('a', 'h')"}))

    assert (shop.newest()["state"], shop.newest()["reason"]) == (
        "stopped",
        "6 of 8 would be removed, bounds.max_removed_share is 0.5",
    )
    decided = {"audience": {"decisions": {}}, "bounds": {"max_removed": 1, "max_removed_share": 1}}
    shop.people(**dict.fromkeys("abcd", "tea"))

    def decide(people: str, refusing: str = "") -> None:
        kept = {"as_of": DAY, "action": "x", "channel": "email", "purpose": "offers", "status": "act"}
        write(shop.lake, DECISION, [{"decision_id": f"d{p}", "person_id": p, **kept} for p in people])
        statuses = {p: "withdrawn" if p in refusing else "granted" for p in "abcd"}
        offers = [{"person_id": p, "purpose": "offers", "status": status} for p, status in statuses.items()]
        write(shop.lake, CONSENT_CURRENT, [*granted, *offers])

    decide("abcd")
    run(shop.context(**{**decided, "bounds": {"max_removed_share": 1}}))
    shop.sent()
    # Of two that would go one refuses what the decision is for, and all still grant what the sync asks for.
    decide("ad", refusing="a")
    run(shop.context(**decided))

    assert {key: removal for key, (removal, _) in shop.outbox().items()} == {"ca": True}


def test_who_withdrew_is_taken_away_at_once_where_the_rest_waits_for_a_person(shop: Shop) -> None:
    people, apart = dict.fromkeys("abcdefgh", "tea"), {"approve_above": 2}
    shop.people(**people)
    run(shop.context())
    shop.sent()
    # Two withdrew, one has left the audience, two have something new.
    changed = {**people, "g": "soup", "h": "soup"}
    audience = {"audience": {"where": "person_id != 'c'"}}
    shop.people(**changed, refusing="ab")

    result = run(shop.context(**apart, **audience))

    gone, waiting = shop.standing("ready"), shop.standing("awaiting_approval")
    told = result.figures["audiences"]["regulars"]
    assert {key: removal for key, (removal, _) in shop.outbox(gone).items()} == {"ca": True, "cb": True}
    assert {key: removal for key, (removal, _) in shop.outbox(waiting).items()} == {"cc": True, "cg": False, "ch": False}
    assert shop.plans()[waiting]["reason"] == (
        "3 deliveries, approve_above is 2; "
        f"2 people who may not be told anything any more are taken away all the same, by {gone}"
    )
    assert (told["plan_id"], told["withdrawals"]) == (waiting, {"plan_id": gone, "state": "ready", "removed": 2})
    assert (told["changed"], told["removed"], told["unchanged"]) == (2, 1, 5)
    before = shop.counts()

    # The same again is the same, also while the one has left, in part and in doubt, and the other one waits.
    run(shop.context(**apart, **audience))
    assert shop.counts() == before
    shop.sent("ca")
    shop.sent("cb", state="unknown")
    run(shop.context(**apart, **audience))
    again = shop.standing("ready")
    assert shop.outbox(again).keys() == {"cb"}
    assert shop.standing("awaiting_approval") == waiting
    assert "cancelled" not in shop.states()

    # Once they are gone, and a person has agreed, the rest leaves as it was seen.
    shop.sent("cb")
    run(shop.context(**apart, **audience))
    assert shop.standing("awaiting_approval") == waiting
    approve(shop.lake, waiting, START + timedelta(days=1))
    # Of what is approved, who withdraws meanwhile is taken away as well.
    shop.people(**changed, refusing="abd")
    run(shop.context(**apart, **audience))
    assert shop.standing("approved") == waiting
    assert shop.outbox(shop.standing("ready")).keys() == {"cd"}
    shop.sent()
    assert figures(run(shop.context(**apart, **audience))) == (0, 0, 0, 4)


def test_who_withdrew_is_taken_away_also_on_a_day_on_which_a_person_said_no(shop: Shop) -> None:
    people = dict.fromkeys("abcdefgh", "tea")
    shop.people(**people)
    run(shop.context())
    shop.sent()
    changed = {**people, "h": "soup"}
    audience = {"audience": {"where": "person_id != 'c'"}}
    shop.people(**changed, refusing="ab")
    run(shop.context(**audience))
    no = shop.standing("ready")
    reject_plan(shop.lake, shop.context().settings, no)

    run(shop.context(**audience))

    gone, waiting = shop.standing("ready"), shop.standing("awaiting_approval")
    assert shop.outbox(gone).keys() == {"ca", "cb"}
    assert shop.outbox(waiting).keys() == {"cc", "ch"}
    assert f"{no} of the same day was rejected by a person; 2 people" in shop.plans()[waiting]["reason"]

    # A no to the rest keeps nobody from going; a no to those who withdrew lasts as long as the day.
    reject_plan(shop.lake, shop.context().settings, waiting)
    run(shop.context(**audience))
    assert (shop.standing("ready"), shop.plans()[waiting]["state"]) == (gone, "rejected")
    reject_plan(shop.lake, shop.context().settings, gone)
    before = shop.counts()
    message = run(shop.context(**audience)).message
    assert shop.counts() == before
    assert f"of 2 people who may not be told anything any more, {gone} was rejected by a person" in message
    next_day = DAY + timedelta(1)
    shop.people(next_day, **changed, refusing="ab")
    run(shop.context(next_day, **audience))
    assert shop.outbox(shop.standing("ready")).keys() == {"ca", "cb", "cc", "ch"}


@pytest.mark.parametrize("schedule", ["weekly on friday", "on demand"])
def test_who_withdrew_is_taken_away_also_on_days_on_which_the_sync_is_not_due(shop: Shop, schedule: str) -> None:
    people, next_day = dict.fromkeys("abcdefgh", "tea"), DAY + timedelta(1)
    of_sync = {"schedule": schedule, "audience": {"where": "person_id != 'c'"}}
    asked = {"sync": "regulars"} if schedule == "on demand" else {}
    shop.people(**people)
    run(shop.context(DAY, asked, schedule=schedule))
    shop.sent("ca", "cb", "cc", "cd", "ce", "cf", "cg")
    first = shop.standing("ready")

    # Nobody withdrew: nothing is planned, though one has left and one has something new.
    changed = {**people, "d": "soup"}
    shop.people(next_day, **changed)
    before = shop.counts()
    assert "audiences" not in run(shop.context(next_day, **of_sync)).figures
    assert shop.counts() == before

    # Two withdrew, of whom the destination holds one; what the last plan has not sent yet stays as it is.
    shop.people(next_day, **changed, refusing="ah")
    told = run(shop.context(next_day, **of_sync))
    (gone,) = set(shop.plans()) - {first}
    assert {key: removal for key, (removal, _) in shop.outbox(gone).items()} == {"ca": True}
    assert (shop.plans()[gone]["mode"], shop.plans()[gone]["state"]) == ("withdrawals", "ready")
    assert shop.plans()[gone]["reason"] == "only people who may not be told anything any more: the sync is not due"
    assert figures(told) == (0, 0, 1, 5)
    assert told.figures["audiences"]["regulars"]["refused"] == {"no consent at this moment": 2, "the sync is not due": 1}
    assert shop.plans()[first]["state"] == "ready"
    assert "cancelled" not in shop.states()
    before = shop.counts()
    run(shop.context(next_day, **of_sync))
    assert shop.counts() == before

    # Who thinks better of it before it has left is not taken away.
    shop.people(next_day, **changed, refusing="h")
    run(shop.context(next_day, **of_sync))
    (row,) = [row for row in shop.lake.ledger.read(ACTIVATION_LOG) if row["state"] == "cancelled"]
    assert [
        one["sync_key"] for one in shop.lake.ledger.read(ACTIVATION_OUTBOX) if one["delivery_id"] == row["delivery_id"]
    ] == ["ca"]
    before = shop.counts()
    run(shop.context(next_day, **of_sync))
    assert shop.counts() == before

    # When its day comes all the rest is said, too.
    week = DAY + timedelta(7)
    shop.people(week, **changed, refusing="ah")
    run(shop.context(week, asked, **of_sync))
    assert {key: removal for key, (removal, _) in shop.outbox(shop.standing("ready")).items()} == {
        "ca": True, "cc": True, "cd": False,
    }  # fmt: skip


def test_who_withdraws_after_a_plan_on_demand_was_sent_is_taken_away_the_same_day(shop: Shop) -> None:
    people = dict.fromkeys("abcd", "tea")
    shop.people(**people)
    run(shop.context(DAY, {"sync": "regulars"}, schedule="on demand"))
    shop.people(**people, refusing="b")
    before = shop.counts()

    # What is planned has still to leave: the last look at it heeds who withdrew.
    run(shop.context(schedule="on demand"))
    assert shop.counts() == before
    full = shop.standing("ready")
    shop.sent()
    run(shop.context(schedule="on demand"))

    (gone,) = {name for name, row in shop.plans().items() if row["state"] == "ready"} - {full}
    assert {key: removal for key, (removal, _) in shop.outbox(gone).items()} == {"cb": True}


def test_withdrawals_of_a_sync_that_is_not_due_are_kept_within_its_bounds(shop: Shop) -> None:
    people, next_day = dict.fromkeys("abcd", "tea"), DAY + timedelta(1)
    shop.people(**people)
    run(shop.context(schedule="weekly on friday"))
    shop.sent()
    shop.people(next_day, **people, refusing="abc")

    told = run(shop.context(next_day, schedule="weekly on friday"))

    assert told.figures["audiences"]["regulars"]["state"] == "stopped"
    assert "3 of 4 would be removed, bounds.max_removed_share is 0.5; only people who may not" in told.message
    assert len(shop.lake.ledger.read(ACTIVATION_OUTBOX)) == 4


def test_who_is_held_out_is_on_record_as_not_sent_once_and_never_leaves(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.people(a="tea", b="tea")
    decisions = DecisionSettings(holdout=Holdout(share=1))

    def held_out(day: date = DAY) -> JobContext:
        context = shop.context(day, holdout=True)
        return replace(context, settings=context.settings.model_copy(update={"decisions": decisions}))

    with monkeypatch.context() as broken:
        broken.setattr(Lake, "add", dying_at(ACTIVATION_OUTBOX))
        with pytest.raises(KeyboardInterrupt):
            run(held_out())
    run(held_out())
    shop.people(DAY + timedelta(1), b="tea", c="tea")
    run(held_out(DAY + timedelta(1)))

    rows = shop.lake.ledger.read(ACTIVATION_OUTBOX)
    assert sorted((row["person_id"], row["operation"], row["sync"], row["payload"], row["plan_id"]) for row in rows) == [
        (person, "holdout", "regulars", None, None) for person in "abc"
    ]
    log = {row["delivery_id"]: (row["state"], row["reason"]) for row in shop.lake.ledger.read(ACTIVATION_LOG)}
    assert log == {row["delivery_id"]: ("cancelled", "not sent (holdout)") for row in rows}


def dying_at(place: Table) -> Callable[..., Any]:
    """A run that is killed before it adds rows to a table."""
    add = Lake.add

    def dying(self: Lake, rows: Any, table: Table) -> Any:
        if table is place and rows:
            raise KeyboardInterrupt
        return add(self, rows, table)

    return dying


def test_a_dry_run_shows_what_would_leave_without_whom_and_writes_nothing(shop: Shop) -> None:
    shop.people(a="tea")
    context = shop.context(options={"sync": "regulars"}, schedule="on demand")
    dry = replace(context, lake=Lake(context.lake.locations, lambda: context.lake.spark, dry_run=True))

    result = run(dry)

    found = result.figures["audiences"]["regulars"]
    assert found["samples"] == [{"change": "added", "payload": {"id": "c…", "category": "t…", "is_member": True}}]
    assert (found["added"], found["calls"], found["bytes"], found["state"]) == (1, 1, 45, "ready")
    assert shop.counts() == [0, 0, 0]
    assert not run(shop.context(schedule="on demand")).figures
    with pytest.raises(ConfigError, match="no enabled sync of that name"):
        run(shop.context(options={"sync": "others"}))


def test_of_an_audience_that_became_too_small_those_who_left_are_taken_away_and_nothing_is_said(shop: Shop) -> None:
    shop.people(a="tea", b="tea", c="tea")
    run(shop.context())
    shop.sent()
    shop.people(a="soup", b="tea", c="tea", refusing="bc")

    told = run(shop.context(min_people=2, bounds={"max_removed_share": 1})).figures["audiences"]["regulars"]

    assert {key: removal for key, (removal, _) in shop.outbox().items()} == {"cb": True, "cc": True}
    assert (told["state"], told["added"], told["changed"], told["removed"]) == ("ready", 0, 0, 2)
    assert told["refused"]["too few people"] == 1


def test_a_template_says_to_each_person_what_is_known_of_them_or_the_row_is_refused(shop: Shop) -> None:
    said = {"kind": "generic", "fallbacks": {"first_name": "you"}, "locales": {
        "en": {"values": {"category": "{{ favourite_category|title }} for {{ first_name }}"}},
        "de": {"values": {"category": "{{ favourite_category|title }} für {{ first_name }}"}},
    }}  # fmt: skip
    shop.people(a="tea", b="tea", c="tea", d="tea", refusing="d")
    write(shop.lake, CUSTOMER_PROFILE, [
        {"person_id": p, "customer_id": f"c{p}", "orders": 2, "favourite_category": category, "as_of": DAY,
         "preferences": [("language", language)]}
        for p, category, language in (("a", "tea", "de-AT"), ("b", "tea", "fr"), ("c", None, "en"), ("d", "tea", "en"))
    ])  # fmt: skip
    write(shop.lake, PERSON, [{"person_id": "a", "first_name": "Ann"}])
    sync = {"template": "hello", "locale": "preferences['language']", "fields": {}, "mode": "upsert", "membership": None}

    result = run(shop.context(templates={"hello": said}, **sync))
    first = shop.outbox()
    shop.sent()
    again = run(shop.context(templates={"hello": said}, **sync)).figures["audiences"]["regulars"]

    assert {key: json.loads(payload) for key, (_, payload) in first.items()} == {
        "ca": {"id": "ca", "category": "Tea für Ann"},
        "cb": {"id": "cb", "category": "Tea for you"},
    }
    assert result.figures["audiences"]["regulars"]["refused"] == {
        "favourite_category is missing, and values.category has no fallback for it": 1,
        "no consent at this moment": 1,
    }
    assert (again["unchanged"], again["added"], again["changed"]) == (2, 0, 0)


AUDIENCES: list[tuple[dict[str, Any], str, set[tuple[str, Any]]]] = [
    ({"segment": {"scheme": "rfm", "name": "Lost"}}, "rfm_segment", {("a", "Lost")}),
    ({"decisions": {"channels": ["email"]}}, "action", {("a", "coupon")}),
    ({"query": "SELECT person_id FROM gold.segment_membership WHERE segment <> 'Lost'"}, "email", {("b", "b@x.org")}),
    ({"where": "email LIKE 'b%' AND days_since_last_order = 7"}, "days_since_last_order", {("b", 7)}),
]


def test_a_device_that_is_gone_is_known_by_its_hash_when_a_push_is_planned(shop: Shop) -> None:
    context = shop.context()
    sync = context.settings.audiences["regulars"].model_copy(update={"key_field": None})
    of_push: Any = SimpleNamespace(context=context, asked=SimpleNamespace(sync=sync), connection=connection_of("fcm"))
    of_users = SimpleNamespace(**{**vars(of_push), "connection": connection_of("onesignal")})
    keys = shop.lake.spark.createDataFrame([("t-old",), ("t-new",), ("t-once",)], "key string")
    assert keys.transform(with_gone(of_push)).columns == ["key"]
    key, past = erasure_key(context.settings, shop.lake.locations), context.run_started_at - timedelta(1)
    gone = [("device_token|t-old", None), ("user_alias|files/external_id/t-new", None),
            ("user_alias|files/external_id/t-once", past)]  # fmt: skip
    write(shop.lake, SUPPRESSION, [
        {"suppression_id": name, "identifier_hash": keyed_hash_of(key, name), "reason": "unregistered", "until": until}
        for name, until in gone
    ])  # fmt: skip

    rows = keys.transform(with_gone(of_push)).collect()
    users = keys.transform(with_gone(of_users)).collect()  # type: ignore[arg-type]

    assert {row["key"] for row in rows if row["is_gone"]} == {"t-old"}
    assert {row["key"] for row in users if row["is_gone"]} == {"t-new"}


def test_who_cannot_be_reached_on_the_channel_is_not_planned_whatever_the_sync_asks_for(shop: Shop) -> None:
    shop.people(a="tea", b="tea", c="tea", d="tea")
    day = timedelta(1)
    write(shop.lake, SUPPRESSION, [
        {"suppression_id": person, "person_id": person, "scope": scope, "since": START - since, "until": until}
        for person, scope, since, until in (
            ("a", "email", day, None), ("b", "push", day, None), ("c", "email", 2 * day, START - day)
        )
    ])  # fmt: skip
    context = shop.context()

    def grants(kind: str) -> tuple[set[str], set[str]]:
        """By Spark, and by DuckDB for the few of whom something changed."""
        connection, sync = connection_of(kind), context.settings.audiences["regulars"]
        planning: Any = SimpleNamespace(
            context=context, asked=SimpleNamespace(sync=sync), connection=connection,
            consents=lambda: shop.lake.read(CONSENT_CURRENT),
        )  # fmt: skip
        with duckdb.connect(":memory:") as opened:
            now = (sync.purposes, context.run_started_at, channel_of(connection))
            lay_out_consents(opened, shop.lake.ledger, context.settings, *now)
            opened.execute("CREATE TABLE anybody AS SELECT person_id FROM granted")
            few = set(allowed_now(opened, "anybody")["person_id"].to_pylist())
        return {row["person_id"] for row in allowed(planning).collect()}, few

    assert grants("email") == ({"b", "c", "d"}, {"b", "c", "d"})
    assert grants("fcm") == ({"a", "c", "d"}, {"a", "c", "d"})
    assert grants("segment") == ({*"abcd"}, {*"abcd"})


def test_each_order_is_said_once_with_its_products_and_what_came_back_is_not(shop: Shop) -> None:
    shop.people(a="tea", b="tea")
    write(shop.lake, PERSON_LINK, [{"namespace": "shop", "value": p, "person_id": p} for p in "ab"])
    write(
        shop.lake, CATALOG_ITEM, [{"product_id": "p1", "name": "Tea", "category": "Drinks", "record_id": "1", "source": "s"}]
    )
    bought = [("a", "o1", "p1", "2", "4.50", 1), ("a", "o1", "p2", "0.500", "3.00", 1), ("b", "o2", "p1", "1", "2.25", 9),
              ("b", "o3", "p1", "1", "2.25", 1)]  # fmt: skip
    lines = [
        {"event_id": f"e{place}", "order_id": order, "namespace": "shop", "customer_id": who, "product_id": product,
         "quantity": Decimal(quantity), "amount": Decimal(amount), "currency": "EUR", "is_return": order == "o3",
         "occurred_at": START - timedelta(days=days)}
        for place, (who, order, product, quantity, amount, days) in enumerate(bought)
    ]  # fmt: skip
    write(shop.lake, ORDER_LINE, lines)
    of_orders = {"audience": {"orders": {"days": 7}}, "mode": "insert", "membership": None, "destination": "files"}
    whole = {**of_orders, "fields": {"category": "to_json(products)"}}

    first = run(shop.context(**whole))
    said = shop.outbox()
    shop.sent()
    again = run(shop.context(DAY, **whole))

    assert figures(first) == (1, 0, 0, 0)
    ((key, (_, payload)),) = said.items()
    assert key == "ca\x1fo1\x1fEUR"
    row = json.loads(payload)
    assert (row["id"], json.loads(row["category"])) == ("ca", [
        {"product_id": "p1", "name": "Tea", "category": "Drinks", "quantity": 2, "price": 2.25},
        {"product_id": "p2", "name": "p2", "quantity": 1, "price": 3.0},
    ])  # fmt: skip
    assert figures(again) == (0, 0, 0, 1)
    each = shop.context(
        **{**of_orders, "audience": {"orders": {"days": 9, "each": "product"}}, "fields": {"category": "price"}}
    )
    products = people(each, each.settings.audiences["regulars"])
    assert {(row["line_id"], row["price"]) for row in products.collect()} == {("e0", 2.25), ("e1", 3.0), ("e2", 2.25)}


def test_an_order_in_two_currencies_is_said_for_each_and_orders_of_nobody_are_counted_as_such(shop: Shop) -> None:
    shop.people(a="tea", b="tea", refusing="b")
    write(shop.lake, PERSON_LINK, [{"namespace": "shop", "value": p, "person_id": p} for p in "ab"])
    bought = [("a", "o1", "EUR"), ("a", "o1", "SEK"), ("b", "o2", "EUR"), (None, "o3", "EUR"), (None, "o3", "EUR"),
              ("z", "o4", "EUR")]  # fmt: skip
    lines = [
        {"event_id": f"e{place}", "order_id": order, "namespace": who and "shop", "customer_id": who, "product_id": "p1",
         "quantity": Decimal(1), "amount": Decimal("4.50"), "currency": currency, "is_return": False,
         "occurred_at": START - timedelta(days=1)}
        for place, (who, order, currency) in enumerate(bought)
    ]  # fmt: skip
    write(shop.lake, ORDER_LINE, lines)
    of_orders = {"mode": "insert", "membership": None, "destination": "files", "fields": {"category": "currency"}}

    result = run(shop.context(**of_orders, audience={"orders": {"days": 7}}))

    said = {key: json.loads(payload)["category"] for key, (_, payload) in shop.outbox().items()}
    assert said == {"ca\x1fo1\x1fEUR": "EUR", "ca\x1fo1\x1fSEK": "SEK"}
    assert result.figures["audiences"]["regulars"]["refused"] == {"no consent at this moment": 1, "no person": 2}
    assert "(no person 2, no consent at this moment 1)" in result.message
    (health,) = [row for row in shop.lake.ledger.read(DATA_HEALTH) if row["source"] == "regulars"]
    assert (health["rows_in"], health["rows_accepted"], health["balanced"]) == (5, 2, True)
    assert dict(health["reasons"]) == {"no consent at this moment": 1, "no person": 2}
    (status,) = sent_so_far(shop.lake.ledger)
    assert status.reasons == {("refused", "no consent at this moment"): 1, ("refused", "no person"): 2}
    # Two orders of one person are no audience of two.
    few = run(shop.context(**of_orders, audience={"orders": {"days": 7}}, min_people=2)).figures["audiences"]["regulars"]
    assert (few["state"], few["reason"]) == ("stopped", "1 people may be sent, min_people is 2")
    assert without_person(shop.context(), OrderAudience(days=7, each="product")) == 3


def test_an_audience_is_a_condition_a_query_a_segment_or_decisions(shop: Shop) -> None:
    week = timedelta(7)
    write(shop.lake, CUSTOMER_PROFILE, [{"person_id": p, "last_order_date": DAY - week, "as_of": DAY} for p in "ab"])
    write(shop.lake, PERSON, [{"person_id": p, "email": f"{p}@x.org"} for p in "ab"])
    segments = [("a", "Lost", DAY), ("b", "Loyal", DAY), ("b", "Lost", DAY - week), ("a", "Loyal", DAY - week)]
    write(
        shop.lake,
        SEGMENT_MEMBERSHIP,
        [{"person_id": p, "scheme": "rfm", "segment": segment, "as_of": day} for p, segment, day in segments],
    )
    decided = [("a", "email", "act"), ("b", "push", "act"), ("c", "email", "holdout")]
    write(
        shop.lake,
        DECISION,
        [
            {"decision_id": p, "person_id": p, "as_of": DAY, "action": "coupon", "channel": channel, "status": status}
            for p, channel, status in decided
        ],
    )
    for audience, column, expected in AUDIENCES:
        context = shop.context(audience=audience, fields={"category": column}, mode="upsert")

        found = people(context, context.settings.audiences["regulars"])

        assert {(row["person_id"], row[column]) for row in found.collect()} == expected
