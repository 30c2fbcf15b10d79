from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from personalake.lake import Lake
from personalake.pipelines.job import JobContext
from personalake.pipelines.profile_history import write_history
from personalake.tables.gold import CUSTOMER_PROFILE
from personalake.tables.journeys import CUSTOMER_PROFILE_HISTORY
from personalake.tables.silver import CUSTOMER_RECORD, PERSON_LINK
from tests.pipelines.placed import place

Line = tuple[str, str, str, date, date | None, str]


def record(number: str, day: int, age: str) -> dict[str, Any]:
    return {"record_id": number, "namespace": "n", "customer_id": "1", "age_band": age, "source": "crm",
            "known_at": datetime(2017, 6, day, 8, tzinfo=UTC)}  # fmt: skip


def fill(lake: Lake, stage: str, *records: dict[str, Any]) -> None:
    told = {"lifecycle_stage": stage, "consents": {"email": "granted"}, "preferences": {"language": "de"}}
    place(lake, CUSTOMER_PROFILE, [{"person_id": "p1", **told}])
    if not lake.ledger.rows(PERSON_LINK):
        lake.ledger.append(PERSON_LINK, [{"namespace": "n", "value": "1", "person_id": "p1"}])
    lake.ledger.append(CUSTOMER_RECORD, records)


def told(lake: Lake) -> list[Line]:
    rows = lake.ledger.read(CUSTOMER_PROFILE_HISTORY)
    return sorted(
        (row["attribute"], row["value"], row["source"], row["valid_from"].date(), row["valid_to"] and row["valid_to"].date())
        for row in rows
    )  # type: ignore[return-value]


def test_few_people_on_the_driver_and_many_by_executors_get_the_same_history_and_a_rerun_no_commit(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    found = []
    for few in (1_000, 0):
        own = Lake(lake.locations.__class__(lake.locations.root / str(few)), lake.start_session)
        fill(own, "new", record("1", 1, "25-34"), record("3", 20, "45-54"))
        june, july = (context_of(as_of=date(2017, month, 1)) for month in (7, 8))
        june.lake = july.lake = own
        write_history(june, few)
        fill(own, "active", record("2", 10, "35-44"), record("4", 30, "0"))  # a late one, and one that changes nothing yet
        changed = write_history(july, few).rows
        version = own.ledger.version(CUSTOMER_PROFILE_HISTORY)
        write_history(july, few)

        # Ended, begun: the stage, and the age that came late in between; then one more age.
        assert changed == 6, changed
        assert few == 0 or own.ledger.version(CUSTOMER_PROFILE_HISTORY) == version
        found.append(told(own))

    assert found[0] == [
        ("age_band", "0", "crm", date(2017, 6, 30), None),
        ("age_band", "25-34", "crm", date(2017, 6, 1), date(2017, 6, 10)),
        ("age_band", "35-44", "crm", date(2017, 6, 10), date(2017, 6, 20)),
        ("age_band", "45-54", "crm", date(2017, 6, 20), date(2017, 6, 30)),
        ("consents.email", "granted", "profile", date(2017, 7, 1), None),
        ("lifecycle_stage", "active", "profile", date(2017, 8, 1), None),
        ("lifecycle_stage", "new", "profile", date(2017, 7, 1), date(2017, 8, 1)),
        ("preferences.language", "de", "profile", date(2017, 7, 1), None),
    ]
    assert found[1] == found[0]
