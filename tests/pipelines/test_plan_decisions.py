"""Decisions that syncs act on: each is told by itself, or the latest is what is kept at the person's key."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from personalake.activation.syncs.shapes import shape_of
from personalake.activation.syncs.wanted import SAME_PERSON, Asked
from personalake.config.audience_kinds import ability
from personalake.config.audiences import Sync
from personalake.config.decisions import Holdout
from personalake.lake import Lake
from personalake.pipelines.job import JobContext
from personalake.pipelines.plan_activation import run
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, DECISION
from tests.activation.connectors.settings import connection_of
from tests.pipelines.placed import place as write
from tests.pipelines.test_plan_audiences import DAY, START, SYNC, Shop, figures

WEEK = timedelta(7)
DECIDED: dict[str, Any] = {"audience": {"decisions": {"actions": ["coupon"]}}, "membership": None,
                           "fields": {"category": "action"}}  # fmt: skip


@pytest.fixture
def shop(lake: Lake, tmp_path: Path, context_of: Callable[..., JobContext]) -> Shop:
    return Shop(lake, tmp_path / "out", context_of)


def decide(shop: Shop, day: date, **persons: str) -> None:
    """Decisions of a day: id to whom each is about."""
    shop.people(day, **dict.fromkeys(persons.values(), "tea"))
    told = {"as_of": day, "action": "coupon", "purpose": "personalisation", "status": "act"}
    rows = [{"decision_id": name, "person_id": who, "reason": f"of {name}", **told} for name, who in persons.items()]
    write(shop.lake, DECISION, rows)


def test_each_decision_is_told_once_where_a_file_takes_new_ones(shop: Shop) -> None:
    decide(shop, DAY, d1="a", d2="b")
    first = run(shop.context(mode="insert", **DECIDED))
    shop.sent()
    again = run(shop.context(mode="insert", **DECIDED))
    decide(shop, DAY + WEEK, d3="a", d4="a")

    later = run(shop.context(DAY + WEEK, mode="insert", **DECIDED))

    row = (False, '{"id":"ca","category":"coupon"}')
    assert (figures(first), figures(again)) == ((2, 0, 0, 0), (0, 0, 0, 2))
    assert figures(later)[:3] == (2, 0, 0)
    assert later.figures["audiences"]["regulars"]["refused"] == {}
    assert shop.outbox() == {"ca/d3": row, "ca/d4": row}


def test_what_was_sent_or_waits_under_the_person_alone_is_not_told_again_under_the_decision(shop: Shop) -> None:
    decide(shop, DAY, d1="a", d2="b")
    run(shop.context(mode="insert", **DECIDED))
    plan_id = shop.newest()["plan_id"]
    # Until decisions had keys of their own, the person's was theirs.
    rows = shop.lake.ledger.read(ACTIVATION_OUTBOX)
    write(shop.lake, ACTIVATION_OUTBOX, [{**row, "sync_key": f"c{row['person_id']}"} for row in rows])
    before = shop.counts()

    waiting = run(shop.context(mode="insert", **DECIDED))
    assert (figures(waiting), shop.newest()["plan_id"], shop.counts()) == ((2, 0, 0, 0), plan_id, before)
    shop.sent("ca")
    partly = run(shop.context(mode="insert", **DECIDED))
    assert (figures(partly), shop.newest()["plan_id"]) == ((1, 0, 0, 1), plan_id)
    shop.sent("cb")

    assert figures(run(shop.context(mode="insert", **DECIDED))) == (0, 0, 0, 2)


def test_a_webhook_is_told_of_each_decision_also_where_all_that_differs_is_sent(shop: Shop) -> None:
    shop._files = connection_of("webhook")  # type: ignore[assignment]
    decide(shop, DAY, d1="a")
    run(shop.context(**{**DECIDED, "mode": "upsert"}))
    shop.sent()
    decide(shop, DAY + WEEK, d2="a")

    later = run(shop.context(DAY + WEEK, **{**DECIDED, "mode": "upsert"}))

    assert figures(later)[:3] == (1, 0, 0)
    ((key, (_, payload)),) = shop.outbox().items()
    assert (key, json.loads(payload)["type"]) == ("ca/d2", "audience.entered")


def test_where_a_state_is_kept_the_decision_of_the_day_is_it(shop: Shop) -> None:
    reasons = {**DECIDED, "mode": "upsert", "fields": {"category": "reason"}}
    decide(shop, DAY, d1="a", d2="b")
    run(shop.context(**reasons))
    shop.sent()
    decide(shop, DAY + WEEK, d3="a", d4="b", d5="b")

    result = run(shop.context(DAY + WEEK, **reasons))

    assert figures(result) == (0, 2, 0, 0)
    assert result.figures["audiences"]["regulars"]["refused"] == {SAME_PERSON: 1}
    assert shop.outbox() == {
        "ca": (False, '{"id":"ca","category":"of d3"}'),
        "cb": (False, '{"id":"cb","category":"of d4"}'),
    }


@pytest.mark.parametrize(
    ("kind", "modes"),
    [
        ("csv_drop", {"insert"}),
        ("tealium_file", {"insert"}),
        ("sfmc_rows", {"insert"}),
        ("braze_track", {"insert"}),
        ("segment", {"insert"}),
        ("webhook", {"insert", "upsert"}),
        ("tealium", {"insert", "upsert"}),
        ("email", {"insert"}),
        ("braze_subscription", set()),
        ("segment_suppression", set()),
    ],
)
def test_each_decision_is_told_where_something_happens_and_kept_where_something_is(kind: str, modes: set[str]) -> None:
    connection = connection_of(kind, **({"folder": "/nonexistent"} if kind in ("csv_drop", "tealium_file") else {}))

    def tells_each(mode: str, audience: Any) -> bool:
        sync = Sync.model_validate({**SYNC, "audience": audience, "mode": mode})
        shape, able = shape_of("it", sync, connection, DAY), ability(connection, sync.happening)
        return Asked(sync, shape, able, Holdout(), 1_000, {}).tells_each

    every = ability(connection, None).modes
    assert {mode for mode in every if tells_each(mode, {"decisions": {}})} == modes
    assert not any(tells_each(mode, {"where": "orders > 1"}) for mode in every)


def test_a_cap_counts_what_left_lately_whichever_day_it_was_planned_for(shop: Shop) -> None:
    capped = {**DECIDED, "mode": "insert", "cap": {"deliveries": 1, "days": 7}}
    waited = (*[(who, 8.5) for who in "ab"], ("c", 1.0))
    decide(shop, DAY - WEEK, d1="a", d2="b", d3="c")
    run(shop.context(DAY - WEEK, **capped))
    # The plan of the week before waited for a person: some left while it was new, the rest yesterday.
    log = [
        {"delivery_id": row["delivery_id"], "destination": "files", "state": state, "logged_at": START - timedelta(days)}
        for row in shop.lake.ledger.read(ACTIVATION_OUTBOX)
        for who, days in waited
        if row["person_id"] == who
        for state in ("in_flight", "accepted")
    ]
    # Of one of those who were sent to before, it became known yesterday that it was read.
    (read,) = [{**row, "state": "confirmed", "logged_at": START - timedelta(1)} for row in log[:1]]
    write(shop.lake, ACTIVATION_LOG, [*log, read])
    decide(shop, DAY, e1="a", e2="b", e3="c")

    result = run(shop.context(DAY, **capped))

    assert result.figures["audiences"]["regulars"]["refused"] == {"capped": 1}
    assert shop.outbox().keys() == {"ca/e1", "cb/e2"}
