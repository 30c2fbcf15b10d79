"""How people come to buy: first touchpoints, the paths that many take, and where they drop off."""

import pandas as pd

from personalake.reports.blocks import Block, Card, Cards, Chart, Grid, Note, Section, Table
from personalake.reports.charts import ORANGE, bars, stacked
from personalake.reports.data import ReportData
from personalake.reports.words import number, share

_SHOWN = 10
_ROWS_SHOWN = 20
_HOUR = 3600.0
_HOW_TO_READ = (
    "A journey is a person's touchpoints on all channels up to a purchase, or to a long silence. A step that repeats the "
    "one before it counts once. A path is how journeys begin: longer paths are parts of shorter ones; rare ones stay out."
)


def how_they_buy(data: ReportData) -> Section | None:
    """The section; None where orders are all that is known."""
    paths = data.paths.sort_values(["journeys", "path"], ascending=[False, True])
    if paths.empty:
        return None
    first = paths[paths["steps"] <= 1]
    blocks: list[Block] = [
        _cards(first),
        Grid([_outcomes(first[first["steps"] == 1]), _drop_offs(paths[paths["steps"] > 0])]),
        Note(_HOW_TO_READ, "quiet"),
        _table(paths),
    ]
    lead = "Touchpoints of all channels in order, from the first one to the purchase."
    return Section("how-they-buy", "How do they come to buy?", lead, blocks)


def _cards(first: pd.DataFrame) -> Cards:
    journeys, purchases = int(first["journeys"].sum()), int(first["purchases"].sum())
    straight = int(first.loc[first["steps"] == 0, "journeys"].sum())
    return Cards(
        [
            Card("Journeys", number(journeys), f"{number(journeys - purchases)} without a purchase so far"),
            Card("Ended in a purchase", share(purchases / max(journeys, 1)), f"{number(purchases)} journeys"),
            Card("Straight to purchase", number(straight), "no touchpoint is known before it"),
        ]
    )


def _outcomes(first: pd.DataFrame) -> Chart:
    shown = first.head(_SHOWN)
    bought = shown["purchases"].tolist()
    others = (shown["journeys"] - shown["purchases"]).tolist()
    outcomes = {"ended in a purchase": bought, "no purchase so far": others}
    return stacked("Journeys by their first touchpoint", shown["path"].tolist(), outcomes, "journeys")


def _drop_offs(paths: pd.DataFrame) -> Chart:
    shown = paths.sort_values(["dropped", "path"], ascending=[False, True]).head(_SHOWN)
    dropped = {str(path): float(count) for path, count in zip(shown["path"], shown["dropped"], strict=True)}
    return bars("Where journeys end without a purchase", dropped, "journeys that fell silent right after this path", ORANGE)


def _table(paths: pd.DataFrame) -> Table:
    counts = ("journeys", "went_on", "bought", "dropped", "open")
    rows = [
        [
            str(row["path"]),
            *(number(row[count]) for count in counts),
            share(row["conversion"]),
            _duration(row["median_seconds_to_purchase"]),
        ]
        for row in paths.head(_ROWS_SHOWN).to_dict("records")
    ]
    head = ("Path", "Journeys", "Went on", "Bought", "Dropped off", "Open", "Conversion", "Median time to purchase")
    note = "Journeys = went on + bought + dropped off + open."
    return Table("How most journeys begin", head, rows, head[1:], note)


def _duration(seconds: float | None) -> str:
    """A length of time in the unit that suits it.

    >>> _duration(90), _duration(5400), _duration(864000), _duration(None)
    ('2 min', '1.5 h', '10.0 days', '–')
    """
    if seconds is None or seconds != seconds:
        return "–"
    if seconds < _HOUR:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / _HOUR:.1f} h" if seconds < 48 * _HOUR else f"{seconds / 24 / _HOUR:.1f} days"
