"""Plans for the console: a block for each, its name on a line of its own, so that it reads and copies at any width."""

from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from personalake.reports.words import plural

_NUMBERS = ("added", "changed", "removed", "unchanged")


def plans_view(plans: Iterable[dict[str, Any]]) -> RenderableType:
    """One block for each plan, the latest last."""
    rows = list(plans)
    if not rows:
        return "No plan yet: enable a sync in conf/audiences.yml, then run plan_activation."
    return Group(*(block(row["plan_id"], _lines(row)) for row in rows))


def block(title: str, lines: Iterable[str]) -> RenderableType:
    """A name, and below it what there is to say; what goes on in the next line is set in like its beginning."""
    told = [Padding(Text(line), (0, 0, 0, 2)) for line in lines]
    return Padding(Group(Text(title, style="bold", overflow="fold"), *told), (0, 0, 1, 0))


def _lines(row: dict[str, Any]) -> list[str]:
    refused = row["refused"] or {}
    state = row["state"].replace("_", " ")
    counts = [*((row[name], name) for name in _NUMBERS), (sum(refused.values()), "refused"), (row["holdout"], "held out")]
    costs = [plural(row["calls"], "call"), f"about {row['seconds']:,.0f} s"]
    costs += [f"{row['data_points']:,} data points"] if row["data_points"] else []
    return [
        f"{row['sync']} to {row['destination']}, {row['mode']}, as of {row['as_of']}",
        f"{state}: {row['reason']}" if row["reason"] else state,
        ", ".join(f"{count:,} {name}" for count, name in counts),
        ", ".join(costs),
        *(f"{count:,} refused: {reason}" for reason, count in sorted(refused.items())),
    ]
