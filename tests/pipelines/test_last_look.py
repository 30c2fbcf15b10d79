"""The last look before sending: what changed since the plan keeps a delivery here, with the reason."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import write_deltalake

from personalake.activation.delivery import Delivery
from personalake.common.hashing import keyed_hash_of
from personalake.config import Settings
from personalake.errors import InputError
from personalake.lake import Lake
from personalake.pipelines import last_look
from personalake.pipelines.approve_plan import approve_plan
from personalake.pipelines.caps_now import READ_BY_PEOPLE
from personalake.pipelines.last_look import LastLook
from personalake.pipelines.privacy_key import erasure_key
from personalake.tables.erasure import ERASURE_ASKED
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN
from personalake.tables.identity import PERSON
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, PERSON_LINK
from tests.activation.doubles import FakeClock
from tests.activation.matrix import CASES, TodaysClock
from tests.pipelines.outbox_rows import PLANNED_AT, PURPOSE, a_lake, answered, changed, planned, settings

SEGMENT = CASES["segment"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return a_lake(tmp_path / "lakehouse")


def test_who_asks_to_be_forgotten_or_is_somebody_else_by_now_is_not_reached_and_is_taken_out_all_the_same(
    lake: Lake,
) -> None:
    planned(lake, SEGMENT, 8)
    deliveries = [replace(one, purposes=(PURPOSE,), plan_id="plan-1") for one in SEGMENT.deliveries(8)]
    requests = [("n", "p1", True), ("n", "p0", False), ("other", "p0", True), ("email", " P2@Example.com", True)]
    lake.ledger.append(
        ERASURE_ASKED, [{"namespace": kind, "customer_id": value, "is_verified": sure} for kind, value, sure in requests]
    )
    lake.ledger.append(PERSON_LINK, [{"namespace": "email", "value": "p2@example.com", "person_id": "p2"}])
    with LastLook(lake.ledger, [], TodaysClock(), 0, settings(lake, {})) as look:
        before = look(deliveries)
        kept = lake.ledger.arrow(PERSON_LINK, where=[("person_id", "!=", "p3")])
        write_deltalake(lake.locations.table(PERSON_LINK), kept, mode="overwrite")
        after = look(deliveries)
        removals = look([replace(one, removal=True) for one in deliveries])

    forgotten = dict.fromkeys(("d002", "d003", "d004", "d005"), "asked to be forgotten")
    assert before == forgotten
    assert after == forgotten | dict.fromkeys(("d006", "d007"), "no longer known")
    assert removals == {}


def test_who_is_found_to_be_one_who_asked_to_be_forgotten_is_not_reached(lake: Lake) -> None:
    planned(lake, SEGMENT, 4)
    deliveries = [replace(one, purposes=(PURPOSE,), plan_id="plan-1") for one in SEGMENT.deliveries(4)]
    asked = {"namespace": "email", "customer_id": "ann@example.com", "is_verified": True}
    lake.ledger.append(ERASURE_ASKED, [asked])
    with LastLook(lake.ledger, [], TodaysClock(), 0, settings(lake, {})) as look:
        before = look(deliveries)
        lake.ledger.append(PERSON_LINK, [{"namespace": "email", "value": "ann@example.com", "person_id": "p1"}])
        after = look(deliveries)

    assert (before, after) == ({}, dict.fromkeys(("d002", "d003"), "asked to be forgotten"))


def test_what_is_said_while_tables_are_read_is_heard_by_the_next_look(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(lake, SEGMENT, 4)
    deliveries = [replace(one, purposes=(PURPOSE,), plan_id="plan-1") for one in SEGMENT.deliveries(4)]
    reading, lay_out = last_look.lay_out_granted, [lambda: answered(lake, ["p1"], "withdrawn")]

    def withdrawn_right_after(*given: Any) -> None:
        reading(*given)
        while lay_out:
            lay_out.pop()()

    monkeypatch.setattr(last_look, "lay_out_granted", withdrawn_right_after)
    with LastLook(lake.ledger, [], TodaysClock(), 0, settings(lake, {})) as look:
        first, second = look(deliveries), look(deliveries)

    assert (first, second) == ({}, dict.fromkeys(("d002", "d003"), "no consent at this moment"))


def test_a_consent_that_ends_while_a_run_sends_counts_for_minutes_and_no_longer(lake: Lake) -> None:
    planned(lake, SEGMENT, 2)
    deliveries = [replace(one, purposes=(PURPOSE,), plan_id="plan-1") for one in SEGMENT.deliveries(2)]
    clock = FakeClock()
    lake.ledger.append(
        CONSENT,
        [{"record_id": "r", "namespace": "n", "customer_id": "p0", "purpose": PURPOSE, "status": "granted",
          "occurred_at": PLANNED_AT, "known_at": PLANNED_AT, "expires_at": PLANNED_AT + timedelta(seconds=60)}],
    )  # fmt: skip

    told = []
    with LastLook(lake.ledger, [], clock, 0, settings(lake, {})) as look:
        for clock.seconds in (0.0, 299.0, 300.0):
            told.append(look(deliveries))
    for clock.seconds in (59.9, 60.0):
        with LastLook(lake.ledger, [], clock, 0, settings(lake, {})) as look:
            told.append(look(deliveries))

    ended = dict.fromkeys(("d000", "d001"), "no consent at this moment")
    assert told == [{}, {}, ended, {}, ended]


def test_who_holds_a_suppressed_address_by_now_is_not_reached_though_only_its_hash_is_known(lake: Lake) -> None:
    planned(lake, SEGMENT, 4)
    deliveries = [replace(one, purposes=(PURPOSE,), plan_id="plan-1") for one in SEGMENT.deliveries(4)]
    known = settings(lake, {})
    hashed = keyed_hash_of(erasure_key(known, lake.locations), "email|ann@example.com")
    with LastLook(lake.ledger, [], TodaysClock(), 0, known) as look:
        before = look(deliveries)
        lake.ledger.append(
            SUPPRESSION,
            [{"since": PLANNED_AT, "namespace": "email", "identifier_hash": hashed, "scope": "all", "suppression_id": "s"}],
        )
        nobody_has_it = look(deliveries)
        lake.ledger.append(PERSON_LINK, [{"namespace": "email", "value": " Ann@Example.com", "person_id": "p1"}])
        after = look(deliveries)

    assert (before, nobody_has_it) == ({}, {})
    assert after == {"d002": "suppressed", "d003": "suppressed"}


def test_an_address_that_refuses_or_is_suppressed_is_written_to_for_none_of_those_who_share_it(lake: Lake) -> None:
    planned(lake, SEGMENT, 8)  # two deliveries for each of four people
    deliveries = [replace(one, purposes=(PURPOSE,), plan_id="plan-1") for one in SEGMENT.deliveries(8)]
    known = settings(lake, {})
    people = {"p0": "fam@x.example", "p1": "fam@x.example", "p2": "two@x.example", "p3": "two@x.example"}
    lake.ledger.append(PERSON, [{"person_id": who, "email": address} for who, address in people.items()])
    owned = [("fam@x.example", "p0"), ("two@x.example", "p2")]
    lake.ledger.append(PERSON_LINK, [{"namespace": "email", "value": value, "person_id": who} for value, who in owned])
    refusal = {"namespace": "email", "customer_id": "Fam@X.example", "purpose": PURPOSE, "status": "withdrawn"}
    hashed = keyed_hash_of(erasure_key(known, lake.locations), "email|two@x.example")
    bounced = {"namespace": "email", "identifier_hash": hashed, "scope": "email", "reason": "hard_bounce"}

    with LastLook(lake.ledger, [], TodaysClock(), 0, known) as look:
        before = look(deliveries)
        lake.ledger.append(CONSENT, [{**refusal, "record_id": "r", "occurred_at": PLANNED_AT, "known_at": PLANNED_AT}])
        refused = look(deliveries)
        lake.ledger.append(SUPPRESSION, [{**bounced, "since": PLANNED_AT, "suppression_id": "s"}])
        both = look(deliveries)

    of_family = dict.fromkeys(("d000", "d001", "d002", "d003"), "no consent at this moment")
    assert (before, refused) == ({}, of_family)
    assert both == of_family | dict.fromkeys(("d004", "d005", "d006", "d007"), "suppressed")


def test_a_user_whom_one_app_does_not_know_is_left_alone_there_and_for_a_while(lake: Lake) -> None:
    planned(lake, SEGMENT, 6)
    for plan, destination in (("at-app", "app"), ("elsewhere", "other")):
        row = {"plan_id": plan, "destination": destination, "state": "ready", "logged_at": PLANNED_AT}
        lake.ledger.append(ACTIVATION_PLAN, [row])
    texts = [
        ('{"include_aliases": {"external_id": ["u1"]}}', "at-app"),
        ('{"alias_label": "external_id", "alias_id": "u1", "properties": {}}', "at-app"),
        ('{"include_aliases": {"external_id": ["u1"]}}', "elsewhere"),
        ('{"include_aliases": {"crm": ["u1"]}}', "at-app"),
        ('{"include_aliases": {"external_id": ["u2"]}}', "at-app"),
        ('{"include_aliases": {"external_id": ["u3"]}}', "at-app"),
    ]
    given = [
        replace(one, payload=text, purposes=(PURPOSE,), plan_id=plan)
        for one, (text, plan) in zip(SEGMENT.deliveries(6), texts, strict=True)
    ]
    known, clock = settings(lake, {}), TodaysClock()
    key = erasure_key(known, lake.locations)
    ends = {"u1": clock.now() + timedelta(1), "u2": clock.now() - timedelta(1)}
    lake.ledger.append(SUPPRESSION, [
        {"suppression_id": user, "identifier_hash": keyed_hash_of(key, f"user_alias|app/external_id/{user}"),
         "scope": "user", "reason": "unregistered", "since": PLANNED_AT, "until": until}
        for user, until in ends.items()
    ])  # fmt: skip

    with LastLook(lake.ledger, [], clock, 0, known) as look:
        assert look(given) == {"d000": "suppressed", "d001": "suppressed"}


def test_a_device_that_is_gone_is_sent_nothing_and_the_person_is_by_another(lake: Lake) -> None:
    planned(lake, SEGMENT, 4)
    texts = ['{"token": "t-old"}', '{"token": "t-new"}', '{"include_subscription_ids": ["t-old"]}', '{"no": "token"']
    given = [
        replace(one, payload=text, purposes=(PURPOSE,), plan_id="plan-1")
        for one, text in zip(SEGMENT.deliveries(4), texts, strict=True)
    ]
    known = settings(lake, {})
    hashed = keyed_hash_of(erasure_key(known, lake.locations), "device_token|t-old")
    gone = {"since": PLANNED_AT, "namespace": "device_token", "identifier_hash": hashed, "scope": "push"}
    lake.ledger.append(SUPPRESSION, [{**gone, "reason": "unregistered", "suppression_id": "s"}])
    lake.ledger.append(PERSON_LINK, [{"namespace": "device_token", "value": "t-old", "person_id": "p0"}])

    with LastLook(lake.ledger, [], TodaysClock(), 0, known) as look:
        assert look(given) == {"d000": "suppressed", "d002": "suppressed"}


VIP = {
    "audience": {"where": "customer_id IS NOT NULL"}, "destination": "there", "mode": "insert", "purposes": [PURPOSE],
    "template": "t",
}  # fmt: skip


def capped(lake: Lake, **more: Any) -> Settings:
    """Two syncs of e-mails, one to each of two destinations."""
    mail = {"kind": "email", "host": "127.0.0.1", "security": "none", "sender": "a@shop.example"}
    syncs = {"vip": {**VIP, **more.pop("vip", {})}, "news": {**VIP, "destination": "here"}}
    given = {"root": lake.locations.root, "connections": {"there": mail, "here": mail}, "audiences": syncs}
    return Settings.model_validate({**given, **more})


def due(
    lake: Lake, plan: str, sync: str, day: date, people: Sequence[str], sent: Mapping[str, float] | None = None
) -> list[Delivery]:
    """A plan with one e-mail to each of some people, about to be sent; or states of old, by how many days ago that was."""
    stamp = {"plan_id": plan, "sync": sync, "as_of": day}
    now, sent = TodaysClock().now(), sent or {}
    ended = {"superseded": min(sent.values())} if sent else {}
    states = {"ready": max(sent.values(), default=0), **ended}
    lake.ledger.append(
        ACTIVATION_PLAN, [{**stamp, "state": state, "logged_at": now - timedelta(ago)} for state, ago in states.items()]
    )
    rows = [
        {**stamp, "delivery_id": f"{plan}-{place}", "person_id": person, "purpose": PURPOSE, "removal": False}
        for place, person in enumerate(people)
    ]
    lake.ledger.append(ACTIVATION_OUTBOX, rows)
    logged = [
        {"delivery_id": row["delivery_id"], "state": state, "logged_at": now - timedelta(ago)}
        for row in rows
        for state, ago in sent.items()
    ]
    if logged:
        lake.ledger.append(ACTIVATION_LOG, logged)
    return [Delivery(row["delivery_id"], row["person_id"], "mail", "{}", purposes=(PURPOSE,), plan_id=plan) for row in rows]


def test_no_more_leaves_than_the_caps_allow_of_one_sync_and_of_all_together(lake: Lake) -> None:
    planned(lake, SEGMENT, 6)  # three people who consent
    due(lake, "old", "vip", date(2026, 1, 2), ["p0", "p0", "p1"], sent={"accepted": 6})
    due(lake, "older", "vip", date(2025, 12, 1), ["p2", "p2"], sent={"accepted": 9})
    now = due(lake, "now", "vip", date(2026, 1, 5), ["p0", "p1", "p1", "p2"])
    news = due(lake, "news-1", "news", date(2026, 1, 5), ["p0", "p1", "p2", "p2"])

    of_sync = capped(lake, vip={"cap": {"deliveries": 2, "days": 7}})
    with LastLook(lake.ledger, [], TodaysClock(), 0, of_sync) as look:
        first, again = look(now), look(now)
        others = look(news)
    of_all = capped(lake, frequency_cap={"deliveries": 2, "days": 7})
    with LastLook(lake.ledger, [], TodaysClock(), 0, of_all) as look:
        together = [*look(now), *look(news)]

    assert first == again == {"now-0": "capped", "now-2": "capped"}
    assert others == {}
    assert together == ["now-0", "now-2", "news-1-0", "news-1-1", "news-1-3"]


@pytest.mark.parametrize(
    ("sent", "is_capped"),
    [
        ({"in_flight": 1, "accepted": 0.9}, True),  # planned long ago, approved and sent yesterday
        ({"in_flight": 6.99, "accepted": 6.98}, True),
        ({"in_flight": 1}, True),
        ({"in_flight": 1, "unknown": 0.9}, True),
        ({"in_flight": 8.1, "accepted": 8}, False),
        ({"in_flight": 8.1, "accepted": 8, "confirmed": 1}, False),  # read yesterday, sent before
        ({"in_flight": 8.1, "unknown": 8, "accepted": 1}, False),  # somebody found out yesterday
        ({"in_flight": 1, "rejected": 0.9}, False),
    ],
)
def test_what_counts_for_a_cap_is_when_something_left_and_not_the_day_for_which_it_was_planned(
    lake: Lake, sent: Mapping[str, float], is_capped: bool
) -> None:
    planned(lake, SEGMENT, 2)  # one person who consents
    today = TodaysClock().now().date()
    due(lake, "before", "vip", today - timedelta(40), ["p0"], sent)
    now = due(lake, "now", "vip", today, ["p0"])

    with LastLook(lake.ledger, [], TodaysClock(), 0, capped(lake, vip={"cap": {"deliveries": 1, "days": 7}})) as look:
        assert look(now) == ({"now-0": "capped"} if is_capped else {})


def test_the_settings_name_the_kinds_of_connections_whose_messages_are_capped_together() -> None:
    said = Settings.model_fields["frequency_cap"].description or ""
    kinds = {kind for kind in CASES if re.search(rf"\b{kind}\b", said)}

    assert kinds == set(READ_BY_PEOPLE)


def test_what_waits_in_plans_of_different_days_counts_together(lake: Lake) -> None:
    planned(lake, SEGMENT, 2)  # one person who consents
    older = due(lake, "of-monday", "vip", date(2026, 1, 1), ["p0"])
    newer = due(lake, "of-thursday", "news", date(2026, 1, 4), ["p0"])

    with LastLook(lake.ledger, [], TodaysClock(), 0, capped(lake, frequency_cap={"deliveries": 1, "days": 2})) as look:
        assert (look(older), look(newer)) == ({}, {"of-thursday-0": "capped"})


def test_a_plan_that_lay_about_for_too_long_says_nothing_any_more(lake: Lake) -> None:
    planned(lake, SEGMENT, 2, sync="vip")
    for state, hours in (("awaiting_approval", 2), ("approved", 1)):  # a person's word makes it no younger
        at = TodaysClock().now() - timedelta(hours=hours)
        lake.ledger.append(ACTIVATION_PLAN, [{"plan_id": "plan-1", "sync": "vip", "state": state, "logged_at": at}])
    given = [replace(one, purposes=(PURPOSE,), plan_id="plan-1") for one in SEGMENT.deliveries(1)]
    days = (TodaysClock().now() - PLANNED_AT).days

    with LastLook(lake.ledger, [], TodaysClock(), 0, capped(lake, vip={"max_age_days": days + 1})) as look:
        in_time = look(given)
    with LastLook(lake.ledger, [], TodaysClock(), 0, capped(lake, vip={"max_age_days": days - 1})) as look:
        late, removals = look(given), look([replace(one, removal=True) for one in given])

    told = f"no longer fresh: its plan was made {days} days ago, max_age_days is {days - 1}"
    assert (in_time, late, removals) == ({}, {"d000": told}, {})


def test_what_is_too_old_to_be_sent_is_not_approved(lake: Lake) -> None:
    lake.ledger.append(
        ACTIVATION_PLAN, [{"plan_id": "old", "sync": "vip", "state": "awaiting_approval", "logged_at": PLANNED_AT}]
    )

    with pytest.raises(InputError, match=r"old is too old to be approved: made \d+ days ago, max_age_days is 7"):
        approve_plan(lake, capped(lake), "old")
    row = approve_plan(lake, capped(lake, vip={"max_age_days": 36_500}), "old")

    assert row["state"] == "approved"


def test_a_sync_that_is_turned_off_or_gone_sends_nothing_of_its_plan_any_more(lake: Lake) -> None:
    planned(lake, SEGMENT, 2, sync="vip")
    given = [replace(one, purposes=(PURPOSE,), plan_id="plan-1") for one in SEGMENT.deliveries(1)]
    given.append(replace(given[0], delivery_id="d001", removal=True))
    lasting = {"max_age_days": 36_500}
    gone = capped(lake, vip=lasting)
    del gone.audiences["vip"]

    told = []
    for known in (capped(lake, vip=lasting), capped(lake, vip={**lasting, "enabled": False}), gone):
        with LastLook(lake.ledger, [], TodaysClock(), 0, known) as look:
            told.append(look(given))

    off, absent = "no longer current: its sync is turned off", "no longer current: its sync is gone"
    assert told == [{}, dict.fromkeys(("d000", "d001"), off), dict.fromkeys(("d000", "d001"), absent)]


def test_a_sync_that_goes_elsewhere_by_now_says_nothing_more_where_it_went_before(lake: Lake) -> None:
    planned(lake, SEGMENT, 2)
    given = due(lake, "plan-2", "vip", PLANNED_AT.date(), ["p0", "p0"])
    given[1] = replace(given[1], removal=True)
    row = {"plan_id": "plan-2", "sync": "vip", "state": "ready", "destination": "there", "logged_at": TodaysClock().now()}
    lake.ledger.append(ACTIVATION_PLAN, [row])

    with LastLook(lake.ledger, [], TodaysClock(), 0, capped(lake)) as look:
        before = look(given)
    with LastLook(lake.ledger, [], TodaysClock(), 0, capped(lake, vip={"destination": "here"})) as look:
        after = look(given)

    assert (before, after) == ({}, {"plan-2-0": "no longer current: its sync goes to here by now"})


def test_what_a_sync_asks_for_by_now_must_be_granted_beside_what_its_plan_asked_for(lake: Lake) -> None:
    planned(lake, SEGMENT, 4)  # two people, who grant what the plan asked for
    given = due(lake, "plan-2", "vip", PLANNED_AT.date(), ["p0", "p1"])
    lake.ledger.append(CONSENT_CURRENT, [{"person_id": "p1", "purpose": "ad_sharing", "status": "granted"}])

    with LastLook(lake.ledger, [], TodaysClock(), 0, capped(lake, vip={"purposes": [PURPOSE, "ad_sharing"]})) as look:
        told = look(given)
        without_any = look([replace(given[1], delivery_id="d", purposes=())])

    assert told == {"plan-2-0": "no consent at this moment"}
    assert without_any == {"d": "no consent at this moment"}


def test_an_address_that_bounced_is_not_written_to_whatever_the_sync_asks_for(lake: Lake) -> None:
    planned(lake, SEGMENT, 4)
    mails = due(lake, "plan-2", "vip", PLANNED_AT.date(), ["p0", "p1"])
    mails = [replace(one, purposes=("personalisation",)) for one in mails]
    granted = [{"person_id": who, "purpose": "personalisation", "status": "granted"} for who in ("p0", "p1")]
    lake.ledger.append(CONSENT_CURRENT, granted)
    bounced = [
        {"suppression_id": who, "person_id": who, "scope": scope, "reason": "hard_bounce", "since": PLANNED_AT}
        for who, scope in (("p0", "email"), ("p1", "push"))
    ]
    lake.ledger.append(SUPPRESSION, bounced)

    with LastLook(lake.ledger, [], TodaysClock(), 0, capped(lake, vip={"purposes": ["personalisation"]})) as look:
        told = look(mails)

    assert told == {"plan-2-0": "suppressed"}


def test_a_removal_of_a_plan_that_fell_does_not_leave(lake: Lake) -> None:
    planned(lake, SEGMENT, 4, purpose=None, removal=True)
    standing = LastLook(lake.ledger, [], TodaysClock(), 0, settings(lake, {}))
    given = [Delivery("d000", "p0", "identify", "{}", removal=True, plan_id="plan-1")]

    with standing as look:
        before = look(given)
        changed(lake, "stopped")
        after = look(given)

    assert (before, after) == ({}, {"d000": "no longer current: its plan is stopped"})
