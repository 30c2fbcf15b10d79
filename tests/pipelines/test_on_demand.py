"""What is asked for one person is done for that person, whatever was done before."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from personalake.config import Settings
from personalake.lake import Lake, Locations
from personalake.pipelines.erasure_requests import last_states, remember, remembered
from personalake.pipelines.registry import BY_NAME
from personalake.pipelines.runner import Outcome, run_job
from personalake.privacy.subject import Subject
from personalake.tables.erasure import ERASURE_REQUEST
from personalake.tables.silver import PERSON_LINK

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
COLUMNS = {name: name for name in ("record_id", "customer_id", "preference", "value", "occurred_at")}


def no_session() -> NoReturn:
    raise AssertionError("nothing here needs Spark")


class Desk:
    """Somebody who starts jobs over a lake that knows two people by their number."""

    def __init__(self, folder: Path) -> None:
        self.wishes = folder / "wishes"
        source = {"contract": "preference", "path": self.wishes, "namespace": "crm", "columns": COLUMNS}
        places = {"root": folder / "lake", "landing": folder / "in", "exports": folder / "exports"}
        kept = {"report": {"path": folder / "report"}, "erasure": {"retention_hours": 0, "access": folder / "access"}}
        self.settings = Settings.model_validate({**places, **kept, "sources": {"wishes": source}})
        self.lake = Lake(Locations(folder / "lake"), no_session)
        links = [{"namespace": "crm", "value": who, "person_id": f"p{who}"} for who in "12"]
        self.lake.ledger.append(PERSON_LINK, links)

    def run(self, job: str, **options: Any) -> Outcome:
        return run_job(BY_NAME[job], self.settings, self.lake, options)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_request_to_be_forgotten_is_followed_after_a_run_that_had_nothing_to_do(desk: Desk) -> None:
    idle = [desk.run("erase_customers").result.message for _ in range(2)]

    outcome = desk.run("erase_customers", identifier="crm=1")

    assert idle == ["no request is open", "nothing new since the last run"]
    assert (outcome.status, outcome.result.message) == ("done", "requests: 1 done")
    assert [row["state"] for row in last_states(desk.lake).values()] == ["done"]
    assert [row["value"] for row in desk.lake.ledger.read(PERSON_LINK)] == ["2"]


def test_what_was_kept_of_a_request_that_is_closed_goes_with_the_next_run(desk: Desk) -> None:
    for request_id, state in (("closed", "done"), ("open", "partial")):
        remember(desk.lake, request_id, Subject(("crm", "9"), person_ids=frozenset({"p9"})))
        desk.lake.ledger.append(ERASURE_REQUEST, [{"request_id": request_id, "state": state, "changed_at": NOON}])

    forgotten = desk.run("erase_customers", identifier="crm=1")

    assert forgotten.status == "done"
    assert remembered(desk.lake, "closed") is None


def test_a_wish_of_another_person_about_the_same_thing_lands_as_well(desk: Desk) -> None:
    for who, value in (("1", "de"), ("2", "fr"), ("2", "de")):
        assert desk.run("change_preference", identifier=f"crm={who}", preference="language", value=value).status == "done"

    landed = [json.loads(line) for path in desk.wishes.rglob("*.json*") for line in path.read_text().splitlines()]
    assert sorted((row["customer_id"], row["value"]) for row in landed) == [("1", "de"), ("2", "de"), ("2", "fr")]
