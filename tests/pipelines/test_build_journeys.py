from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from personalake.config import Settings
from personalake.config.profiles import JourneySettings, ProfileSettings
from personalake.lake import Lake
from personalake.pipelines.build_journeys import run
from personalake.pipelines.job import JobContext
from personalake.tables.journeys import CUSTOMER_JOURNEY, JOURNEY_PATH
from personalake.tables.silver import ORDER_LINE, PERSON_LINK
from personalake.tables.touchpoints import INTERACTION

NOON = datetime(2017, 11, 1, 12, tzinfo=UTC)


def visit(event: str, login: str, kind: str, minutes: int) -> dict[str, Any]:
    at = NOON + timedelta(minutes=minutes)
    return {"event_id": event, "interaction_type": kind, "channel": "web", "namespace": "login", "customer_id": login,
            "occurred_at": at, "known_at": at}  # fmt: skip


def told(lake: Lake) -> list[tuple[str, int, str]]:
    rows = lake.ledger.read(CUSTOMER_JOURNEY, ["person_id", "touchpoint", "kind"])
    return sorted((row["person_id"], row["touchpoint"], row["kind"]) for row in rows)


def test_only_persons_with_new_touchpoints_are_computed_again_and_a_rerun_writes_nobody(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    paths = JourneySettings(path_min_persons=1)
    settings = Settings(root=lake.locations.root, profiles=ProfileSettings(journey=paths))
    links = [{"namespace": "login", "value": name, "person_id": f"p_{name}"} for name in ("ann", "bob")]
    lake.ledger.append(PERSON_LINK, links)
    lake.ledger.append(INTERACTION, [visit("1", "ann", "view", 0), visit("2", "bob", "view", 0)])

    first = run(context_of(settings))
    version = lake.ledger.version(CUSTOMER_JOURNEY)
    again = run(context_of(settings))
    unchanged = lake.ledger.version(CUSTOMER_JOURNEY)
    lake.ledger.append(INTERACTION, [visit("3", "ann", "search", -5)])
    more = run(context_of(settings))

    assert (first.figures["persons"], again.figures["persons"], more.figures["persons"]) == (None, 0, 1)
    assert unchanged == version
    assert told(lake) == [("p_ann", 1, "search"), ("p_ann", 2, "view"), ("p_bob", 1, "view")]
    assert {row["path"]: row["open"] for row in lake.ledger.read(JOURNEY_PATH)} == {
        "web search": 0, "web search > web view": 1, "web view": 1,
    }  # fmt: skip
    commits = (Path(lake.locations.table(CUSTOMER_JOURNEY)) / "_delta_log").glob("*.json")
    assert not any("p_ann" in path.read_text() for path in commits)
    older = run(context_of(settings, as_of=date(2017, 11, 2)))
    assert older.skipped
    assert "never overwrites" in older.message


def test_orders_alone_make_no_journey_and_start_no_session(context_of: Callable[..., JobContext]) -> None:
    context = context_of()
    context.lake.ledger.append(ORDER_LINE, [{"event_id": "e"}])
    context.lake.start_session = lambda: (_ for _ in ()).throw(AssertionError("no session is needed"))

    result = run(context)

    assert result.skipped
    assert result.message == "no visits, messages or tickets are known: orders alone make no journey"
    assert not context.lake.exists(CUSTOMER_JOURNEY)
