"""Consents that end, and answers whose day comes, without a change of any table."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from personalake.config import Settings
from personalake.lake import Lake, Locations
from personalake.pipelines.registry import BY_NAME
from personalake.tables import Table
from personalake.tables.gold import RUN
from personalake.tables.silver import CONSENT
from personalake.tables.touchpoints import SOCIAL_MENTION, THIRD_PARTY_ATTRIBUTE

NOW = datetime.now(UTC)
YESTERDAY, TOMORROW, LONG_AGO = NOW - timedelta(1), NOW + timedelta(1), NOW - timedelta(100)
MIDNIGHT = NOW.replace(hour=0, minute=0, second=0, microsecond=0)


def no_session() -> NoReturn:
    raise AssertionError("whether there is work to do is found out without Spark")


JOBS = ["resolve_identities", "build_profiles", "build_features", "segment_customers", "score_customers", "recommend_items"]


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize(
    ("occurred_at", "expires_at", "has_work"),
    [
        (LONG_AGO, NOW - timedelta(hours=1), True),  # it has ended since
        (NOW - timedelta(hours=1), None, True),  # its day has come
        (LONG_AGO, TOMORROW, False),
        (TOMORROW, None, False),
        (LONG_AGO, YESTERDAY - timedelta(1), False),  # that was seen
    ],
)
def test_a_job_that_asks_for_consent_has_work_once_time_has_changed_an_answer(
    tmp_path: Path, job: str, occurred_at: datetime, expires_at: datetime | None, has_work: bool
) -> None:
    lake, spec = Lake(Locations(tmp_path), no_session), BY_NAME[job]
    lake.ledger.append(
        CONSENT, [{"record_id": "c", "status": "granted", "occurred_at": occurred_at, "expires_at": expires_at}]
    )
    runs = [("failed", NOW), ("done", YESTERDAY), ("done", LONG_AGO)]
    lake.ledger.append(RUN, [{"job": job, "status": status, "started_at": started} for status, started in runs])

    assert spec.waits is not None
    assert spec.waits(Settings(root=tmp_path), lake) is has_work


@pytest.mark.parametrize(
    ("licence", "told_at", "has_work"),
    [
        ({"until": (NOW - timedelta(1)).date()}, LONG_AGO, True),  # it held on the day of the last run
        ({"until": NOW.date()}, LONG_AGO, False),  # today is its last day
        ({"until": (NOW - timedelta(2)).date()}, LONG_AGO, False),  # that was seen
        ({}, LONG_AGO, False),
        ({"days": 100}, MIDNIGHT - timedelta(100, hours=1), True),  # too old since midnight
        ({"days": 100}, NOW - timedelta(103), False),
        ({"days": 100}, NOW - timedelta(10), False),
    ],
)
@pytest.mark.parametrize(("job", "table"), [("build_profiles", THIRD_PARTY_ATTRIBUTE), ("build_journeys", SOCIAL_MENTION)])
def test_there_is_work_once_a_licence_has_ended_or_what_came_under_it_is_too_old(
    tmp_path: Path, job: str, table: Table, licence: dict[str, object], told_at: datetime, has_work: bool
) -> None:
    lake, spec = Lake(Locations(tmp_path), no_session), BY_NAME[job]
    lake.ledger.append(table, [{"record_id": "b", "licence": "ours", "occurred_at": told_at}])
    lake.ledger.append(RUN, [{"job": job, "status": "done", "started_at": YESTERDAY}])
    settings = Settings(root=tmp_path, profiles={"licences": {"ours": licence}})

    assert spec.waits is not None
    assert spec.waits(settings, lake) is has_work
