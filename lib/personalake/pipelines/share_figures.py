"""Figures about groups of a region's people to where the centre finds them; no row about a person leaves."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from personalake.lake import Lake, Ledger, Locations
from personalake.pipelines.job import JobContext, JobResult
from personalake.privacy.regional_figures import Figure, published, regional_figures
from personalake.tables import Table
from personalake.tables.gold import CUSTOMER_PROFILE, DECISION, SEGMENT_MEMBERSHIP
from personalake.tables.regions import REGION_FIGURE
from personalake.tables.silver import CONSENT_CURRENT


def run(context: JobContext) -> JobResult:
    """Share the figures of this as-of, unless the same are there already."""
    region = context.settings.region
    place = Locations.of_handover(context.settings, region) if region else None
    if region is None or place is None:
        return JobResult(skipped=True, message="nothing is shared: only a region of a hybrid set-up shares figures")
    smallest = context.settings.regions.smallest_cell
    with context.progress.step("counting"):
        found = _figures(context.lake.ledger, context.as_of)
    kept = published(found, smallest)
    handover = Lake(place, context.lake.start_session, context.dry_run)
    told = [_row(region, context.as_of, figure) for figure in kept]
    message = f"{len(kept)} figures, {len(found) - len(kept)} hidden since fewer than {smallest} people are behind them"
    if _told(told) == _told(newest_figures(handover.ledger, region, context.as_of)):
        return JobResult(len(found), message=f"{message}; shared before")
    shared_at = datetime.now(UTC)
    handover.create(REGION_FIGURE)
    handover.add([{**row, "shared_at": shared_at} for row in told], REGION_FIGURE)
    return JobResult(len(found), message=message, figures={"shared": len(kept), "hidden": len(found) - len(kept)})


def newest_figures(ledger: Ledger, region: str, as_of: date | None = None) -> list[dict[str, Any]]:
    """What a region shared last, of each as-of or of one."""
    where = [("region", "=", region), *([("as_of", "=", as_of)] if as_of else [])]
    rows = ledger.read(REGION_FIGURE, where=where)
    last: dict[date, datetime] = {}
    for row in rows:
        last[row["as_of"]] = max(row["shared_at"], last.get(row["as_of"], row["shared_at"]))
    return [row for row in rows if row["shared_at"] == last[row["as_of"]]]


def _figures(ledger: Ledger, as_of: date) -> list[Figure]:
    members = _frame(ledger, SEGMENT_MEMBERSHIP, ["person_id", "segment"], [("as_of", "=", as_of), ("scheme", "=", "rfm")])
    return regional_figures(
        _frame(ledger, CUSTOMER_PROFILE, ["person_id", "orders", "spend", "currency"]),
        members,
        _frame(ledger, CONSENT_CURRENT, ["person_id", "purpose", "status"]),
        _frame(ledger, DECISION, ["person_id", "action"], [("as_of", "=", as_of)]),
    )


def _frame(
    ledger: Ledger, table: Table, columns: list[str], where: list[tuple[str, str, Any]] | None = None
) -> pd.DataFrame:
    frame: pd.DataFrame = ledger.arrow(table, columns, where or []).to_pandas()
    return frame


def _row(region: str, as_of: date, figure: Figure) -> dict[str, Any]:
    return {"region": region, "as_of": as_of, **vars(figure)}


def _told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted((row["figure"], row["dimension"], row["member"], row["people"], row["value"]) for row in rows)
