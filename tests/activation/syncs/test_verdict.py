"""Whether a plan may leave, and what it will cost."""

from datetime import date
from typing import Any

import pytest

from personalake.activation.syncs.counts import Counts
from personalake.activation.syncs.masking import masked
from personalake.activation.syncs.verdict import Cost, again, cost, plan_id, verdict
from personalake.config.audiences import Sync
from personalake.config.connections import BrazeTrackConnection, OneSignalConnection, Rate
from personalake.config.schedules import is_due

DAY = date(2026, 11, 25)


def sync_of(**more: Any) -> Sync:
    return Sync.model_validate(
        {
            "audience": {"where": "customer_id IS NOT NULL"},
            "destination": "crm",
            "purposes": ["news"],
            "min_people": 2,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("counts", "state", "reason"),
    [
        (Counts(added=9, people=9), "ready", None),
        (Counts(added=1, people=1), "stopped", "1 people may be sent, min_people is 2"),
        (Counts(added=3, people=3, persons=1), "stopped", "1 people may be sent, min_people is 2"),
        (Counts(removed=1, people=1, held=9), "ready", None),
        (Counts(removed=1, changed=1, people=1, held=9), "stopped", "1 people may be sent, min_people is 2"),
        (Counts(removed=21, people=79, held=100), "stopped", "21 of 100 would be removed, bounds.max_removed_share is 0.2"),
        (Counts(removed=20, people=80, held=100), "ready", None),
        (Counts(removed=6, people=80, held=100), "stopped", "6 removals, bounds.max_removed is 5"),
        (Counts(changed=51, people=100, held=100), "stopped", "51 of 100 would be changed, bounds.max_changed_share is 0.5"),
        (Counts(added=200, people=200), "stopped", "200 additions and changes, bounds.max_changed is 150"),
        (Counts(added=2, people=2), "ready", None),
        (Counts(added=100, people=100), "ready", None),
        (Counts(added=120, people=120), "awaiting_approval", "120 deliveries, approve_above is 100"),
        (Counts(unchanged=1, people=1, held=1), "ready", None),
    ],
)
def test_bounds_stop_a_plan_and_size_makes_it_wait(counts: Counts, state: str, reason: str | None) -> None:
    bounds: dict[str, Any] = {"max_changed_share": 0.5, "max_changed": 150}
    if counts.removed == 6:
        bounds["max_removed"] = 5

    assert verdict(counts, sync_of(bounds=bounds, approve_above=100)) == (state, reason)


def test_every_bound_that_is_broken_is_named() -> None:
    _, reason = verdict(Counts(removed=98, changed=1, people=1, held=100), sync_of(bounds={"max_removed": 5}))

    assert reason is not None
    assert reason.count(";") == 2


def test_costs_follow_limits_and_rates() -> None:
    braze = BrazeTrackConnection(
        instance="rest.iad-01.braze.com",
        api_key="secret://a/b",
        rates=(Rate(amount=10, per_seconds=5),),
        max_bytes=10_512,
        max_item_bytes=9_000,
    )

    assert cost(Counts(added=751, bytes=1, values=900), sync_of(), braze) == Cost(calls=11, seconds=5.5, data_points=900)
    assert cost(Counts(added=1, bytes=99_999, values=2), sync_of(), braze).calls == 10
    assert cost(Counts(added=3), sync_of(event="came"), braze).data_points == 3
    assert cost(Counts(), sync_of(), braze) == Cost(0, 0.0, 0)
    push = OneSignalConnection(app_id="a", api_key="secret://a/b", subscribers=9, rates=(), max_in_flight=4)
    # Each content goes by itself; without a rate, requests take their time, so many at once.
    assert cost(Counts(added=90, contents=33), sync_of(), push) == Cost(calls=33, seconds=2.25, data_points=None)


def test_a_plan_is_called_by_what_is_in_it() -> None:
    name = plan_id("s", "crm", "upsert", DAY, "x")

    assert name == plan_id("s", "crm", "upsert", DAY, "x")
    others = {plan_id("t", "crm", "upsert", DAY, "x"), plan_id("s", "crm", "mirror", DAY, "x"), again(name)}
    others |= {plan_id("s", "crm", "upsert", DAY, "y"), plan_id("s", "crm", "upsert", date(2026, 11, 26), "x")}
    assert len(others) == 5
    assert name not in others


@pytest.mark.parametrize(
    ("schedule", "planned", "expected"),
    [
        ("daily", None, True),
        ("daily", date(2026, 11, 24), True),
        ("daily", DAY, True),
        ("on demand", None, False),
        ("weekly on wednesday", date(2026, 11, 24), True),
        ("weekly on thursday", date(2026, 11, 20), False),
        ("weekly on thursday", date(2026, 11, 18), True),
        ("monthly on 26", date(2026, 10, 26), False),
        ("monthly on 26", date(2026, 10, 25), True),
        ("monthly on 25", date(2026, 11, 24), True),
    ],
)
def test_a_sync_is_planned_on_its_day_and_a_missed_day_is_made_up_for(
    schedule: str, planned: date | None, expected: bool
) -> None:
    assert is_due(schedule, DAY, planned) is expected


def test_samples_show_the_shape_and_hide_the_person() -> None:
    payload = '{"type": "identify", "userId": "ann@x.org", "traits": {"type": "vip", "n": 3, "none": null, "tags": ["ab"]}}'

    assert masked(payload) == {
        "type": "identify", "userId": "a…", "traits": {"type": "v…", "n": "…", "none": None, "tags": ["a…"]},
    }  # fmt: skip
