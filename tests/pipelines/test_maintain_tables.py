"""Tables that are looked after: too old rows go, files become few, and streams go on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pydantic import ValidationError

from personalake.config import Settings
from personalake.config.sources import Source
from personalake.errors import ConfigError
from personalake.lake import Lake
from personalake.lake.notes import removed_with
from personalake.lake.streams import Stream, run_streams
from personalake.lake.upkeep import remove_older, tidy
from personalake.pipelines import maintain_tables, refine_events, refinery
from personalake.pipelines.job import JobContext
from personalake.pipelines.maintain_tables import run
from personalake.pipelines.verify_receipts import verify_receipts
from personalake.tables import ALL
from personalake.tables.bronze import EVENT as RAW_EVENT
from personalake.tables.erasure import RETENTION_RECEIPT
from personalake.tables.gold import DATA_HEALTH, DECISION
from personalake.tables.silver import CONSENT, EVENT

DAY = date(2017, 12, 1)
NOON = datetime(2017, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def context(lake: Lake, tmp_path: Path, context_of: Callable[..., JobContext]) -> Callable[..., JobContext]:
    def made(dry_run: bool = False, **more: Any) -> JobContext:
        settings = Settings(root=lake.locations.root, **{"maintenance": {"retention_days": {"gold.decision": 10}}, **more})
        given = context_of(settings, DAY)
        return replace(given, lake=Lake(lake.locations, lambda: lake.spark, dry_run=dry_run))

    return made


def events(lake: Lake, *days: int) -> None:
    """One commit for each event, so many days before noon of the last day."""
    for age in days:
        lake.ledger.append(EVENT, [{"event_id": f"e{age}", "occurred_at": NOON - timedelta(age)}])


def test_rows_beyond_their_retention_go_and_many_small_files_become_one(
    lake: Lake, context: Callable[..., JobContext]
) -> None:
    events(lake, 0, 1_094, 1_095, 2_000)
    lake.ledger.append(DECISION, [{"decision_id": f"d{age}", "as_of": DAY - timedelta(age)} for age in (10, 11)])
    lake.ledger.append(CONSENT, [{"record_id": "c", "status": "withdrawn", "occurred_at": NOON - timedelta(9_000)}])

    foretold = run(context(dry_run=True))
    before = [lake.ledger.rows(table) for table in (EVENT, DECISION, CONSENT)]
    done = run(context())

    assert foretold.figures["removed"] == done.figures["removed"] == {"silver.event": 2, "gold.decision": 1}
    assert before == [4, 2, 1]
    assert {row["event_id"] for row in lake.ledger.read(EVENT)} == {"e0", "e1094"}
    assert [row["decision_id"] for row in lake.ledger.read(DECISION)] == ["d10"]
    assert lake.ledger.rows(CONSENT) == 1  # the proof of a withdrawal has no age
    assert "silver.event" in done.figures["compacted"]
    assert len(list(Path(lake.locations.table(EVENT)).glob("*.parquet"))) > 1  # older versions can be read for a week
    assert run(context()).figures["removed"] == {}


def test_what_was_removed_leaves_the_disk_with_the_older_versions(lake: Lake) -> None:
    def on_disk() -> set[str]:
        files = Path(lake.locations.table(EVENT)).glob("*.parquet")
        return {name for path in files for name in pq.read_table(path, columns=["event_id"])["event_id"].to_pylist()}

    events(lake, 0, 2_000)
    remove_older(lake, EVENT, NOON - timedelta(1_095))
    before = on_disk()
    tidy(lake, EVENT, timedelta(0))

    assert (before, on_disk()) == ({"e0", "e2000"}, {"e0"})
    assert [row["event_id"] for row in lake.ledger.read(EVENT)] == ["e0"]


def test_a_stream_that_reads_a_table_goes_on_after_rows_left_and_files_were_joined(
    lake: Lake, context: Callable[..., JobContext], tmp_path: Path
) -> None:
    seen: list[str] = []

    def take(rows: Any, app: str, number: int) -> None:
        seen.extend(sorted(row["source"] for row in rows.select("source").collect()))

    stream = Stream("events", RAW_EVENT, lambda rows: rows, take, tmp_path / "checkpoint")
    lake.ledger.append(RAW_EVENT, [{"source": "old", "ingested_at": NOON - timedelta(1_000)}])
    lake.ledger.append(RAW_EVENT, [{"source": "young", "ingested_at": NOON}])
    run_streams(lake, [stream])

    run(context())
    lake.ledger.append(RAW_EVENT, [{"source": "next", "ingested_at": NOON}])
    run_streams(lake, [stream])

    assert seen == ["old", "young", "next"]
    assert lake.ledger.rows(RAW_EVENT) == 2


def test_what_went_is_receipted_first_and_a_row_that_comes_in_its_place_is_refined(
    lake: Lake, context: Callable[..., JobContext]
) -> None:
    lake.ledger.append(RAW_EVENT, [{"source": "orders", "ingested_at": NOON - timedelta(days)} for days in (0, 1_000)])
    lake.ledger.append(DATA_HEALTH, [{"job": "refine_events", "source": "orders", "rows_in": 2}])
    checkpoint = lake.locations.checkpoint("refine_events", "orders")
    checkpoint.mkdir(parents=True)
    orders = {"orders": Source.model_validate({"contract": "order_line", "path": "x", "columns": {}})}
    before = list(refinery._unrefined(lake, "refine_events", RAW_EVENT, orders))

    run(context())
    lake.ledger.append(RAW_EVENT, [{"source": "orders", "ingested_at": NOON}])

    checked = verify_receipts(context().settings, lake.ledger)
    assert (checked.is_sound, checked.found.rows["gold.retention_receipt"], checked.waiting) == (True, 2, 0)
    receipt, gone = sorted(lake.ledger.read(RETENTION_RECEIPT), key=lambda row: row["recorded_at"])
    assert (receipt["rows_removed"], gone["rows_removed"], gone["sources"]) == (None, 1, {"orders": 1})
    assert (receipt["table"], receipt["aged_by"], receipt["kept_days"], receipt["rows"]) == (
        "bronze.event",
        "ingested_at",
        730,
        1,
    )
    assert receipt["removed_before"] == datetime(2017, 12, 1, tzinfo=UTC) - timedelta(730)
    assert before == []
    assert [name for name, _ in refinery._unrefined(lake, "refine_events", RAW_EVENT, orders)] == ["orders"]
    assert not refinery.is_refined(context(), "refine_events")


def test_after_a_retention_nothing_waits_and_no_source_is_looked_at_for_nothing(
    lake: Lake, context: Callable[..., JobContext]
) -> None:
    lake.ledger.append(RAW_EVENT, [{"source": "orders", "ingested_at": NOON - timedelta(days)} for days in (0, 1_000)])
    lake.ledger.append(DATA_HEALTH, [{"job": "refine_events", "source": "orders", "rows_in": 2}])
    lake.locations.checkpoint("refine_events", "orders").mkdir(parents=True)
    orders = {"orders": Source.model_validate({"contract": "order_line", "path": "x", "columns": {}})}

    run(context())

    assert refinery.is_refined(context(), "refine_events")
    assert refine_events.run(context(dry_run=True)).figures["pending"] == 0
    assert list(refinery._unrefined(lake, "refine_events", RAW_EVENT, orders)) == []


@pytest.mark.parametrize(("dies_in", "removed"), [("remove_told", 0), ("confirm", 1)])
def test_what_became_of_rows_that_a_run_told_of_before_it_died_is_found_out_by_the_next(
    lake: Lake, context: Callable[..., JobContext], monkeypatch: pytest.MonkeyPatch, dies_in: str, removed: int
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    lake.ledger.append(RAW_EVENT, [{"source": "orders", "ingested_at": NOON - timedelta(1_000)}])
    lake.ledger.append(DATA_HEALTH, [{"job": "refine_events", "source": "orders", "rows_in": 1}])
    with monkeypatch.context() as patched:
        patched.setattr(maintain_tables, dies_in, dies)
        with pytest.raises(KeyboardInterrupt):
            run(context())
    unsure = (refinery.is_refined(context(), "refine_events"), refine_events.run(context(dry_run=True)).figures["pending"])

    run(replace(context(), run_id="next"))

    assert unsure == (False, 0)
    assert refinery.is_refined(context(), "refine_events")
    told = [(row["run_id"] == "next", row["rows_removed"]) for row in lake.ledger.read(RETENTION_RECEIPT)]
    assert (False, removed) in told
    assert sum(count or 0 for _, count in told) == 1
    assert lake.ledger.rows(RAW_EVENT) == 0


@pytest.mark.parametrize(("dies_in", "removed"), [("remove_told", 0), ("confirm", 2)])
def test_rows_as_old_that_come_after_a_run_died_are_not_taken_for_those_it_told_of(
    lake: Lake, context: Callable[..., JobContext], monkeypatch: pytest.MonkeyPatch, dies_in: str, removed: int
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    events(lake, 0, 2_000, 2_001)
    with monkeypatch.context() as patched:
        patched.setattr(maintain_tables, dies_in, dies)
        with pytest.raises(KeyboardInterrupt):
            run(context())
    events(lake, 2_002, 2_003, 2_004)

    run(replace(context(), run_id="next"))

    told = [(row["run_id"], row["rows_removed"]) for row in lake.ledger.read(RETENTION_RECEIPT)]
    assert sorted(each for each in told if each[1] is not None) == [("next", 5 - removed), ("test-run", removed)]


def test_a_log_that_does_not_reach_back_says_nothing_of_what_was_removed(lake: Lake) -> None:
    events(lake, 0, 2_000)
    remove_older(lake, EVENT, NOON - timedelta(1_095), "retention r")
    before = [removed_with(lake, EVENT, f"retention {run_id}", 1) for run_id in ("r", "other")]
    events(lake, 1)
    DeltaTable(lake.locations.table(EVENT)).create_checkpoint()
    for commit in range(4):
        (Path(lake.locations.table(EVENT)) / "_delta_log" / f"{commit:020d}.json").unlink()

    assert before == [1, 0]
    assert removed_with(lake, EVENT, "retention r", 1) is None


def test_what_waits_in_bronze_is_refined_before_anything_goes(
    lake: Lake, context: Callable[..., JobContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.ledger.append(RAW_EVENT, [{"source": "orders", "ingested_at": NOON - timedelta(1_000)}])
    there: list[int] = []
    monkeypatch.setattr(maintain_tables, "refine_waiting", lambda given: there.append(given.lake.ledger.rows(RAW_EVENT)))

    run(context(dry_run=True))
    foretold = list(there)
    run(context())

    assert (foretold, there, lake.ledger.rows(RAW_EVENT)) == ([], [1], 0)


def test_nothing_ages_by_an_as_of_that_has_not_come_or_in_a_table_without_an_age(
    context: Callable[..., JobContext],
) -> None:
    ahead = replace(context(), as_of=date.today() + timedelta(days=300))

    with pytest.raises(ConfigError, match="lies in the future"):
        run(ahead)
    with pytest.raises(ValidationError, match=r"silver\.consent: no rows with an age; there are: bronze\.event"):
        context(maintenance={"retention_days": {"silver.consent": 5}})
    with pytest.raises(ValidationError, match=r"gold\.decison: no rows with an age; there are: bronze\.event"):
        context(maintenance={"retention_days": {"gold": {"decison": 5}}})  # as --set writes it
    assert context(maintenance={"retention_days": {"gold": {"decision": "5"}}}).settings.maintenance.retention_days == {
        "gold.decision": 5
    }


def test_every_age_is_a_time_of_its_table() -> None:
    kinds = {table.schema[table.aged_by].dataType.typeName() for table in ALL if table.aged_by is not None}

    assert kinds == {"date", "timestamp"}
