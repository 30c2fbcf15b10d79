"""Figures that regions have shared into the centre's lake; it has no path to anything else of them."""

from typing import Any

from personalake.config import Settings
from personalake.lake import Lake, Ledger, Locations
from personalake.pipelines.job import JobContext, JobResult
from personalake.tables.regions import REGION_FIGURE

# No figure has longer words; what has is no figure.
_LONGEST = 60
_WORDS = ("figure", "dimension", "member")


def run(context: JobContext) -> JobResult:
    """Take over what was shared since the last time; what is about too few people is left where it is, and told."""
    settings = context.settings
    if settings.region is not None or settings.regions.mode != "hybrid":
        return JobResult(skipped=True, message="nothing is collected: only the centre of a hybrid set-up collects figures")
    known = {(row["region"], row["shared_at"]) for row in context.lake.ledger.read(REGION_FIGURE, ("region", "shared_at"))}
    fresh, refused = [], 0
    for region in settings.regions.names:
        shared = [row for row in _shared(settings, context.lake, region) if (region, row["shared_at"]) not in known]
        kept = [row for row in shared if is_figure(row, region, settings.regions.smallest_cell)]
        fresh += kept
        refused += len(shared) - len(kept)
    context.lake.create(REGION_FIGURE)
    context.lake.add(fresh, REGION_FIGURE)
    message = f"{len(fresh)} figures of {len(settings.regions.names)} regions"
    if refused:
        message += f"; {refused} refused: about fewer than {settings.regions.smallest_cell} people, or no figures at all"
    return JobResult(len(fresh) + refused, refused, message)


def is_figure(row: dict[str, Any], region: str, smallest: int) -> bool:
    """Whether a row is what a region may share: of itself, in few words, and about enough people."""
    words = [str(row[name] or "") for name in _WORDS]
    return row["region"] == region and (row["people"] or 0) >= smallest and all(0 < len(word) <= _LONGEST for word in words)


def latest_figures(ledger: Ledger) -> list[dict[str, Any]]:
    """The newest figures of each region, for the report."""
    rows = ledger.read(REGION_FIGURE)
    newest: dict[str, Any] = {}
    for row in rows:
        place = (row["as_of"], row["shared_at"])
        newest[row["region"]] = max(place, newest.get(row["region"], place))
    return [row for row in rows if (row["as_of"], row["shared_at"]) == newest[row["region"]]]


def handover_versions(settings: Settings, lake: Lake) -> dict[str, int | None]:
    """Version of what each region has shared; by it a run sees whether there is anything new."""
    places = {name: Locations.of_handover(settings, name) for name in settings.regions.names}
    return {
        name: Ledger(place, lake.start_session).version(REGION_FIGURE) for name, place in places.items() if place is not None
    }


def _shared(settings: Settings, lake: Lake, region: str) -> list[dict[str, Any]]:
    place = Locations.of_handover(settings, region)
    return [] if place is None else Ledger(place, lake.start_session).read(REGION_FIGURE)
