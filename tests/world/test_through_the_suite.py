"""The world through intake and refinement: what was planted is found, by id, and all that is true arrives."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from personalake.config import load_settings
from personalake.ingestion.contracts import CONTRACTS
from personalake.lake import Lake, Locations
from personalake.pipelines import build_context, ingest_events, ingest_records, refine_events, refine_records
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.pipelines.report_arrivals import arrivals_of
from personalake.tables.context import OFFER_HISTORY, VISIT_CONTEXT
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.privacy import PREFERENCE
from personalake.tables.silver import CONSENT, CUSTOMER_RECORD, ORDER_LINE
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT, INTERACTION
from tests.world.conftest import EMITTED

# Of the records, one of each kind of feed: every source more costs seconds.
RECORDS = ("crm_customers", "gpc_signals", "product_offers", "weather", "web_preferences")


@pytest.fixture(scope="module")
def refined(spark: SparkSession, emitted: Path, tmp_path_factory: pytest.TempPathFactory) -> JobContext:
    root = tmp_path_factory.mktemp("refined")
    places = {"root": str(root), "landing": str(emitted / "landing")}
    settings = load_settings("world", overrides=places, environ={})
    chosen = {
        name: source
        for name, source in settings.active_sources().items()
        if CONTRACTS[source.contract].kind == "event" or name in RECORDS
    }
    settings = settings.model_copy(update={"sources": chosen})
    lake = Lake(Locations(root), lambda: spark)
    context = JobContext(settings, lake, EMITTED.end, EMITTED.end, "test-run", {}, Progress())
    for job in (ingest_events, ingest_records, refine_records, refine_events, build_context):
        job.run(context)
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

    feeds = ("pos_sales", "web_orders", "web_events", "app_events", "email_events", "gpc_signals", "web_preferences")
    lines = {name: _lines(emitted / "landing" / name) - copies.get(name, 0) for name in feeds}

    assert rows(ORDER_LINE) == lines["pos_sales"] + lines["web_orders"]
    assert rows(INTERACTION) == lines["web_events"] + lines["app_events"]
    assert rows(EMAIL_ENGAGEMENT) == lines["email_events"]
    assert (rows(CONSENT), rows(PREFERENCE)) == (lines["gpc_signals"], lines["web_preferences"])
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


def test_wishes_signals_and_genders_are_those_of_the_truth(refined: JobContext, spark: SparkSession, emitted: Path) -> None:
    truth, ledger = emitted / "lake" / "truth", refined.lake.ledger
    owners = {
        row["person"]: row["value"]
        for row in spark.read.parquet(str(truth / "identifier")).where("namespace = 'login'").collect()
    }
    wished = {
        (owners[row["person"]], row["preference"]): row["value"] for row in spark.read.parquet(str(truth / "wish")).collect()
    }
    cookies = {row["cookie"] for row in spark.read.parquet(str(truth / "privacy_signal")).collect()}

    told: dict[tuple[str, str], str | None] = {}
    for row in sorted(ledger.read(PREFERENCE), key=lambda row: row["occurred_at"]):
        told[row["customer_id"], row["preference"]] = row["value"]
    signals = ledger.read(CONSENT)

    assert {key: value for key, value in told.items() if value is not None} == wished
    assert {row["customer_id"] for row in signals} == cookies
    assert cookies
    assert {row["status"] for row in signals} == {"withdrawn"}
    assert {row["gender"] for row in ledger.read(CUSTOMER_RECORD)} == {"female", "male"}


def test_prices_stock_and_weather_land_and_surround_the_visits(refined: JobContext) -> None:
    ledger = refined.lake.ledger
    spans = ledger.read(OFFER_HISTORY)
    hours = ledger.read(VISIT_CONTEXT)
    visits = {row["session_id"] for row in ledger.read(INTERACTION, ["session_id"])}

    assert len({row["product_id"] for row in spans if row["valid_to"] is None}) == 480
    assert 480 < len(spans) <= 480 * 3
    assert all(row["price"] > 0 and row["currency"] == "EUR" for row in spans)
    assert all(row["sky"] and row["temperature_celsius"] is not None for row in hours if row["visits"])
    # Visits that last beyond the hour are told in both hours.
    assert len(visits) <= sum(row["visits"] for row in hours) < 1.2 * len(visits)
    assert len({(row["region"], row["hour"]) for row in hours}) == EMITTED.days * 24 * 6


def _lines(folder: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in folder.rglob("*.json"))
