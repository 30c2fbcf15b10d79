"""A lake that must do without a session: a plan in the outbox, people who consent, and the job that sends."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.lake import Lake, Locations
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.progress import Progress
from personalake.pipelines.send_activation import send_planned
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, PERSON_LINK
from tests.activation.doubles import TickingClock
from tests.activation.matrix import PATIENCE, Case, TodaysClock
from tests.fakes import Fakes

PLANNED_AT = datetime(2026, 1, 1, tzinfo=UTC)
PURPOSE = "email_marketing"


def no_session() -> SparkSession:
    raise AssertionError("a session was started")


def a_lake(folder: Path) -> Lake:
    return Lake(Locations(folder), no_session)


def context(lake: Lake, settings: Settings, **options: Any) -> JobContext:
    return JobContext(settings, lake, datetime(2026, 1, 1).date(), datetime(2026, 1, 1).date(), "run", options, Progress())


def settings(lake: Lake, connections: Mapping[str, Any]) -> Settings:
    return Settings(root=lake.locations.root, connections=dict(connections))


def planned(
    lake: Lake,
    case: Case,
    count: int,
    destination: str = "there",
    plan: str = "plan-1",
    sync: str | None = None,
    **more: Any,
) -> None:
    """A plan that is ready: so many deliveries, two for each person, all of whom consent."""
    row = {"plan_id": plan, "sync": sync, "as_of": PLANNED_AT.date(), "state": "ready", "data_points": 2 * count,
           "logged_at": PLANNED_AT}  # fmt: skip
    lake.ledger.append(ACTIVATION_PLAN, [row])
    rows = [
        {"delivery_id": one.delivery_id, "person_id": one.person_id, "destination": destination, "operation": one.operation,
         "payload": one.payload, "payload_hash": one.payload, "sync_key": one.delivery_id, "purpose": PURPOSE,
         "plan_id": plan, "removal": False, **more}
        for one in case.deliveries(count)
    ]  # fmt: skip
    lake.ledger.append(ACTIVATION_OUTBOX, rows)
    people = sorted({row["person_id"] for row in rows})
    lake.ledger.append(CONSENT_CURRENT, [{"person_id": one, "purpose": PURPOSE, "status": "granted"} for one in people])
    lake.ledger.append(PERSON_LINK, [{"namespace": "n", "value": one, "person_id": one} for one in people])


def changed(lake: Lake, state: str, plan: str = "plan-1", days: int = 1) -> None:
    """The plan comes into another state, so many days after it was made."""
    lake.ledger.append(
        ACTIVATION_PLAN,
        [{"plan_id": plan, "state": state, "data_points": 8, "logged_at": PLANNED_AT + timedelta(days=days)}],
    )


def answered(lake: Lake, people: Sequence[str], status: str, number: int = 1) -> None:
    """People say something about the purpose; a greater number is said later."""
    at = PLANNED_AT + timedelta(hours=number)
    rows = [
        {"record_id": f"{one}-{number}", "namespace": "n", "customer_id": one, "purpose": PURPOSE, "status": status,
         "occurred_at": at, "known_at": at}
        for one in people
    ]  # fmt: skip
    lake.ledger.append(CONSENT, rows)


class TickingToday(TickingClock, TodaysClock):
    """Today's clock, each look at which takes a while."""


def send(lake: Lake, fakes: Fakes, case: Case, **more: Any) -> JobResult:
    """Run the job, with a clock that does not wait."""
    connection = case.connection(fakes, **{**case.small, "patience": PATIENCE, **more})
    given = context(lake, settings(lake, {"there": connection}))
    return send_planned(given, TickingToday(), random.Random(1), case.resolve(fakes))


def states(lake: Lake) -> dict[str, str]:
    """The last state of each delivery in the log."""
    rows = lake.ledger.read(ACTIVATION_LOG, ("delivery_id", "state", "logged_at"))
    return {row["delivery_id"]: row["state"] for row in sorted(rows, key=lambda row: row["logged_at"])}
