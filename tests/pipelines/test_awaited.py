"""Consents that end, and answers whose day comes, without a change of any table."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from personalake.config import Settings
from personalake.lake import Lake, Locations
from personalake.pipelines.registry import BY_NAME
from personalake.tables.gold import RUN
from personalake.tables.silver import CONSENT

NOW = datetime.now(UTC)
YESTERDAY, TOMORROW, LONG_AGO = NOW - timedelta(1), NOW + timedelta(1), NOW - timedelta(100)


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
