from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from personalake.config import Settings
from personalake.errors import InputError
from personalake.lake import Lake, Ledger, Locations
from personalake.pipelines import publish_counts
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.pipelines.publish_counts import run
from personalake.privacy.published_counts import noisy_counts
from personalake.tables import Table
from personalake.tables.gold import CUSTOMER_PROFILE
from personalake.tables.privacy import PRIVACY_BUDGET, PUBLISHED_COUNT

AS_OF = date(2017, 12, 1)
Publish = Callable[..., Any]


def no_session() -> Any:
    raise AssertionError("publishing counts needs no Spark")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(Locations(tmp_path / "lakehouse"), no_session)
    ages = ["35-44"] * 400 + [None] * 200 + ["19-24"] * 3
    rows = [{"person_id": f"p{number}", "customer_id": "c", "age_band": age} for number, age in enumerate(ages)]
    lake.ledger.append(CUSTOMER_PROFILE, [{**row, "as_of": AS_OF} for row in rows])
    return lake


@pytest.fixture
def publish(lake: Lake) -> Publish:
    settings = Settings.model_validate({"root": str(lake.locations.root), "privacy": {"publishing": {"budget": 1.0}}})

    def publish(run_id: str, **options: str) -> Any:
        chosen = {"table": "gold.customer_profile", "by": "age_band", "epsilon": "0.5", **options}
        return run(JobContext(settings, lake, AS_OF, AS_OF, run_id, chosen, Progress()))

    return publish


def test_counts_are_published_with_noise_without_small_cells_until_the_budget_is_used_up(
    lake: Lake, publish: Publish
) -> None:
    first, _ = publish("one"), publish("two")

    cells = {row["cell"]["age_band"]: row for row in lake.ledger.read(PUBLISHED_COUNT) if row["publication_id"] == "one"}
    assert set(cells) == {"35-44", "unknown"}
    assert abs(cells["35-44"]["persons"] - 400) < 60
    assert first.figures["budget_left"] == pytest.approx(0.5)
    with pytest.raises(InputError, match="beyond what is left of the privacy budget: 0 of 1"):
        publish("three")
    assert sorted(row["publication_id"] for row in lake.ledger.read(PRIVACY_BUDGET)) == ["one", "two"]
    assert {row["publication_id"] for row in lake.ledger.read(PUBLISHED_COUNT)} == {"one", "two"}


def test_the_chance_of_showing_one_person_has_a_budget_of_its_own(lake: Lake, publish: Publish) -> None:
    with pytest.raises(InputError, match=r"delta 0\.004 is beyond what is left of the privacy budget: 1e-06 of 1e-06"):
        publish("one", epsilon="0.1")

    assert publish("two").figures["delta_left"] < 1e-6
    assert lake.ledger.rows(PRIVACY_BUDGET) == 1


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"by": "customer_id"}, "customer_id cannot be counted by"),
        ({"by": "consents"}, "cannot be counted by"),
        ({"table": "silver.order_line"}, "one row for each person"),
        ({"epsilon": "much"}, "expected a number"),
    ],
)
def test_what_cannot_be_published_is_refused_and_costs_nothing(
    lake: Lake, publish: Publish, options: dict[str, str], fault: str
) -> None:
    with pytest.raises(InputError, match=fault):
        publish("one", **options)

    assert lake.ledger.rows(PRIVACY_BUDGET) == 0


def test_of_two_runs_that_saw_the_same_budget_only_as_many_publish_as_it_pays_for(
    lake: Lake, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*told: Any) -> Any:
        monkeypatch.setattr(publish_counts, "noisy_counts", noisy_counts)
        publish("two", epsilon="0.6")
        return noisy_counts(*told)

    monkeypatch.setattr(publish_counts, "noisy_counts", meanwhile)

    with pytest.raises(InputError, match=r"Another run .* beyond it by 0\.2 of epsilon"):
        publish("one", epsilon="0.6")

    assert {row["publication_id"] for row in lake.ledger.read(PUBLISHED_COUNT)} == {"two"}
    assert {row["publication_id"] for row in lake.ledger.read(PRIVACY_BUDGET)} == {"one", "two"}


def test_a_run_that_dies_before_it_shows_anything_has_paid(
    lake: Lake, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Ledger.append

    def dying(ledger: Ledger, table: Table, rows: Any) -> Any:
        if table is PUBLISHED_COUNT:
            raise KeyboardInterrupt
        return append(ledger, table, rows)

    monkeypatch.setattr(Ledger, "append", dying)

    with pytest.raises(KeyboardInterrupt):
        publish("one")

    assert lake.ledger.rows(PUBLISHED_COUNT) == 0
    assert [row["epsilon"] for row in lake.ledger.read(PRIVACY_BUDGET)] == [0.5]
    monkeypatch.undo()
    assert publish("two").figures["budget_left"] == pytest.approx(0)
