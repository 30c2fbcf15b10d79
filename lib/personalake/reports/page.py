"""The page: headline numbers, the sections in order, Plotly embedded once, no network needed."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from personalake.reports.actions import acted_on, held_out, what_was_decided, what_would_be_sent, which_runs, written
from personalake.reports.arrivals import planted_and_found, totals_by_source, what_came_in, what_was_refused
from personalake.reports.blocks import Card, Cell, Chart, Grid, Note, Section
from personalake.reports.customers import what_they_consent_to, which_segments, who_they_are
from personalake.reports.data import ReportData
from personalake.reports.journeys import how_they_buy
from personalake.reports.linkage import who_is_who
from personalake.reports.messages import what_they_would_read
from personalake.reports.outlook import what_they_would_like, who_will_leave
from personalake.reports.regions import what_regions_tell
from personalake.reports.soundness import are_they_sound
from personalake.reports.sources import which_sources
from personalake.reports.words import money, number, share

_FOLDER = Path(__file__).parent


def sections(data: ReportData) -> list[Section]:
    """Every section, in the order in which data passes through."""
    found = [
        what_came_in(data), what_was_refused(data), planted_and_found(data), are_they_sound(data), which_sources(data),
        what_regions_tell(data), who_is_who(data), who_they_are(data), which_segments(data), how_they_buy(data),
        who_will_leave(data), what_they_would_like(data), what_was_decided(data), what_they_would_read(data),
        what_would_be_sent(data),
        what_they_consent_to(data), which_runs(data),
    ]  # fmt: skip
    return [section for section in found if section is not None]


def headline(data: ReportData) -> list[Card]:
    """The numbers on top."""
    totals = totals_by_source(data.arrivals).values()
    rows_in, refused = (sum(total[count] for total in totals) for count in ("rows_in", "rows_quarantined"))
    balanced = all(total["balanced"] for total in totals)
    people = data.profiles
    spend = money(people["spend"].dropna().sum(), data.currency, 0) if len(people) else "–"
    leaving = number(data.predictions["probability"].sum()) if len(data.predictions) else "–"
    return [
        Card("People", number(len(people)), f"{number((people['orders'] > 0).sum())} with an order so far"),
        Card("Orders", number(people["orders"].sum()), "so far"),
        Card("Spend", spend, "returns deducted"),
        Card("Rows taken in", number(rows_in), "every one accounted for" if balanced else "counts do not add up",
             "plain" if balanced else "alarm"),
        Card("Rows refused", number(refused), f"{share(refused / max(rows_in, 1), 2)} of rows in"),
        Card("Expected to leave", leaving, "people, in 28 days"),
        Card("Acted for", acted_on(data), held_out(data)),
        Card("Written for destinations", number(written(data)), "items"),
    ]  # fmt: skip


def alarms(data: ReportData, parts: list[Section]) -> list[tuple[str, str]]:
    """Every alarming note with its section, repeated on top so that nobody has to scroll to find it."""
    return [
        (section.key, block.text)
        for section in parts
        for block in section.blocks
        if isinstance(block, Note) and block.tone == "alarm"
    ]


def draw(data: ReportData) -> str:
    """The whole page as one HTML text; the same data give the same text."""
    parts = sections(data)
    charts = [chart for section in parts for block in section.blocks for chart in _charts(block)]
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(
        title=data.title,
        as_of=data.as_of.isoformat(),
        cards=headline(data),
        alarms=alarms(data, parts),
        sections=parts,
        chart_id=lambda chart: f"chart-{next(place for place, known in enumerate(charts) if known is chart)}",
        specs=_as_script([chart.spec for chart in charts]),
        style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),
        plotly=_plotly(),
        as_cell=lambda cell: cell if isinstance(cell, Cell) else Cell(str(cell)),
    )


def _charts(block: Any) -> list[Chart]:
    if isinstance(block, Chart):
        return [block]
    return list(block.charts) if isinstance(block, Grid) else []


def _as_script(specs: list[dict[str, Any]]) -> Markup:
    """JSON that no `</script>` within can end early."""
    return Markup(json.dumps(specs, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))


@cache
def _plotly() -> Markup:
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())
