"""The world's events through intake and refinement: what was planted is found, by id, and all that is true arrives."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from personalake.config import load_settings
from personalake.lake import Lake, Locations
from personalake.pipelines import ingest_events, refine_events
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.pipelines.report_arrivals import arrivals_of
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import ORDER_LINE
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT, INTERACTION
from tests.world.conftest import EMITTED


@pytest.fixture(scope="module")
def refined(spark: SparkSession, emitted: Path, tmp_path_factory: pytest.TempPathFactory) -> JobContext:
    root = tmp_path_factory.mktemp("refined")
    places = {"root": str(root), "landing": str(emitted / "landing")}
    settings = load_settings("world", overrides=places, environ={})
    lake = Lake(Locations(root), lambda: spark)
    context = JobContext(settings, lake, EMITTED.end, EMITTED.end, "test-run", {}, Progress())
    ingest_events.run(context)
    refine_events.run(context)
    return context


def test_all_dirt_is_found_and_nothing_else_is_refused(refined: JobContext) -> None:
    arrivals = arrivals_of(refined.settings, refined.lake.ledger)

    assert arrivals.planted is not None
    assert len(arrivals.planted) > 20
    assert [row for row in arrivals.planted if row["found"] != row["planted"]] == []
    refused = sum(row["planted"] for row in arrivals.planted if row["expected"] == "quarantined")
    assert sum(row["rows_quarantined"] for row in arrivals.health) == refused


def test_every_true_event_is_accepted_once(refined: JobContext, spark: SparkSession, emitted: Path) -> None:
    rows: Callable[..., int] = refined.lake.ledger.rows
    truth = emitted / "lake" / "truth"
    dirt = spark.read.parquet(str(truth / "planted_line")).where("kind <> 'late'").groupBy("source").count().collect()
    copies = {row["source"]: row["count"] for row in dirt}

    lines = {name: _lines(emitted / "landing" / name) - copies.get(name, 0) for name in copies}

    assert rows(ORDER_LINE) == lines["pos_sales"] + lines["web_orders"]
    assert rows(INTERACTION) == lines["web_events"] + lines["app_events"]
    assert rows(EMAIL_ENGAGEMENT) == lines["email_events"]
    assert all(row["balanced"] for row in refined.lake.ledger.read(DATA_HEALTH))


def test_events_carry_identifiers_of_their_namespace(refined: JobContext) -> None:
    seen = {
        (table.name, row["namespace"])
        for table in (ORDER_LINE, INTERACTION, EMAIL_ENGAGEMENT)
        for row in refined.lake.ledger.read(table, ["namespace"])
        if row["namespace"]
    }

    assert seen == {
        ("order_line", "loyalty_id"),
        ("order_line", "login"),
        ("interaction", "login"),
        ("email_engagement", "email"),
    }


def _lines(folder: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("*.json"))
