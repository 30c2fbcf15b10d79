"""What each source feeds, how whole and fresh it is, and what it serves, to `gold.source_audit`; reads without Spark."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb

from personalake.config.sources import Source
from personalake.ingestion.audit import IDENTIFIERS, SAYS_WHERE, Arrived, audit_row
from personalake.ingestion.contracts import CONTRACTS, Contract
from personalake.lake import Ledger
from personalake.lake.arrivals import DAY, KNOWN_AT, ROWS, SOURCE, rows_by_source_and_day, values_by_source
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.lineage import features_fed, tables_fed
from personalake.pipelines.registry import JOBS
from personalake.privacy.consent import GRANTED
from personalake.tables.audit import SOURCE_AUDIT
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import CONSENT_CURRENT, PERSON_LINK

_COUNTS = ("rows_in", "rows_quarantined", "rows_duplicate")
_PERSONS = "SELECT DISTINCT unnest(sources) AS source, person_id FROM links"
_SEEN = f"SELECT source, NULL AS purpose, count(*) AS persons FROM ({_PERSONS}) GROUP BY source"
_GRANTING = f"""
SELECT source, purpose, count(*) AS persons FROM ({_PERSONS}) JOIN granted USING (person_id) GROUP BY source, purpose
"""


def run(context: JobContext) -> JobResult:
    """Audit every active source; a source of which nothing new is known keeps the row that it has."""
    ledger, settings = context.lake.ledger, context.settings
    sources = settings.active_sources()
    with context.progress.step(f"auditing {len(sources)} sources"):
        arrived = _arrived(ledger, sources, settings.business_timezone)
    rows = []
    for name, source in sources.items():
        contract = CONTRACTS[source.contract]
        feeds = tables_fed(contract, JOBS), features_fed(contract, JOBS)
        rows.append(audit_row(name, source, arrived[name], *feeds, context.as_of, settings.business_timezone))
    known = {row["source"]: row for row in latest_audits(ledger)}
    changed = [row for row in rows if _told(known.get(row["source"], {})) != _told(row)]
    audited_at = datetime.now(UTC)
    context.lake.create(SOURCE_AUDIT)
    context.lake.add([{**row, "audited_at": audited_at} for row in changed], SOURCE_AUDIT)
    silent = [row["source"] for row in rows if not row["rows"]]
    message = f"{len(rows)} sources, {len(changed)} of them changed" + (
        f"; no rows of {', '.join(silent)}" if silent else ""
    )
    return JobResult(sum(row["rows"] for row in rows), message=message, figures={"changed": len(changed)})


def latest_audits(ledger: Ledger) -> list[dict[str, Any]]:
    """The newest row of each source, by name."""
    rows = sorted(ledger.read(SOURCE_AUDIT), key=lambda row: row["audited_at"])
    newest = {row["source"]: row for row in rows}
    return [newest[name] for name in sorted(newest)]


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "audited_at"}


def _arrived(ledger: Ledger, sources: Mapping[str, Source], time_zone: str) -> dict[str, Arrived]:
    counts = {name: dict.fromkeys(_COUNTS, 0) for name in sources}
    for row in ledger.read(DATA_HEALTH, ("job", "source", *_COUNTS)):
        if row["job"].startswith("refine_") and row["source"] in counts:
            for count in _COUNTS:
                counts[row["source"]][count] += row[count] or 0
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in sources}
    told: dict[str, set[str]] = {}
    for contract in sorted({source.contract for source in sources.values()}):
        if contract in SAYS_WHERE:
            told |= values_by_source(ledger, CONTRACTS[contract].table, SAYS_WHERE[contract])
        for row in _by_day(ledger, CONTRACTS[contract], time_zone):
            if row[SOURCE] in rows and sources[row[SOURCE]].contract == contract:
                rows[row[SOURCE]].append(row)
    persons = _persons(ledger)
    return {name: _of(rows[name], counts[name], told.get(name, set()), persons.get(name, {})) for name in sources}


def _by_day(ledger: Ledger, contract: Contract, time_zone: str) -> list[dict[str, Any]]:
    clock = "occurred_at" if "occurred_at" in contract.table.columns else KNOWN_AT
    counted = [name for name in IDENTIFIERS if name in contract.table.columns]
    found: list[dict[str, Any]] = rows_by_source_and_day(ledger, contract.table, clock, counted, time_zone).to_pylist()
    return found


def _of(rows: list[dict[str, Any]], counts: Mapping[str, int], told: set[str], persons: Mapping[str | None, int]) -> Arrived:
    identifiers = [name for name in IDENTIFIERS if any(name in row for row in rows)]
    known = [row[KNOWN_AT] for row in rows if row[KNOWN_AT] is not None]
    return Arrived(
        days={row[DAY]: row[ROWS] for row in rows},
        filled={name: sum(row[name] for row in rows) for name in identifiers},
        told=told,
        known_until=max(known, default=None),
        counts=counts,
        persons=persons.get(None, 0),
        granting={purpose: count for purpose, count in persons.items() if purpose is not None},
    )


def _persons(ledger: Ledger) -> dict[str, dict[str | None, int]]:
    """Source to the persons seen in it (under None), and to those who grant each purpose."""
    found: dict[str, dict[str | None, int]] = {}
    with duckdb.connect(":memory:") as opened:
        opened.register("links", ledger.arrow(PERSON_LINK, ["person_id", "sources"]))
        granting = [("status", "in", list(GRANTED))]
        opened.register("granted", ledger.arrow(CONSENT_CURRENT, ["person_id", "purpose"], granting))
        for source, purpose, persons in opened.execute(f"{_SEEN} UNION ALL {_GRANTING}").fetchall():
            found.setdefault(source, {})[purpose] = persons
    return found
