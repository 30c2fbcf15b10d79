"""Reads what the report draws: small tables whole, large ones by the rows and columns that matter."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from personalake.config import Settings
from personalake.lake import Ledger
from personalake.pipelines.activation_plans import plans
from personalake.pipelines.activation_status import sent_so_far
from personalake.pipelines.activation_totals import totals_so_far
from personalake.pipelines.audit_sources import latest_audits
from personalake.pipelines.collect_figures import latest_figures
from personalake.pipelines.held_up import held_up, too_small
from personalake.pipelines.open_ends import left_waiting
from personalake.pipelines.product_names import product_names
from personalake.pipelines.report_arrivals import arrivals_of
from personalake.pipelines.report_linkage import linkage_of
from personalake.pipelines.template_preview import examples
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
from personalake.tables.health import DATASET_VERDICT
from personalake.tables.journeys import JOURNEY_PATH
from personalake.tables.silver import CONSENT_CURRENT

# Order of a delivery's states, for those logged in the same instant.
_STATES = ("pending", "in_flight", "unknown", "cancelled", "rejected", "accepted", "confirmed")
_PROFILE_COLUMNS = tuple(
    field.name for field in CUSTOMER_PROFILE.fields if field.name != "customer_id" and not field.type.startswith("map")
)
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
    products = product_names(ledger, {*recommendations["product_id"].dropna(), *decisions["product_id"].dropna()})
    return ReportData(
        title=settings.report.title,
        as_of=as_of,
        arrivals=arrivals_of(settings, ledger),
        profiles=_frame(ledger, CUSTOMER_PROFILE, _PROFILE_COLUMNS),
        segments=_frame(ledger, SEGMENT_SUMMARY, SEGMENT_SUMMARY.columns, as_of),
        predictions=_churn(ledger, as_of),
        recommendations=recommendations,
        products=products,
        decisions=decisions,
        outbox=_one_per_destination(ledger, deliveries),
        deliveries=deliveries,
        models=_latest_cut(ledger.read(MODEL_HEALTH)),
        consents=_frame(ledger, CONSENT_CURRENT, ("person_id", "purpose", "status", "origin")),
        runs=list({row["job"]: row for row in sorted(ledger.read(RUN), key=lambda row: row["ended_at"])}.values()),
        masked=_MASKED,
        planning=_planning(ledger, as_of),
        linkage=linkage_of(settings, ledger),
        sent=(sent := sent_so_far(ledger)),
        totals=totals_so_far(ledger, sent),
        held_up=[
            *held_up(known := plans(ledger), settings.audiences, datetime.now(UTC)),
            *left_waiting(ledger, known, settings.connections),
        ],
        too_small=too_small(known, settings.audiences),
        messages=[preview.as_row() for preview in examples(settings, ledger, _one_per_rule(decisions), products)],
        audits=latest_audits(ledger),
        region_figures=latest_figures(ledger),
        paths=_frame(ledger, JOURNEY_PATH, JOURNEY_PATH.columns, as_of),
        verdicts=_newest_verdicts(ledger, as_of),
    )


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
    to_files = [("as_of", "=", as_of), ("plan_id", "=", None), ("sync", "=", None)]
    columns = ("delivery_id", "destination", "operation")
    planned: pd.DataFrame = ledger.arrow(ACTIVATION_OUTBOX, columns, to_files).to_pandas()
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


def _one_per_rule(decisions: pd.DataFrame) -> list[dict[str, Any]]:
    acted = decisions[decisions["status"] == "act"].sort_values("person_id").drop_duplicates("rule")
    return [{str(name): value for name, value in row.items()} for row in acted.to_dict("records")]


def _planning(ledger: Ledger, as_of: date) -> list[dict[str, Any]]:
    """The newest equation of each destination; its batch id names the as-of."""
    rows = ledger.read(DATA_HEALTH, where=[("job", "=", "plan_activation")])
    here = [row for row in rows if f"/{as_of.isoformat()}/" in row["batch_id"]]
    newest = {row["source"]: row for row in sorted(here, key=lambda row: (row["recorded_at"], row["batch_id"]))}
    return [newest[name] for name in sorted(newest)]


def _newest_verdicts(ledger: Ledger, as_of: date) -> list[dict[str, Any]]:
    """The verdicts of the newest run for the as-of."""
    rows = ledger.read(DATASET_VERDICT, where=[("as_of", "=", as_of)])
    newest = max(rows, key=lambda row: (row["checked_at"], row["run_id"]), default={"run_id": None})
    return [row for row in rows if row["run_id"] == newest["run_id"]]


def _latest_cut(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    cuts: dict[str, date] = {}
    for row in metrics:
        cuts[row["model"]] = max(row["as_of"], cuts.get(row["model"], row["as_of"]))
    latest = [row for row in metrics if row["as_of"] == cuts[row["model"]]]
    return sorted(latest, key=lambda row: (row["model"], row["population"], row["metric"], row["candidate"]))
