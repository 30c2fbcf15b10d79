"""Reads what came in and what was refused, and holds the demo's planted lines against it, by id."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from personalake.config import Settings
from personalake.ingestion.contracts import CONTRACTS
from personalake.lake import Ledger
from personalake.reports.data import Arrivals
from personalake.reports.planted import Caught, compare, own_refusals
from personalake.tables import Table
from personalake.tables.bronze import LANDING_FILE
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import CATALOG_ITEM, DUPLICATE, EVENT, ORDER_LINE, QUARANTINE

LATE_AFTER = timedelta(days=1)
Row = Mapping[str, Any]


def arrivals_of(settings: Settings, ledger: Ledger) -> Arrivals:
    """What came in so far, by source."""
    health = [row for row in ledger.read(DATA_HEALTH) if row["job"].startswith("refine_")]
    quarantine = ledger.read(QUARANTINE, ("source", "reasons", "payload_hash"))
    active = settings.active_sources()
    lines = None
    if settings.report.planted is not None:
        lines = [line for line in planted_lines(settings.report.planted) if line["source"] in active]
    caught, own = None, []
    if lines is not None:
        caught = _caught(settings, ledger, lines, quarantine)
        own = _own_dirt(settings, ledger, lines, caught, health)
    return Arrivals(
        health=health,
        files=ledger.read(LANDING_FILE, ("source", "status", "reason")),
        quarantine=quarantine,
        days=ledger.per_day(ORDER_LINE, "known_at", settings.business_timezone),
        assumed_consent=[name for name, source in active.items() if source.consent == "assume_granted"],
        planted=None if lines is None or caught is None else compare(lines, caught),
        own_dirt=own,
    )


def planted_lines(folder: Path) -> list[dict[str, Any]]:
    """The truth about every planted line so far: each part of each `*.parquet` folder."""
    columns = ["source", "kind", "line_sha256", "event_key", "expected"]
    parts = sorted(folder.glob("*.parquet/*.parquet"))
    return [row for part in parts for row in pq.ParquetFile(part).read(columns=columns).to_pylist()]


def _caught(settings: Settings, ledger: Ledger, lines: list[dict[str, Any]], quarantine: list[dict[str, Any]]) -> Caught:
    warned = ledger.read(ORDER_LINE, ("event_id", "warnings"), _among(lines, "warned"))
    return Caught(
        quarantine=quarantine,
        duplicates=ledger.read(DUPLICATE, ("source", "payload_hash", "is_exact")),
        late=_late(settings, ledger, lines),
        warned={row["event_id"]: row["warnings"] for row in warned if row["warnings"]},
    )


def _late(settings: Settings, ledger: Ledger, lines: list[dict[str, Any]]) -> set[str]:
    """Ids of planted late lines that were accepted a day or more after they happened, wherever their contract puts them."""
    wanted: dict[tuple[Table, str], list[str]] = {}
    sources = settings.active_sources()
    for line in lines:
        if line["expected"] == "late" and line["source"] in sources:
            contract = CONTRACTS[sources[line["source"]].contract]
            place = (EVENT, "event_id") if contract.kind == "event" else (contract.table, contract.row_id)
            wanted.setdefault(place, []).append(line["event_key"])
    return {
        row[key]
        for (table, key), ids in wanted.items()
        for row in ledger.read(table, (key, "occurred_at", "known_at"), [(key, "in", sorted(ids))])
        if row["known_at"] >= row["occurred_at"] + LATE_AFTER
    }


def _among(lines: Iterable[Row], expected: str) -> list[tuple[str, str, Any]]:
    return [("event_id", "in", sorted(line["event_key"] for line in lines if line["expected"] == expected))]


def _own_dirt(
    settings: Settings, ledger: Ledger, lines: list[dict[str, Any]], caught: Caught, health: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What the data holds beside the planted lines: refusals, unknown products among them, warnings, late rows."""
    own = own_refusals(lines, caught.quarantine)
    own += _unknown_among_refused(settings, ledger, lines)
    warnings: Counter[tuple[str, str]] = Counter()
    late: Counter[str] = Counter()
    for row in health:
        warnings.update({(row["source"], warning): count for warning, count in (row["warnings"] or {}).items()})
        late[row["source"]] += row["rows_late"] or 0
    for line in lines:
        late[line["source"]] -= line["event_key"] in caught.late and line["expected"] == "late"
        if line["expected"] == "warned":
            warnings.subtract((line["source"], warning) for warning in caught.warned.get(line["event_key"], ()))
    own += [
        {"source": source, "what": f"accepted with a warning, {warning}", "rows": count}
        for (source, warning), count in sorted(warnings.items())
        if count
    ]
    told = "accepted a day or more after it happened"
    return own + [{"source": source, "what": told, "rows": count} for source, count in sorted(late.items()) if count]


def _unknown_among_refused(settings: Settings, ledger: Ledger, lines: Iterable[Row]) -> list[dict[str, Any]]:
    """Refused order lines whose product the catalog does not know; their warning is lost behind the refusal."""
    known = set(ledger.arrow(CATALOG_ITEM, ["product_id"])["product_id"].to_pylist())
    planted = {line["line_sha256"] for line in lines}
    found = []
    for name, source in settings.active_sources("order_line").items():
        column = source.columns["product_id"].column
        if column is None or not known:
            continue
        rows = ledger.read(QUARANTINE, ("payload", "payload_hash"), [("source", "=", name)])
        products = (_value(row["payload"], column) for row in rows if row["payload_hash"] not in planted)
        count = sum(product is not None and product not in known for product in products)
        if count:
            told = "refused lines whose product is not in the catalog, either (counted above, too)"
            found.append({"source": name, "what": told, "rows": count})
    return found


def _value(payload: str, column: str) -> str | None:
    try:
        value = json.loads(payload).get(column)
    except (ValueError, AttributeError):
        return None
    return None if value is None else str(value)
