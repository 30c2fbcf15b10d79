"""Decisions about two identifiers stand in the configuration, and in what guards have told: they name people, too."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from personalake.config import Settings
from personalake.identity.guard_events import EVENTS
from personalake.lake import Lake
from personalake.pipelines import identity_records
from personalake.pipelines.erasure_files import DECIDED, clean_files
from personalake.pipelines.person_search import matching
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.subject import Subject
from personalake.privacy.suppression import suppressions
from personalake.tables.identity import IDENTITY_GUARD
from personalake.tables.receipts import SUPPRESSION
from tests.pipelines.erasure_lake import MAY
from tests.pipelines.outbox_rows import a_lake

ANN = Subject(("crm", "1"), identifiers=frozenset({("crm", "1"), ("email", "ann@x.example")}))
BOB = Subject(("crm", "2"), identifiers=frozenset({("crm", "2")}))
NEVER = {"decision": "never", "between": ["email: Ann@X.example", "crm:3"]}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return a_lake(tmp_path / "lake")


@pytest.fixture
def settings(lake: Lake, tmp_path: Path) -> Settings:
    places = {"exports": tmp_path / "exports", "report": {"path": tmp_path}, "erasure": {"access": tmp_path / "access"}}
    return Settings.model_validate({"root": lake.locations.root, "identity": {"overrides": [NEVER]}, **places})


def guard(name: str, value: str) -> dict[str, Any]:
    return {"guard": name, "namespace": "override", "value": value, "links": 0}


def test_a_decision_that_names_the_person_waits_for_who_keeps_the_configuration(lake: Lake, settings: Settings) -> None:
    found = {one.place: one.unsettled for one in clean_files(settings, lake, {"ann": ANN, "bob": BOB})}

    assert found["identity.overrides"] == {"ann": DECIDED}


def test_what_guards_told_of_a_decision_about_the_person_is_theirs(lake: Lake, settings: Settings) -> None:
    told = ["email:Ann@X.example", "crm:1 crm:3", "crm:11 crm:3"]
    lake.ledger.append(IDENTITY_GUARD, [guard("override_unknown", value) for value in told])

    rows = [row["value"] for batch in matching(settings, lake, IDENTITY_GUARD, ANN) for row in batch.to_pylist()]

    assert rows == told[:2]


def test_who_was_erased_is_not_told_as_unknown_to_a_decision(lake: Lake, settings: Settings) -> None:
    told = pa.Table.from_pylist([guard("override_unknown", name) for name in NEVER["between"]], EVENTS)
    context: Any = SimpleNamespace(lake=lake, settings=settings)
    before = identity_records._without_erased(context, told)
    lake.ledger.append(SUPPRESSION, [*suppressions(ANN, erasure_key(settings, lake.locations), MAY, "test")])

    after = identity_records._without_erased(context, told)

    assert before.num_rows == 2
    assert after["value"].to_pylist() == ["crm:3"]
