"""Reads what the report draws: small tables whole, large ones by the rows and columns that matter."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd

from personalake.config import Settings
from personalake.lake import Ledger
from personalake.pipelines.activation_status import sent_so_far
from personalake.pipelines.report_arrivals import arrivals_of
from personalake.pipelines.report_linkage import linkage_of
from personalake.reports.data import ReportData
from personalake.tables import ALL, Table
from personalake.tables.gold import (
    ACTIVATION_LOG,
    ACTIVATION_OUTBOX,
    CUSTOMER_PROFILE,
    DATA_HEALTH,
    DECISION,
    MODEL_HEALTH,
    PREDICTION,
    RECOMMENDATION,
    RUN,
    SEGMENT_SUMMARY,
)
from personalake.tables.silver import CATALOG_ITEM, CONSENT_CURRENT

# Order of a delivery's states, for those logged in the same instant.
_STATES = ("pending", "in_flight", "unknown", "cancelled", "rejected", "accepted", "confirmed")
_PROFILE_COLUMNS = tuple(column for column in CUSTOMER_PROFILE.columns if column not in ("customer_id", "consents"))
_MASKED = frozenset(field.name for table in ALL for field in table.fields if field.pii)


def gather(settings: Settings, ledger: Ledger, as_of: date) -> ReportData:
    """Everything that the report of one as-of shows.

    Args:
        settings: The configuration.
        ledger: The tables.
        as_of: The as-of whose predictions, recommendations, segments and decisions are shown.
    """
    recommendations = _frame(ledger, RECOMMENDATION, ("person_id", "slot", "rank", "product_id", "reason"), as_of)
    decisions = _frame(ledger, DECISION, DECISION.columns, as_of)
    deliveries = _deliveries(ledger, as_of)
    offered = {*recommendations["product_id"].dropna(), *decisions["product_id"].dropna()}
    return ReportData(
        title=settings.report.title,
        as_of=as_of,
        arrivals=arrivals_of(settings, ledger),
        profiles=_frame(ledger, CUSTOMER_PROFILE, _PROFILE_COLUMNS),
        segments=_frame(ledger, SEGMENT_SUMMARY, SEGMENT_SUMMARY.columns, as_of),
        predictions=_churn(ledger, as_of),
        recommendations=recommendations,
        products=product_names(ledger, offered),
        decisions=decisions,
        outbox=_one_per_destination(ledger, deliveries),
        deliveries=deliveries,
        models=_latest_cut(ledger.read(MODEL_HEALTH)),
        consents=_frame(ledger, CONSENT_CURRENT, ("person_id", "purpose", "status", "origin")),
        runs=list({row["job"]: row for row in sorted(ledger.read(RUN), key=lambda row: row["ended_at"])}.values()),
        masked=_MASKED,
        planning=_planning(ledger, as_of),
        linkage=linkage_of(settings, ledger),
        sent=sent_so_far(ledger),
    )


def product_names(ledger: Ledger, products: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Name and category of products, from the latest version of each; the product type stands in for a missing name."""
    columns = ("product_id", "name", "category", "product_type", "department", "known_at", "record_id")
    wanted = sorted(set(products))
    versions = ledger.read(CATALOG_ITEM, columns, [("product_id", "in", wanted)]) if wanted else []
    latest = {row["product_id"]: row for row in sorted(versions, key=lambda row: (row["known_at"], row["record_id"]))}
    return {
        product: {
            "name": row["name"] or row["product_type"] or row["category"],
            "category": row["category"] or row["department"],
        }
        for product, row in latest.items()
    }


def last_states(log: pd.DataFrame) -> pd.DataFrame:
    """The last row of each delivery in `gold.activation_log`."""
    place = {state: order for order, state in enumerate(_STATES)}
    ordered = log.assign(place=log["state"].map(place)).sort_values(["delivery_id", "logged_at", "place"])
    return ordered.drop_duplicates("delivery_id", keep="last").drop(columns="place")


def _frame(ledger: Ledger, table: Table, columns: Iterable[str], as_of: date | None = None) -> pd.DataFrame:
    where = [] if as_of is None else [("as_of", "=", as_of)]
    frame: pd.DataFrame = ledger.arrow(table, columns, where).to_pandas(maps_as_pydicts="strict")
    return frame


def _churn(ledger: Ledger, as_of: date) -> pd.DataFrame:
    columns = ("person_id", "model", "probability", "reasons")
    scores = _frame(ledger, PREDICTION, columns, as_of)
    return scores[scores["model"] == "churn"]


def _deliveries(ledger: Ledger, as_of: date) -> pd.DataFrame:
    """Decisions to files; what syncs send is counted by `sent_so_far`."""
    written = [("as_of", "=", as_of), ("plan_id", "=", None)]
    planned = ledger.arrow(ACTIVATION_OUTBOX, ("delivery_id", "destination", "operation"), written).to_pandas()
    log = last_states(_frame(ledger, ACTIVATION_LOG, ("delivery_id", "state", "reason", "file", "logged_at")))
    found = planned.merge(log, on="delivery_id", how="left")
    return found.assign(state=found["state"].fillna("pending"))


def _one_per_destination(ledger: Ledger, deliveries: pd.DataFrame) -> list[dict[str, Any]]:
    written = deliveries[deliveries["state"].isin(("accepted", "confirmed"))]
    chosen = (written if len(written) else deliveries).sort_values("delivery_id").drop_duplicates("destination")
    if chosen.empty:
        return []
    columns = ("delivery_id", "destination", "operation", "payload")
    rows = ledger.read(ACTIVATION_OUTBOX, columns, [("delivery_id", "in", list(chosen["delivery_id"]))])
    return sorted(rows, key=lambda row: str(row["destination"]))


def _planning(ledger: Ledger, as_of: date) -> list[dict[str, Any]]:
    """The newest equation of each destination; its batch id names the as-of."""
    rows = ledger.read(DATA_HEALTH, where=[("job", "=", "plan_activation")])
    here = [row for row in rows if f"/{as_of.isoformat()}/" in row["batch_id"]]
    newest = {row["source"]: row for row in sorted(here, key=lambda row: (row["recorded_at"], row["batch_id"]))}
    return [newest[name] for name in sorted(newest)]


def _latest_cut(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    cuts: dict[str, date] = {}
    for row in metrics:
        cuts[row["model"]] = max(row["as_of"], cuts.get(row["model"], row["as_of"]))
    latest = [row for row in metrics if row["as_of"] == cuts[row["model"]]]
    return sorted(latest, key=lambda row: (row["model"], row["population"], row["metric"], row["candidate"]))
