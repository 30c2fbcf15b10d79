"""What a person sees at the end of the known world's demo."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from personalake.config import Settings, load_settings
from personalake.lake import Ledger, Locations
from personalake.pipelines.tour_touchpoints import tour_touchpoints
from personalake.tables import touchpoints
from personalake.world import WorldSettings

AT = datetime(2025, 1, 2, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(Locations(tmp_path), lambda: pytest.fail("the tour needs no session"))


def shown(ledger: Ledger) -> str:
    console = Console(file=io.StringIO(), width=140)
    for part in tour_touchpoints(ledger, Settings(root=ledger.locations.root)):
        console.print(part)
    return console.file.getvalue()  # type: ignore[attr-defined]


def cells(ledger: Ledger, name: str) -> list[list[str]]:
    return [line.replace("│", " ").split() for line in shown(ledger).splitlines() if f" {name} " in line and "│" in line]


def step(session: str, action: str, channel: str = "web") -> dict[str, Any]:
    event = {"event_id": f"{session}-{action}", "session_id": session, "interaction_type": action, "channel": channel}
    return event | {"occurred_at": AT}


def test_a_cart_without_a_purchase_in_the_same_visit_is_abandoned(ledger: Ledger) -> None:
    steps = [step("s1", "view"), step("s1", "cart"), step("s1", "purchase"), step("s2", "cart"), step("s3", "search")]
    ledger.append(touchpoints.INTERACTION, [*steps, step("s4", "open", "app")])

    assert cells(ledger, "web") == [["web", "3", "1", "2", "50%", "1"]]
    assert cells(ledger, "app") == [["app", "1", "0", "0", "0%", "0"]]


def test_the_issues_of_a_newsletter_are_one_line_with_their_cost(ledger: Ledger) -> None:
    events = (("newsletter-001", "sent"), ("newsletter-002", "sent"), ("newsletter-002", "opened"), ("coupon", "sent"))
    ledger.append(
        touchpoints.EMAIL_ENGAGEMENT,
        [
            {"event_id": f"{number}", "campaign_id": campaign, "engagement_type": kind, "occurred_at": AT}
            for number, (campaign, kind) in enumerate(events)
        ],
    )
    spend = {"amount": Decimal("150.00"), "currency": "EUR", "occurred_at": AT}
    ledger.append(touchpoints.CAMPAIGN_SPEND, [{"campaign_id": f"newsletter-00{issue}"} | spend for issue in (1, 2)])

    assert cells(ledger, "newsletter") == [["newsletter", "2", "0.0%", "50.0%", "0.0%", "300", "EUR"]]
    assert cells(ledger, "coupon") == [["coupon", "1", "0.0%", "0.0%", "0.0%", "–"]]


def test_a_visitor_of_an_experiment_counts_once(ledger: Ledger) -> None:
    seen = (("a", "control"), ("a", "control"), ("b", "treatment"), ("c", "treatment"), ("d", "treatment"))
    ledger.append(
        touchpoints.EXPERIMENT_EXPOSURE,
        [
            {"event_id": str(number), "experiment_id": "x", "variant": variant, "device_type": "phone", "cookie_id": cookie}
            for number, (cookie, variant) in enumerate(seen)
        ],
    )

    assert cells(ledger, "phone") == [["x", "phone", "4", "control", "25%,", "treatment", "75%"]]


def test_an_empty_lake_has_a_tour_too(ledger: Ledger) -> None:
    assert shown(ledger) == ""


def test_the_worlds_as_of_is_the_end_of_the_world_that_the_console_emits() -> None:
    from personalake.cli import WORLD_DAYS

    assert load_settings("world").as_of == WorldSettings(days=WORLD_DAYS).end
