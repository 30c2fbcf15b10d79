"""The audit of sources, made without Spark."""

from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.config.sources import Source
from personalake.lake import Lake, Locations
from personalake.pipelines import audit_sources
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.reports.sources import which_sources
from personalake.tables.audit import SOURCE_AUDIT
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import CONSENT_CURRENT, CUSTOMER_RECORD, ORDER_LINE, PERSON_LINK

SHOPS = {"till": "4711", "web": "app"}


def no_session() -> SparkSession:
    raise AssertionError("the audit starts no session")


def at(day: int) -> datetime:
    return datetime(2024, 5, day, 23, 30, tzinfo=UTC)


@pytest.fixture
def context(tmp_path: Path) -> JobContext:
    contracts = {"till": "order_line", "web": "order_line", "crm": "customer_record", "mute": "campaign_spend"}
    sources = {
        name: Source.model_validate({"contract": contract, "path": tmp_path, "columns": {}})
        for name, contract in contracts.items()
    }
    settings = Settings(root=tmp_path / "lake", sources=sources, business_timezone="Europe/Berlin")
    lake = Lake(Locations(tmp_path / "lake"), no_session)
    lines = [("till", 1, "c1"), ("till", 1, None), ("till", 4, "c2"), ("web", 2, "c1")]
    lake.ledger.append(
        ORDER_LINE,
        [
            {
                "source": source,
                "occurred_at": at(day),
                "known_at": at(day),
                "customer_id": who,
                "store_id": SHOPS.get(source),
            }
            for source, day, who in lines
        ],
    )
    lake.ledger.append(CUSTOMER_RECORD, [{"source": "crm", "known_at": at(3), "customer_id": "c1", "email": "a@x"}])
    health = {"job": "refine_events", "rows_in": 6, "rows_quarantined": 2, "rows_duplicate": 1}
    lake.ledger.append(
        DATA_HEALTH, [{**health, "source": "till"}, {**health, "source": "till"}, {"job": "x", "source": "till"}]
    )
    links = [("c1", "p1", ["till", "crm"]), ("c2", "p2", ["till"]), ("a@x", "p1", ["crm"])]
    lake.ledger.append(PERSON_LINK, [{"value": value, "person_id": one, "sources": seen} for value, one, seen in links])
    answers = [("p1", "email_marketing", "granted"), ("p2", "email_marketing", "denied"), ("p2", "push", "assumed_granted")]
    lake.ledger.append(CONSENT_CURRENT, [{"person_id": p, "purpose": why, "status": told} for p, why, told in answers])
    return JobContext(settings, lake, date(2024, 5, 7), date(2024, 5, 7), "run", {}, Progress())


def test_each_source_is_audited_by_what_lies_in_silver(context: JobContext) -> None:
    result = audit_sources.run(context)

    rows = {row["source"]: row for row in audit_sources.latest_audits(context.lake.ledger)}
    till = rows["till"]
    assert (till["rows"], till["rows_in"], till["refused_share"]) == (3, 12, pytest.approx(1 / 3))
    assert (till["first_date"], till["last_date"]) == (date(2024, 5, 2), date(2024, 5, 5)), "days of Berlin"
    assert (till["days_without_rows"], till["longest_gap_days"], till["freshness_days"]) == (2, 2, 1)
    assert till["identifier_share"] == {"customer_id": pytest.approx(2 / 3)}
    assert (till["persons"], till["consent_share"]) == (2, {"email_marketing": 0.5, "push": 0.5})
    assert {"silver.order_line", "silver.event", "gold.customer_profile", "gold.customer_feature"} <= set(
        till["feeds_tables"]
    )
    assert "recency_days" in till["feeds_features"]
    assert (rows["crm"]["persons"], rows["crm"]["feeds_features"], rows["crm"]["touchpoints"]) == (1, [], {"email": "reach"})
    assert (rows["web"]["rows"], rows["mute"]["rows"]) == (1, 0)
    assert "no rows of mute" in result.message


def test_an_audit_that_finds_nothing_new_adds_nothing(context: JobContext) -> None:
    audit_sources.run(context)
    version = context.lake.ledger.version(SOURCE_AUDIT)

    again = audit_sources.run(context)
    context.lake.ledger.append(ORDER_LINE, [{"source": "web", "occurred_at": at(3), "known_at": at(3)}])
    changed = audit_sources.run(context)

    assert (again.figures["changed"], changed.figures["changed"]) == (0, 1)
    assert context.lake.ledger.version(SOURCE_AUDIT) == version + 1
    assert context.lake.ledger.rows(SOURCE_AUDIT) == 5


def test_the_report_shows_the_matrix_of_sources_and_touchpoints(context: JobContext) -> None:
    audit_sources.run(context)
    audits = audit_sources.latest_audits(context.lake.ledger)

    section = which_sources(SimpleNamespace(audits=audits))  # type: ignore[arg-type]

    assert section is not None
    matrix = section.blocks[-1]
    assert ["crm", "reach", "–", "–", "–", "–", "–"] in matrix.rows
    assert ["till", "–", "–", "–", "behaviour", "–", "–"] in matrix.rows
    assert ["web", "–", "–", "behaviour", "–", "–", "–"] in matrix.rows
    known = next(block for block in section.blocks if getattr(block, "title", "") == "Whom each source knows")
    assert ["till", "2", "customer id 67 %", "email marketing 50 %, push 50 %"] in known.rows
    assert "mute" not in [row[0] for row in known.rows]
    assert which_sources(SimpleNamespace(audits=[])) is None  # type: ignore[arg-type]
