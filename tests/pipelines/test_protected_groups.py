"""Groups of a protected attribute are made of those who allow that, without Spark."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import NoReturn

from personalake.config import Settings
from personalake.lake import Lake, Locations
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.pipelines.protected_groups import protected_groups
from personalake.tables.silver import CUSTOMER_RECORD, PERSON_LINK
from tests.pipelines.consents import grant, withdraw


def no_session() -> NoReturn:
    raise AssertionError("groups are made without a Spark session")


def test_who_allows_it_is_in_the_group_that_the_newest_record_says_and_who_does_not_is_in_none(tmp_path: Path) -> None:
    lake = Lake(Locations(tmp_path), no_session)
    told = {"1": ["f"], "2": ["f", " M "], "3": ["m"], "4": ["m"], "5": [None]}
    lake.ledger.append(CUSTOMER_RECORD, [
        {"record_id": f"{customer}-{day}", "namespace": "customer_id", "customer_id": customer, "gender": gender,
         "known_at": datetime(2017, 1, 1 + day, tzinfo=UTC)}
        for customer, genders in told.items() for day, gender in enumerate(genders)
    ])  # fmt: skip
    lake.ledger.append(PERSON_LINK, [
        {"namespace": "customer_id", "value": customer, "person_id": f"p{customer}"} for customer in told
    ])  # fmt: skip
    grant(lake, ["p1", "p2", "p4", "p5"], "fairness")
    grant(lake, ["p3"], "personalisation")
    withdraw(lake, ["4"], "fairness")
    job = JobContext(Settings(root=tmp_path), lake, date(2018, 1, 1), date(2018, 1, 1), "run", {}, Progress())

    found = protected_groups(job, ["p5", "p4", "p3", "p2", "p1"])

    assert {name: members.tolist() for name, members in found.items()} == {
        "gender=f": [False, False, False, False, True],
        "gender=m": [False, False, False, True, False],
    }


def test_without_a_single_value_there_are_no_groups(tmp_path: Path) -> None:
    job = JobContext(
        Settings(root=tmp_path),
        Lake(Locations(tmp_path), no_session),
        date(2018, 1, 1),
        date(2018, 1, 1),
        "run",
        {},
        Progress(),
    )

    assert protected_groups(job, ["p1"]) == {}
